package servers

import (
	"context"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
)

// stateName returns the name of a state.
func stateName(ctx context.Context, s left4me.ServerState) string {
	return locale.T(ctx, "servers.state."+string(known(s)))
}

// known returns s, or Unknown for a state that this build does not know.
func known(s left4me.ServerState) left4me.ServerState {
	switch s {
	case left4me.Stopped, left4me.Starting, left4me.Running, left4me.Unresponsive, left4me.Stopping, left4me.Failed:
		return s
	}
	return left4me.Unknown
}

// tone returns the CSS class of a state's colour. The icon and the text carry the same
// information.
func tone(s left4me.ServerState) string {
	switch s {
	case left4me.Running:
		return "good"
	case left4me.Starting, left4me.Stopping:
		return "busy"
	case left4me.Unresponsive:
		return "warn"
	case left4me.Failed:
		return "bad"
	}
	return "idle"
}
