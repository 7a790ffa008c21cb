package servers

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// confirmation asks for the server's name before something is lost.
type confirmation struct {
	Server  serverPage
	Kind    left4me.JobKind
	Title   string
	Lost    []string
	Kept    string
	Button  string
	Typed   string
	Problem string
}

func confirmationOf(s serverPage, kind left4me.JobKind) confirmation {
	c := confirmation{Server: s, Kind: kind}
	if kind == left4me.DeleteServer {
		c.Title, c.Button = "Delete "+string(s.Name), "Delete this server"
		c.Lost = []string{
			"its definition: port, blueprint and settings", "everything it wrote: logs, bans, saved plugin data",
			"its console and its list of crashes",
		}
		c.Kept = "Overlays, blueprints and the game itself stay; other servers don't notice."
	} else {
		c.Title, c.Button = "Reset "+string(s.Name), "Reset this server"
		c.Lost = []string{"everything it wrote since it was made: logs, bans, saved plugin data, files you changed on it"}
		c.Kept = "Its definition and its overlays stay. It starts again afterwards, as new."
	}
	if n := s.Status.Players; n > 0 {
		c.Lost = append(c.Lost, "the round under way, with "+format.Count(n, "player", "players"))
	}
	return c
}

// confirmView asks before a server is reset or deleted.
func (p *Pages) confirmView(kind left4me.JobKind) builder {
	return func(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
		s, err := p.serverPage(r, who, name, "")
		return p.confirm(r, who, confirmationOf(s, kind)), err
	}
}

func (p *Pages) confirm(r *http.Request, who accounts.Actor, c confirmation) page.View {
	lost := page.NewPart("lost", lostList(c), page.OnServer(c.Server.Name))
	return page.View{Frame: p.Panel.Frame(r, who, c.Title, "servers"), Body: []page.Piece{page.Fixed(confirmForm(c, lost), lost)}}
}

func (p *Pages) resetServer(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	return p.confirmed(w, r, who, name, left4me.ResetServer)
}

func (p *Pages) deleteServer(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	return p.confirmed(w, r, who, name, left4me.DeleteServer)
}

// confirmed does it when the name was typed as it is, and shows the job.
func (p *Pages) confirmed(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name, kind left4me.JobKind) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	s, err := p.serverPage(r, who, name, "")
	if err != nil {
		return err
	}
	if typed := r.PostForm.Get("confirm"); typed != string(s.Name) {
		c := confirmationOf(s, kind)
		c.Typed, c.Problem = typed, "That is not the name. Type "+string(s.Name)+" to go on."
		return p.Panel.Show(w, r, http.StatusUnprocessableEntity, p.confirm(r, who, c))
	}
	job, err := p.Servers.Act(r.Context(), who.Cause(), kind, s.Name)
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/jobs/"+string(job.ID), http.StatusSeeOther)
	return nil
}
