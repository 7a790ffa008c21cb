package rollouts

import (
	"cmp"

	"github.com/left4me/left4me/internal/control/game"
)

// AtHour is the value of the choice that goes with an hour.
const AtHour = "at"

// Choices are the choices of when servers move over.
var Choices = []struct{ Value, Label string }{
	{string(game.Never), "when somebody restarts them"},
	{string(game.Empty), "each when nobody plays on it"},
	{string(game.Now), "now: one first, then all others"},
	{AtHour, "all at the hour"},
}

// RestartOf is the mode of a choice and an hour.
func RestartOf(choice, hour string) string {
	if choice == AtHour {
		return cmp.Or(hour, "an hour")
	}
	return choice
}

// Tone is the colour that the state of a rollout, or of a server in one, is shown in.
func Tone(state string) string {
	switch state {
	case game.Done, game.Moved:
		return "good"
	case game.Running, game.Moving:
		return "busy"
	case game.Failed:
		return "bad"
	}
	return "idle"
}

// Icon is the icon of the state of a rollout, or of a server in one.
func Icon(state string) string {
	switch state {
	case game.Done, game.Moved:
		return "check"
	case game.Running, game.Moving:
		return "starting"
	case game.Failed:
		return "failed"
	case game.Cancelled, game.Left:
		return "skipped"
	}
	return "pending"
}

// Mode says when servers move in a rollout.
func Mode(mode string) string {
	for _, m := range Choices {
		if m.Value == mode {
			return m.Label
		}
	}
	return "at " + mode
}

// HourOf is the hour that a form begins with.
func HourOf(hour string) string { return cmp.Or(hour, "05:00") }
