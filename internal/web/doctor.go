package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// doctorView is what a machine lacks.
func (p *panel) doctorView(r *http.Request, who accounts.Actor) (view, error) {
	checks := lazy("checks", func(ctx context.Context) (templ.Component, error) {
		checks, err := p.Hosts.Doctor(ctx, left4me.LocalHost)
		return doctorChecks(left4me.LocalHost, checks), err
	}, onDisk(), onRunning()).later()
	return view{frame: p.frame(r, who, "Doctor", "doctor"), body: []piece{fixed(doctorHead()), checks}}, nil
}

// reachView says why players can't join a server.
func (p *panel) reachView(r *http.Request, who accounts.Actor) (view, error) {
	s, err := p.serverPage(r, who, "reach")
	if err != nil {
		return view{}, err
	}
	checks := lazy("checks", func(ctx context.Context) (templ.Component, error) {
		checks, err := p.Servers.Reach(ctx, s.Name)
		return reachChecks(s, checks), err
	}, onRun(s.Name)).later()
	return p.serverView(r, who, s, checks), nil
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
