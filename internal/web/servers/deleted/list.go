package deleted

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/page"
)

func targetOf(v servers.DeletedView) left4me.Target { return v.Target() }

// visible returns the deleted servers that the actor may see.
func visible(ctx context.Context, s *servers.Servers, who accounts.Actor) ([]servers.DeletedView, error) {
	all, err := s.Deleted().List(ctx)
	return accounts.Visible(who, all, targetOf), err
}

// listView returns the page with the deleted servers.
func (p *Pages) listView(r *http.Request, who accounts.Actor) (page.View, error) {
	all, err := visible(r.Context(), p.Servers, who)
	if err != nil {
		return page.View{}, err
	}
	return page.View{
		Frame: p.Panel.Frame(r, who, locale.T(r.Context(), "deleted.title"), "servers"),
		Body: []page.Piece{
			page.Fixed(listHead()),
			page.NewPart("deleted-servers", list(all, who), page.OnDeletedServers(), page.OnDefinitions(), page.OnContent()),
		},
	}, nil
}

// Link returns the part of another page that links to the deleted servers. It is empty if there are none
// that the actor may see.
func Link(s *servers.Servers, who accounts.Actor) *page.Part {
	return page.LazyPart("deleted-link", func(ctx context.Context) (templ.Component, error) {
		all, err := visible(ctx, s, who)
		return link(len(all)), err
	}, page.OnDeletedServers())
}

// restore restores a deleted server and shows it.
func (p *Pages) restore(w http.ResponseWriter, r *http.Request, who accounts.Actor, v servers.DeletedView) error {
	restored, err := p.Servers.Deleted().Restore(r.Context(), who.Cause(), v.ID, "", 0)
	if err != nil {
		return err
	}
	q := url.Values{"restored": {""}}
	if restored.Before.Name != restored.Name {
		q.Set("was", string(restored.Before.Name))
	}
	if restored.Before.Port != restored.Port {
		q.Set("port", strconv.Itoa(restored.Before.Port))
	}
	http.Redirect(w, r, "/servers/"+string(restored.Name)+"?"+q.Encode(), http.StatusSeeOther)
	return nil
}

// RestoredNote returns the note on the page of a server that was just restored, with its former name and
// port if they differ. It is nil unless the query is that of the redirect after a restore.
func RestoredNote(q url.Values, v left4me.Server) templ.Component {
	if !q.Has("restored") {
		return nil
	}
	was, err := left4me.ParseName(q.Get("was"))
	if err != nil {
		was = v.Name
	}
	port, err := strconv.Atoi(q.Get("port"))
	if err != nil {
		port = v.Port
	}
	return restoredNote(v, was, port)
}
