package servers

import (
	"context"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// pendingItem is something that a restart of the server would apply, or a restart that waits.
type pendingItem struct {
	Text string
	Wait string // condition for the restart; empty: no automatic restart
}

// pendingPart lists the pending changes of a server: why it needs a restart, and which rollout will restart
// it.
func (p *Pages) pendingPart(s serverPage) *page.Part {
	return page.LazyPart("server-pending", func(ctx context.Context) (templ.Component, error) {
		all, err := pendingOf(ctx, p, s)
		return serverPending(s, all), err
	}, page.OnServer(s.Name), page.OnGame(), page.OnContent())
}

func pendingOf(ctx context.Context, p *Pages, s serverPage) (all []pendingItem, err error) {
	if st := s.Status; st.State.Up() && st.Port > 0 && st.Port != s.Port {
		all = append(all, pendingItem{Text: locale.T(ctx, "servers.pending.port", "port", s.Port, "now", st.Port)})
	}
	for _, reason := range restartReasons(ctx, s.View) {
		all = append(all, pendingItem{Text: reason})
	}
	if s.View.NewBuild > 0 {
		r, err := p.Game.Rollout(ctx, s.Host)
		if err != nil {
			return nil, err
		}
		if r != nil {
			for _, w := range r.Wishes {
				if w.Server == s.Name && !w.Ready {
					all = append(all, pendingItem{locale.T(ctx, "servers.pending.build", "build", r.Build), format.Note(ctx, w.Why)})
				}
			}
		}
	}
	for _, c := range s.View.NewContent {
		r, err := p.Overlays.Restart(ctx, c.Overlay)
		if err != nil {
			return nil, err
		}
		if r == nil {
			continue
		}
		for _, w := range r.Wishes {
			if w.Server == s.Name && !w.Ready {
				all = append(all, pendingItem{locale.T(ctx, "servers.pending.overlay", "overlay", c.Overlay), format.Note(ctx, w.Why)})
			}
		}
	}
	return all, nil
}
