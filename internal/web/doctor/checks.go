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

// mendPart is a part of the remedy for a failed check: text, or a command to copy.
type mendPart struct {
	Text    string
	Command bool
}

// mendParts splits what to do about a finding into text and the commands in backquotes.
func mendParts(ctx context.Context, c left4me.Check) []mendPart {
	_, fix := format.Check(ctx, c)
	var parts []mendPart
	for i, text := range strings.Split(fix, "`") {
		if text != "" {
			parts = append(parts, mendPart{text, i%2 == 1})
		}
	}
	return parts
}

// checkID returns the element id of a command in the remedy of a check.
func checkID(check, part int) string {
	return "mend-" + strconv.Itoa(check) + "-" + strconv.Itoa(part)
}
