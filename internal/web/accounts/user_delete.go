package accounts

import (
	"errors"
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// deleteUserView returns the page that asks for confirmation before a user is deleted.
func (p *Pages) deleteUserView(r *http.Request, who accounts.Actor, name string) (page.View, error) {
	v, err := p.user(r, who, name)
	return p.deleteUserWith(r, who, v, "", ""), err
}

func (p *Pages) deleteUserWith(r *http.Request, who accounts.Actor, v userView, typed, problem string) page.View {
	lost := page.NewPart("lost", userLost(v), page.OnAccounts())
	return page.View{
		Frame: p.Panel.Frame(r, who, locale.T(r.Context(), "accounts.delete.page", "name", v.Name), "users"),
		Body:  []page.Piece{page.Fixed(deleteUser(v, lost, typed, problem), lost)},
	}
}

// deleteUser deletes a user if the submitted confirmation is the user's name.
func (p *Pages) deleteUser(w http.ResponseWriter, r *http.Request, who accounts.Actor, name string) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	v, err := p.user(r, who, name)
	if err != nil {
		return err
	}
	if typed := r.PostForm.Get("confirm"); typed != v.Name {
		problem := locale.T(r.Context(), "common.confirm.mismatch", "name", v.Name)
		return p.Panel.Show(w, r, http.StatusUnprocessableEntity, p.deleteUserWith(r, who, v, typed, problem))
	}
	_, err = p.Accounts.DeleteUser(r.Context(), who, v.Name)
	if errors.Is(err, left4me.Conflict) {
		e, _ := page.Public(who, err)
		problem := format.Sentence(format.ErrorLine(r.Context(), e))
		return p.Panel.Show(w, r, http.StatusConflict, p.deleteUserWith(r, who, v, v.Name, problem))
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/users?did=deleted", http.StatusSeeOther)
	return nil
}
