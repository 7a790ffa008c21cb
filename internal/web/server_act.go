package web

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

func (p *panel) startServer(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	return p.act(w, r, who, left4me.StartServer)
}

func (p *panel) stopServer(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	return p.act(w, r, who, left4me.StopServer)
}

func (p *panel) restartServer(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	return p.act(w, r, who, left4me.RestartServer)
}

// act asks for a job and goes back to where the button was.
func (p *panel) act(w http.ResponseWriter, r *http.Request, who accounts.Actor, kind left4me.JobKind) error {
	name, err := pathName(r)
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	if _, err := p.Servers.Act(r.Context(), who.Name, kind, name); err != nil {
		return err
	}
	back := "/servers/" + string(name)
	if v := r.PostForm.Get("back"); v != "" {
		back = localPath(v)
	}
	return done(w, r, back)
}
