package accounts

import (
	"net/http"
	"slices"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/page"
)

// userView is the data of the page of one user.
type userView struct {
	accounts.User
	Own      bool // the reader's own account
	Tokens   []accounts.Token
	Done     string // note about the change just made
	Password string // generated new password, shown once
	Problems page.Problems
}

func (p *Pages) user(r *http.Request, who accounts.Actor, name string) (v userView, err error) {
	if v.User, err = p.Accounts.User(r.Context(), name); err != nil {
		return v, err
	}
	v.Own = v.UserID == who.UserID
	v.Tokens, err = p.tokensOf(r, who, v.Name)
	return v, err
}

// userView returns the page of one user.
func (p *Pages) userView(r *http.Request, who accounts.Actor, name string) (page.View, error) {
	v, err := p.user(r, who, name)
	if err != nil {
		return page.View{}, err
	}
	v.Done = userDone(r, v)
	return p.userWith(r, who, v), nil
}

// userDone returns the note about the change that the page's address names, or an empty string.
func userDone(r *http.Request, v userView) string {
	did := r.URL.Query().Get("did")
	if !slices.Contains([]string{"role", "password", "disabled", "enabled", "revoked"}, did) {
		return ""
	}
	if did == "password" && len(v.Tokens) > 0 {
		did = "password_tokens"
	}
	return locale.T(r.Context(), "accounts.user.done."+did, "name", v.Name, "count", len(v.Tokens))
}

func (p *Pages) userWith(r *http.Request, who accounts.Actor, v userView) page.View {
	now := userView{User: v.User, Own: v.Own, Tokens: v.Tokens}
	return page.View{Frame: p.Panel.Frame(r, who, v.Name, "users"), At: page.UserPath(v.Name), Body: []page.Piece{
		page.Fixed(userCrumbs()), page.NewPart("user-head", userHead(v), page.OnAccounts()), page.Fixed(userDoneNote(v)),
		page.Box("columns accounts",
			page.Box("", p.Panel.Form(r, "user-role", userRole(now), page.OnAccounts()),
				page.NewPart("tokens", tokenCard(v.Tokens, locale.T(r.Context(), "accounts.user.no_tokens")), page.OnAccounts())),
			page.Box("", p.Panel.Form(r, "user-password", userPassword(now), page.OnAccounts()).As(userPassword(v)),
				page.NewPart("user-end", userEnd(v), page.OnAccounts())),
		),
	}}
}

// handler answers a request about the user whose name is in the address.
type handler func(w http.ResponseWriter, r *http.Request, who accounts.Actor, name string) error

// changeUser returns a handler that changes a user; did selects the note that userDone returns for
// the change.
func (p *Pages) changeUser(did string, changeOf func(r *http.Request) accounts.Change) handler {
	return func(w http.ResponseWriter, r *http.Request, who accounts.Actor, name string) error {
		if err := r.ParseForm(); err != nil {
			return page.BadForm(err)
		}
		o, err := p.Accounts.ChangeUser(r.Context(), who, name, changeOf(r))
		if err == nil {
			to := page.UserPath(name)
			if o.Changed {
				to += "?did=" + did
			}
			http.Redirect(w, r, to, http.StatusSeeOther)
			return nil
		}
		return p.userFailed(w, r, who, name, err)
	}
}

// userFailed shows on the user's page why a change failed.
func (p *Pages) userFailed(w http.ResponseWriter, r *http.Request, who accounts.Actor, name string, err error) error {
	wrong, ok := page.ProblemsOf(r.Context(), who, err)
	if !ok {
		return err
	}
	v, verr := p.user(r, who, name)
	if verr != nil {
		return verr
	}
	v.Problems = wrong
	return p.Panel.Show(w, r, p.Panel.FailureOf(r, who, err).Status, p.userWith(r, who, v))
}

// resetPassword changes the password of a user, and shows a generated password once.
func (p *Pages) resetPassword(w http.ResponseWriter, r *http.Request, who accounts.Actor, name string) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	password, generated := passwordOf(r)
	_, err := p.Accounts.ChangeUser(r.Context(), who, name,
		accounts.Change{Password: &password, RevokeTokens: r.PostForm.Get("revoke") != ""})
	if err != nil {
		return p.userFailed(w, r, who, name, err)
	}
	if generated == "" {
		http.Redirect(w, r, page.UserPath(name)+"?did=password", http.StatusSeeOther)
		return nil
	}
	v, err := p.user(r, who, name)
	if err != nil {
		return err
	}
	v.Password = generated
	return p.Panel.Show(w, r, http.StatusOK, p.userWith(r, who, v))
}
