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
		found, err := p.Servers.Crashes(ctx, s.Name, historyCrashes)
		all := make([]crash, len(found))
		for i, c := range found {
			all[i] = crash{At: c.At, Exit: c.Exit, Uptime: c.Uptime, Lines: slices.Clone(c.Lines)}
			for n, l := range c.Lines {
				all[i].Lines[n] = page.TextFor(who, s.Target())(l)
			}
		}
		return serverCrashes(all), err
	}, page.OnServer(s.Name))
}
