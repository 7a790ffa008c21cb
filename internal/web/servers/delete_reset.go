package servers

import (
	"context"
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/page"
)

// confirmation asks for the server's name before data is deleted.
type confirmation struct {
	Server  serverPage
	Kind    left4me.JobKind
	Lost    []string
	Typed   string
	Problem string
}

func confirmationOf(ctx context.Context, s serverPage, kind left4me.JobKind) confirmation {
	c := confirmation{Server: s, Kind: kind}
	if kind == left4me.DeleteServer {
		c.Lost = []string{
			locale.T(ctx, "servers.delete.lost.definition"), locale.T(ctx, "servers.delete.lost.files"),
			locale.T(ctx, "servers.delete.lost.history"),
		}
	} else {
		c.Lost = []string{locale.T(ctx, "servers.reset.lost.files")}
	}
	if n := s.Status.Players; n > 0 {
		c.Lost = append(c.Lost, locale.T(ctx, "servers.confirm.players", "count", n))
	}
	return c
}

// confirmView asks for confirmation before a server is reset or deleted.
func (p *Pages) confirmView(kind left4me.JobKind) builder {
	return func(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
		s, err := p.serverPage(r, who, name, "")
		return p.confirm(r, who, confirmationOf(r.Context(), s, kind)), err
	}
}

func (p *Pages) confirm(r *http.Request, who accounts.Actor, c confirmation) page.View {
	lost := page.NewPart("lost", lostList(c), page.OnServer(c.Server.Name))
	title := locale.T(r.Context(), "servers.confirm.title."+c.Kind.Verb(), "server", c.Server.Name)
	return page.View{Frame: p.Panel.Frame(r, who, title, "servers"), Body: []page.Piece{page.Fixed(confirmForm(c, lost), lost)}}
}

func (p *Pages) resetServer(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	return p.confirmed(w, r, who, name, left4me.ResetServer)
}

func (p *Pages) deleteServer(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	return p.confirmed(w, r, who, name, left4me.DeleteServer)
}

// confirmed creates the job if the name was typed correctly, and redirects to the job.
func (p *Pages) confirmed(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name, kind left4me.JobKind) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	s, err := p.serverPage(r, who, name, "")
	if err != nil {
		return err
	}
	if typed := r.PostForm.Get("confirm"); typed != string(s.Name) {
		c := confirmationOf(r.Context(), s, kind)
		c.Typed, c.Problem = typed, locale.T(r.Context(), "common.confirm.mismatch", "name", s.Name)
		return p.Panel.Show(w, r, http.StatusUnprocessableEntity, p.confirm(r, who, c))
	}
	job, err := p.Servers.Act(r.Context(), who.Cause(), kind, s.Name)
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/jobs/"+string(job.ID), http.StatusSeeOther)
	return nil
}
