package servers

import "github.com/left4me/left4me/internal/left4me"

// tone is the colour that a state is shown in; the icon and the word say the
// same.
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
