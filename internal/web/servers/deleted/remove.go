package deleted

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/page"
)

// removeView returns the page that asks for confirmation before a deleted server is removed permanently.
func (p *Pages) removeView(r *http.Request, who accounts.Actor, v servers.DeletedView) (page.View, error) {
	return p.removeWith(r, who, v, "", "")
}

func (p *Pages) removeWith(r *http.Request, who accounts.Actor, v servers.DeletedView, typed, problem string) (page.View, error) {
	v, err := p.Servers.Deleted().Get(r.Context(), v.ID)
	if err != nil {
		return page.View{}, err
	}
	return page.View{
		Frame: p.Panel.Frame(r, who, locale.T(r.Context(), "deleted.remove.title", "name", v.Name), "servers"),
		Body: []page.Piece{
			p.Panel.Form(r, "remove", removeForm(v, "", ""), page.OnDeletedServers()).As(removeForm(v, typed, problem)),
		},
	}, nil
}

// remove removes a deleted server permanently if its name was typed correctly.
func (p *Pages) remove(w http.ResponseWriter, r *http.Request, who accounts.Actor, v servers.DeletedView) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	if typed := r.PostForm.Get("confirm"); typed != string(v.Name) {
		again, err := p.removeWith(r, who, v, typed, locale.T(r.Context(), "common.confirm.mismatch", "name", v.Name))
		if err != nil {
			return err
		}
		return p.Panel.Show(w, r, http.StatusUnprocessableEntity, again)
	}
	if _, err := p.Servers.Deleted().Remove(r.Context(), who.Cause(), v.ID); err != nil {
		return err
	}
	http.Redirect(w, r, "/deleted-servers", http.StatusSeeOther)
	return nil
}
