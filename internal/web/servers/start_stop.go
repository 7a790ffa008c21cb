package servers

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	controlbulk "github.com/left4me/left4me/internal/control/bulk"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/servers/bulk"
)

func (p *Pages) startServer(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	return p.act(w, r, who, name, left4me.StartServer)
}

func (p *Pages) stopServer(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	return p.act(w, r, who, name, left4me.StopServer)
}

func (p *Pages) restartServer(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	return p.act(w, r, who, name, left4me.RestartServer)
}

// act creates a job and redirects to the page that the button was on. If people are playing on a server
// that would be stopped or restarted, it leads to a page that asks first.
func (p *Pages) act(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name, kind left4me.JobKind) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	back := "/servers/" + string(name)
	if v := r.PostForm.Get("back"); v != "" {
		back = page.LocalPath(v)
	}
	if kind != left4me.StartServer {
		v, err := p.Servers.Get(r.Context(), name)
		if err != nil {
			return err
		}
		if v.Status.State.Up() && v.Status.Players > 0 {
			req := controlbulk.Request{Kind: kind, Servers: []left4me.Name{name}}
			return page.GoOn(w, r, bulk.Address(req, back))
		}
	}
	if _, err := p.Servers.Act(r.Context(), who.Cause(), kind, name); err != nil {
		return err
	}
	return page.Done(w, r, back)
}

// action is a button that creates a job.
type action struct {
	Kind left4me.JobKind
	Icon string
	Main bool
}

// path returns the URL path of the button's form.
func (a action) path(n left4me.Name) string { return "/servers/" + string(n) + "/" + a.Kind.Verb() }

var (
	startAction   = action{left4me.StartServer, "play", true}
	stopAction    = action{left4me.StopServer, "stop", false}
	restartAction = action{left4me.RestartServer, "restart", false}
)

// actions returns the actions that make sense in the current state of a server, the most likely
// first.
func actions(v servers.View) []action {
	if v.Job != nil && v.Job.Kind == left4me.DeleteServer {
		return nil
	}
	restart := restartAction
	switch v.Status.State {
	case left4me.Stopped, left4me.Failed:
		return []action{startAction}
	case left4me.Starting:
		return []action{stopAction}
	case left4me.Running:
		if v.RestartRequired || v.NewBuild > 0 || len(v.NewContent) > 0 {
			restart.Main = true
			return []action{restart, stopAction}
		}
		return []action{stopAction, restart}
	case left4me.Unresponsive:
		restart.Main = true
		return []action{restart, stopAction}
	case left4me.Stopping:
		return nil
	}
	return []action{startAction, stopAction}
}
