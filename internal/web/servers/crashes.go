package servers

import (
	"context"
	"slices"
	"time"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/web/page"
)

const historyCrashes = 20

// crash is an unexpected end of a server.
type crash struct {
	At     time.Time
	Exit   string
	Uptime time.Duration
	Lines  []string
}

// crashesPart lists the crashes of a server, the newest first.
func (p *Pages) crashesPart(who accounts.Actor, s serverPage) *page.Part {
	return page.LazyPart("server-crashes", func(ctx context.Context) (templ.Component, error) {
		all, err := crashesOf(ctx, p, who, s, historyCrashes)
		return serverCrashes(all), err
	}, page.OnServer(s.Name))
}

// lastCrashPart shows the last crash of a server that failed or was restarted after a crash.
func lastCrashPart(p *Pages, who accounts.Actor, s serverPage) *page.Part {
	return page.LazyPart("last-crash", func(ctx context.Context) (templ.Component, error) {
		all, err := crashesOf(ctx, p, who, s, 1)
		return lastCrash(s, all), err
	}, page.OnServer(s.Name))
}

// crashesOf returns the newest crashes of a server, at most limit, without the secrets in their output.
func crashesOf(ctx context.Context, p *Pages, who accounts.Actor, s serverPage, limit int) ([]crash, error) {
	found, err := p.Servers.Crashes(ctx, s.Name, limit)
	all := make([]crash, len(found))
	for i, c := range found {
		all[i] = crash{At: c.At, Exit: c.Exit, Uptime: c.Uptime, Lines: slices.Clone(c.Lines)}
		for n, l := range c.Lines {
			all[i].Lines[n] = page.TextFor(who, s.Target())(l)
		}
	}
	return all, err
}
