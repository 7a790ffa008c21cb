package servers

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/rename"
)

func renaming(name left4me.Name) rename.Page {
	return rename.Page{
		Noun: "server", Name: name, Path: "/servers", Tab: "servers",
		Topics: []page.Topic{page.OnServer(name)},
	}
}

// renameView shows the form for renaming a server.
func (p *Pages) renameView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	_, err := p.serverPage(r, who, name, "")
	return renaming(name).View(p.Panel, r, who), err
}

// renameServer renames a server and redirects to its new URL.
func (p *Pages) renameServer(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	return renaming(name).Post(p.Panel, w, r, who, func(to left4me.Name) error {
		_, err := p.Servers.Names().Rename(r.Context(), who.Cause(), name, to, 0)
		return err
	})
}
