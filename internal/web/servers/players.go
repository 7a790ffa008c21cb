package servers

import (
	"strconv"

	"github.com/left4me/left4me/internal/control/servers"
)

// maxPips is the maximum number of slots that are drawn; more are shown only as a number.
const maxPips = 16

// slots returns the number of player slots of the running server, or else of its settings; 0 if
// unknown.
func slots(v *servers.View) int {
	if v.Status.MaxPlayers > 0 {
		return v.Status.MaxPlayers
	}
	return v.Settings.MaxPlayers
}

// ofSlots returns the number of slots to show after the number of players, such as /8.
func ofSlots(v *servers.View) string {
	if n := slots(v); n > 0 {
		return "/" + strconv.Itoa(n)
	}
	return ""
}
