package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/control/accounts"
)

func (p *panel) showDoctor(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	checks, err := p.Hosts.Doctor(r.Context(), left4me.LocalHost)
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, doctorPage(p.frame(r, who, "Doctor", "doctor"), left4me.LocalHost, checks))
}

func (p *panel) reachServer(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	s, err := p.serverPage(r, who, "reach")
	if err != nil {
		return err
	}
	checks, err := p.Servers.Reach(r.Context(), s.Name)
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, serverReachPage(p.serverFrame(r, who, s), s, checks))
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
			parts = append(parts, mendPart{visible(text), i%2 == 1})
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
