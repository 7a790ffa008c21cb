package game

import (
	"context"
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/page"
)

// rolloutTitle returns the heading of a rollout. The build of a rollout is unknown until its job is
// done.
func rolloutTitle(ctx context.Context, r *game.Rollout) string {
	if r.Build == 0 {
		return locale.T(ctx, "game.rollout.title_waiting")
	}
	return locale.T(ctx, "game.rollout.title", "build", r.Build)
}

// rolloutProgress returns how many servers a rollout has restarted, and how many it has yet to
// restart.
func rolloutProgress(ctx context.Context, r *game.Rollout) string {
	moved := 0
	for _, m := range r.Moves {
		if m.State == game.Moved {
			moved++
		}
	}
	if n := len(r.Wishes); n > 0 {
		return locale.T(ctx, "game.rollout.progress_remaining", "updated", locale.M("game.rollout.updated", "count", moved), "remaining", n)
	}
	return locale.T(ctx, "game.rollout.progress", "updated", locale.M("game.rollout.updated", "count", moved))
}

func (p *Pages) cancelRollout(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if _, err := p.Game.CancelRollout(r.Context(), who.Cause(), p.Hosts.Default()); err != nil {
		return err
	}
	return page.Done(w, r, "/game")
}
