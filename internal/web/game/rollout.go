package game

import (
	"fmt"
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// rolloutTitle says what a rollout is about.
func rolloutTitle(r *game.Rollout) string {
	if r.Build == 0 {
		return "Servers move over when the job is done"
	}
	return fmt.Sprintf("Servers move over to build %d", r.Build)
}

// rolloutSum says how far it is.
func rolloutSum(r *game.Rollout) string {
	moved := 0
	for _, m := range r.Moves {
		if m.State == game.Moved {
			moved++
		}
	}
	text := format.Count(moved, "server", "servers") + " moved"
	if n := len(r.Wishes); n > 0 {
		text += fmt.Sprintf(", %d to go", n)
	}
	return text
}

func (p *Pages) cancelRollout(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if _, err := p.Game.CancelRollout(r.Context(), who.Cause(), p.Hosts.Default()); err != nil {
		return err
	}
	return page.Done(w, r, "/game")
}
