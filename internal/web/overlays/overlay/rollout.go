package overlay

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/rolloutrules"
)

// visibleMoves is how the servers move over that somebody may see.
func visibleMoves(who accounts.Actor, v overlays.Restart) *overlays.Restart {
	v.Moves, v.Wishes, v.Reason = rolloutrules.Visible(who, v.Moves, v.Wishes, v.Reason)
	return &v
}
