package servers

import "github.com/left4me/left4me/internal/control/servers"

// mapOf returns the current map with now true, or else the map that the server starts with.
func mapOf(v servers.View) (name string, now bool) {
	if v.Status.Map != "" {
		return v.Status.Map, true
	}
	return v.FirstMap(), false
}
