package doctor

import (
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
)

// checkTone and checkIcon are tone and icon of a finding.
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

// mendPart is a piece of what mends something: text, or a command to copy.
type mendPart struct {
	Text    string
	Command bool
}

// mendParts takes commands out of their backquotes.
func mendParts(mend string) []mendPart {
	var parts []mendPart
	for i, text := range strings.Split(mend, "`") {
		if text != "" {
			parts = append(parts, mendPart{format.Visible(text), i%2 == 1})
		}
	}
	return parts
}

// checkID names the command that mends a finding on a page.
func checkID(check, part int) string {
	return "mend-" + strconv.Itoa(check) + "-" + strconv.Itoa(part)
}
