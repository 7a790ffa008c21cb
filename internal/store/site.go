package store

import (
	"context"
	"fmt"

	"github.com/left4me/left4me/internal/left4me"
)

// Site accesses the table site.
type Site struct{ db *Store }

// Site returns access to site settings; the value may be copied.
func (s *Store) Site() Site { return Site{s} }

// ID returns the identity of this left4me. It is random and stays with the database, also after a
// move or a restore.
func (s Site) ID(ctx context.Context) (id string, err error) {
	if err := s.db.row(ctx, `SELECT id FROM site`).Scan(&id); err != nil {
		return "", fmt.Errorf("get the identity of this left4me: %w", err)
	}
	return id, nil
}

// ArchiveNames returns the setting for names in archives: an encoding or "automatic", or empty if
// it was never set.
func (s Site) ArchiveNames(ctx context.Context) (encoding string, err error) {
	if err := s.db.row(ctx, `SELECT coalesce(names, '') FROM site`).Scan(&encoding); err != nil {
		return "", fmt.Errorf("get the setting of names in archives: %w", err)
	}
	return encoding, nil
}

// SetArchiveNames saves the setting for names in archives; with first, only if it was never set.
func (s Site) SetArchiveNames(ctx context.Context, encoding string, first bool) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		n, err := rowsAffected(tx.ExecContext(ctx, `UPDATE site SET names = ? WHERE names IS NULL OR NOT ?`, encoding, first))
		if err != nil || n == 0 {
			return err
		}
		return tx.event(ctx, left4me.SettingsChanged, left4me.Site, left4me.SettingsEvent{Settings: "archive names"})
	})
	if err != nil {
		return fmt.Errorf("keep the setting of names in archives: %w", err)
	}
	return nil
}

// Address returns the host that players connect to, as set by a user; empty if none is set.
func (s Site) Address(ctx context.Context) (host string, err error) {
	if err := s.db.row(ctx, `SELECT address FROM site`).Scan(&host); err != nil {
		return "", fmt.Errorf("get the public address: %w", err)
	}
	return host, nil
}

// SetAddress saves the host that players connect to; empty removes the setting.
func (s Site) SetAddress(ctx context.Context, host string) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		n, err := rowsAffected(tx.ExecContext(ctx, `UPDATE site SET address = ?1 WHERE address <> ?1`, host))
		if err != nil || n == 0 {
			return err
		}
		return tx.event(ctx, left4me.SettingsChanged, left4me.Site, left4me.SettingsEvent{Settings: "public address"})
	})
	if err != nil {
		return fmt.Errorf("keep the public address: %w", err)
	}
	return nil
}
