package bulk

import (
	"context"
	"net/http"
	"slices"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/bulk"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// progress is an act as its reader may see it.
type progress struct {
	bulk.Act
	May page.Permission // to cancel it
}

func progressOf(who accounts.Actor, a bulk.Act) progress {
	return progress{a, page.Permission{Act: bulk.MayCancel(who, a) == nil}}
}

// actView shows the progress of an act.
func (p *Pages) actView(r *http.Request, who accounts.Actor, a bulk.Act) (page.View, error) {
	v := page.View{
		Frame: p.Panel.Frame(r, who, actTitle(r.Context(), a), "servers"),
		Body:  []page.Piece{page.NewPart("bulk-act", actProgress(progressOf(who, a)), page.OnServers(), page.OnBulk())},
	}
	v.Moving = a.State == bulk.Running
	return v, nil
}

// cancel cancels an act.
func (p *Pages) cancel(w http.ResponseWriter, r *http.Request, who accounts.Actor, a bulk.Act) error {
	if _, err := p.Bulk.Cancel(r.Context(), who, a.ID); err != nil {
		return err
	}
	return page.Done(w, r, "/bulk/"+a.ID)
}

// Acts are the acts that a page of servers shows.
type Acts struct {
	all []progress
	who accounts.Actor
}

// ActsFor returns the acts that a page should show: those that are running, and those that failed on a
// server that has not worked since.
func ActsFor(ctx context.Context, b *bulk.Bulk, who accounts.Actor, all []servers.View) (Acts, error) {
	acts, err := b.Shown(ctx, who, all)
	shown := Acts{who: who}
	for _, a := range acts {
		shown.all = append(shown.all, progressOf(who, a))
	}
	return shown, err
}

// Waits returns the act that a server waits for, and whether there is one.
func (a Acts) Waits(id left4me.ID) (act bulk.Act, ok bool) {
	for _, p := range a.all {
		if p.State == bulk.Running && slices.ContainsFunc(p.Servers, func(s bulk.Server) bool {
			return s.ID == id && s.State == bulk.Waiting
		}) {
			return p.Act, true
		}
	}
	return act, false
}

// WaitLine returns what a server will do, such as "Restarts when no one is playing".
func WaitLine(ctx context.Context, a bulk.Act) string {
	return locale.T(ctx, "bulk.waits."+a.Kind.Verb()+"."+part(a.Mode))
}

// actTitle returns the heading of an act.
func actTitle(ctx context.Context, a bulk.Act) string {
	if len(a.Servers) == 1 {
		return locale.T(ctx, "bulk.act_of."+a.Kind.Verb(), "server", a.Servers[0].Name)
	}
	return locale.T(ctx, "bulk.act."+a.Kind.Verb(), "count", len(a.Servers))
}

// requested returns when the servers are worked on, and who requested it.
func requested(ctx context.Context, a bulk.Act) string {
	return locale.T(ctx, "bulk.requested."+part(a.Mode), "user", format.Visible(a.By.String()))
}

// in returns the servers of an act in a state.
func in(a bulk.Act, state string) (all []left4me.Name) {
	for _, s := range a.Servers {
		if s.State == state {
			all = append(all, s.Name)
		}
	}
	return all
}

// serverState returns the text for a server in an act.
func serverState(ctx context.Context, a bulk.Act, s bulk.Server) string {
	switch {
	case s.State == bulk.Waiting && a.State == bulk.Running:
		return locale.T(ctx, "bulk.server.waiting")
	case s.State == bulk.Waiting || s.State == bulk.Skipped:
		return locale.T(ctx, "bulk.server.unchanged")
	case s.State == bulk.Broken:
		return locale.T(ctx, "bulk.server.failed")
	case s.State == bulk.Working:
		return locale.T(ctx, "bulk.working."+a.Kind.Verb())
	}
	return locale.T(ctx, "bulk.worked."+a.Kind.Verb())
}

// rest returns the address of the question about the servers that an act has not reached.
func rest(a bulk.Act) string {
	return Address(bulk.Request{Kind: a.Kind, Servers: in(a, bulk.Waiting)}, "/bulk/"+a.ID)
}

// undo returns the address of the question whether to start the servers that an act has stopped.
func undo(a bulk.Act) string {
	return Address(bulk.Request{Kind: left4me.StartServer, Servers: in(a, bulk.Ready)}, "/servers")
}
