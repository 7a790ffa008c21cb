package accounts

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/web/page"
)

// userView is one user, with what can be done about it.
type userView struct {
	accounts.User
	Own      bool // of whoever looks
	Tokens   []accounts.Token
	Told     string
	Password string // a new one that left4me made, shown once
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

// userView is the page of one user.
func (p *Pages) userView(r *http.Request, who accounts.Actor, name string) (page.View, error) {
	v, err := p.user(r, who, name)
	if err != nil {
		return page.View{}, err
	}
	v.Told = told(r, map[string]string{
		"role":     "Role changed. " + v.Name + " was signed out everywhere; tokens have the new role.",
		"password": "Password changed. " + v.Name + " was signed out everywhere." + tokensStay(len(v.Tokens)),
		"disabled": "User disabled and signed out everywhere. Tokens do nothing until the user is enabled again.",
		"enabled":  "User enabled. Tokens work again.",
		"revoked":  "Token revoked. It no longer works.",
	})
	return p.userWith(r, who, v), nil
}

func (p *Pages) userWith(r *http.Request, who accounts.Actor, v userView) page.View {
	now := userView{User: v.User, Own: v.Own, Tokens: v.Tokens}
	return page.View{Frame: p.Panel.Frame(r, who, v.Name, "account"), At: page.UserPath(v.Name), Body: []page.Piece{
		page.Fixed(userCrumbs()), page.NewPart("user-head", userHead(v), page.OnAccounts()), page.Fixed(userTold(v)),
		page.Box("columns accounts",
			page.Box("", p.Panel.Form(r, "user-role", userRole(now), page.OnAccounts()),
				page.NewPart("tokens", tokenCard(v.Tokens, "None."), page.OnAccounts())),
			page.Box("", p.Panel.Form(r, "user-password", userPassword(now), page.OnAccounts()).As(userPassword(v)),
				page.NewPart("user-end", userEnd(v), page.OnAccounts())),
		),
	}}
}

// handler answers a request about the user that its address names.
type handler func(w http.ResponseWriter, r *http.Request, who accounts.Actor, name string) error

// changeUser is the handler of one change of a user; did is what the page says of
// it.
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

// userFailed shows on the user's page why a change was not made.
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

// resetPassword gives a user another password, and shows it when left4me made it.
func (p *Pages) resetPassword(w http.ResponseWriter, r *http.Request, who accounts.Actor, name string) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	password, made := passwordOf(r)
	_, err := p.Accounts.ChangeUser(r.Context(), who, name,
		accounts.Change{Password: &password, RevokeTokens: r.PostForm.Get("revoke") != ""})
	if err != nil {
		return p.userFailed(w, r, who, name, err)
	}
	if made == "" {
		http.Redirect(w, r, page.UserPath(name)+"?did=password", http.StatusSeeOther)
		return nil
	}
	v, err := p.user(r, who, name)
	if err != nil {
		return err
	}
	v.Password = made
	return p.Panel.Show(w, r, http.StatusOK, p.userWith(r, who, v))
}
