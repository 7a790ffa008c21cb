package overlay

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/rolloutrules"
)

// visibleMoves returns v without the servers that the user may not see.
func visibleMoves(who accounts.Actor, v overlays.Restart) *overlays.Restart {
	v.Moves, v.Wishes, v.Reason = rolloutrules.Visible(who, v.Moves, v.Wishes, v.Reason)
	return &v
}
