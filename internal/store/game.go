package store

import (
	"context"
	"fmt"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Game accesses the tables rollout and game_policy.
type Game struct{ db *Store }

// Game returns access to rollouts and policies; the value may be copied.
func (s *Store) Game() Game { return Game{s} }

// GamePolicy defines when a host checks for newer builds of the game, and whether it installs them.
type GamePolicy struct {
	CheckEvery time.Duration // 0: never
	Update     bool          // install newer builds automatically
	UpdateAt   string        // HH:MM in the host's time zone; empty: immediately
	Restart    string        // rollout mode: never, now, empty or HH:MM
}

func scanGamePolicy(r row) (v GamePolicy, err error) {
	var seconds int64
	err = r.Scan(&seconds, &v.Update, &v.UpdateAt, &v.Restart)
	v.CheckEvery = time.Duration(seconds) * time.Second
	return v, err
}

// Policy returns the policy of a host. Errors: left4me.NotFound if none was set.
func (s Game) Policy(ctx context.Context, host left4me.Name) (GamePolicy, error) {
	return one(s.db.row(ctx, `SELECT check_every, auto_update, update_at, restart FROM game_policy WHERE host = ?`, host),
		scanGamePolicy, "policy for the game on", host)
}

// SetPolicy saves the policy of a host.
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
