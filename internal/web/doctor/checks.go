package doctor

import (
	"context"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
)

// checkTone returns the colour of the badge for the result of a check.
func checkTone(s left4me.CheckState) string {
	switch s {
	case left4me.CheckOK:
		return "good"
	case left4me.CheckWarn:
		return "warn"
	case left4me.CheckBroken:
		return "bad"
	}
	return "idle"
}

// checkIcon returns the icon of the badge for the result of a check.
func checkIcon(s left4me.CheckState) string {
	switch s {
	case left4me.CheckOK:
		return "check"
	case left4me.CheckWarn:
		return "unresponsive"
	case left4me.CheckBroken:
		return "failed"
	}
	return "skipped"
}

// remedyPart is a part of the remedy for a failed check: text, or a command to copy.
type remedyPart struct {
	Text    string
	Command bool
}

// remedyParts splits what to do about a finding into text and the commands in backquotes.
func remedyParts(ctx context.Context, c left4me.Check) []remedyPart {
	_, fix := format.Check(ctx, c)
	var parts []remedyPart
	for i, text := range strings.Split(fix, "`") {
		if text != "" {
			parts = append(parts, remedyPart{text, i%2 == 1})
		}
	}
	return parts
}

// checkID returns the element id of a command in the remedy of a check.
func checkID(check, part int) string {
	return "remedy-" + strconv.Itoa(check) + "-" + strconv.Itoa(part)
}
