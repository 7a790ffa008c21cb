package servers

import "github.com/left4me/left4me/internal/control/servers"

// mapOf is the map that is played, or the one that a start begins with.
func mapOf(v servers.View) (name string, now bool) {
	if v.Status.Map != "" {
		return v.Status.Map, true
	}
	return v.Settings.Map, false
}
