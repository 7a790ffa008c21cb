package doctor

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// doctorView is what a machine lacks.
func (p *Pages) doctorView(r *http.Request, who accounts.Actor) (page.View, error) {
	host := p.Hosts.Default()
	checks := page.LazyPart("checks", func(ctx context.Context) (templ.Component, error) {
		checks, err := p.Hosts.Doctor(ctx, host)
		return doctorChecks(host, checks), err
	}, page.OnDisk(), page.OnRunning()).Later()
	return page.View{Frame: p.Panel.Frame(r, who, "Doctor", "doctor"), Body: []page.Piece{page.Fixed(doctorHead()), checks}}, nil
}

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

// healthWord says how a machine is.
func healthWord(checks []left4me.Check) (tone, icn, word string) {
	first, wrong := left4me.FirstWrong(checks)
	switch {
	case !wrong:
		return "good", "check", "Nothing is wrong"
	case first.State == left4me.CheckBroken:
		return "bad", "failed", "Something is broken"
	}
	return "warn", "unresponsive", "Something could be better"
}
