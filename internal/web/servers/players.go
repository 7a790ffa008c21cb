package servers

import "github.com/left4me/left4me/internal/control/servers"

// maxPips is how many slots are drawn one by one; more are only a number.
const maxPips = 16

// slots is how many can play, as far as it is known or asked for.
func slots(v servers.View) int {
	if v.Status.MaxPlayers > 0 {
		return v.Status.MaxPlayers
	}
	return v.Settings.MaxPlayers
}
