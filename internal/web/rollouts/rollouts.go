package rollouts

import (
	"cmp"
	"context"

	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/control/rolloutrules"
	"github.com/left4me/left4me/internal/locale"
)

// AtHour is the choice to restart servers at a time of day, which a second field holds.
const AtHour = "at"

// Choices lists the values of the choice of when servers restart.
var Choices = []string{string(game.Never), string(game.Empty), string(game.Now), AtHour}

// ChoiceLabel returns the label of one of Choices.
func ChoiceLabel(ctx context.Context, choice string) string {
	return locale.T(ctx, "rollouts.restart."+choice)
}

// RestartOf returns the mode for a choice and a time of day. Without a time the mode is invalid, and
// its error belongs to the field of the choice.
func RestartOf(choice, hour string) string {
	if choice == AtHour {
		return cmp.Or(hour, "--:--")
	}
	return choice
}

// Tone returns the colour of the badge for the state of a rollout, or of a server in one.
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

// Icon returns the icon of the badge for the state of a rollout, or of a server in one.
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

// Mode returns a sentence that says when servers restart in a rollout.
func Mode(ctx context.Context, mode string) string {
	at := ""
	if rolloutrules.IsHour(mode) {
		mode, at = AtHour, mode
	}
	return locale.T(ctx, "rollouts.mode."+mode, "time", at)
}

// HourOf returns the initial value of the field for the time of day.
func HourOf(hour string) string { return cmp.Or(hour, "05:00") }
