package store

import (
	"context"
	"fmt"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Game are the tables rollout and game_policy.
type Game struct{ db *Store }

// Game returns them; the value may be copied.
func (s *Store) Game() Game { return Game{s} }

// GamePolicy says when a host looks for newer builds of the game, and what
// happens when there is one.
type GamePolicy struct {
	CheckEvery time.Duration // 0 is never
	Update     bool          // without being asked
	UpdateAt   string        // HH:MM of the host; empty is at once
	Restart    string        // how servers move over: never, now, empty or HH:MM
}

func scanGamePolicy(r row) (v GamePolicy, err error) {
	var seconds int64
	err = r.Scan(&seconds, &v.Update, &v.UpdateAt, &v.Restart)
	v.CheckEvery = time.Duration(seconds) * time.Second
	return v, err
}

// Policy returns the policy of a host. Errors: left4me.NotFound when none
// was set.
func (s Game) Policy(ctx context.Context, host left4me.Name) (GamePolicy, error) {
	return one(s.db.row(ctx, `SELECT check_every, auto_update, update_at, restart FROM game_policy WHERE host = ?`, host),
		scanGamePolicy, "policy for the game on", host)
}

// SetPolicy keeps the policy of a host.
func (s Game) SetPolicy(ctx context.Context, host left4me.Name, v GamePolicy) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		_, err := tx.ExecContext(ctx,
			`INSERT OR REPLACE INTO game_policy(host, check_every, auto_update, update_at, restart) VALUES (?,?,?,?,?)`,
			host, int64(v.CheckEvery/time.Second), v.Update, v.UpdateAt, v.Restart)
		if err != nil {
			return err
		}
		return tx.event(ctx, left4me.SettingsChanged, left4me.Site, left4me.SettingsEvent{Settings: "game", Host: host})
	})
	if err != nil {
		return fmt.Errorf("keep policy for the game on %s: %w", host, err)
	}
	return nil
}
