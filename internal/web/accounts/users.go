package accounts

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/web/page"
)

// userRow is a user in the list.
type userRow struct {
	accounts.User
	SeenAt time.Time // last, in a browser that is still signed in
	Tokens int
}

// userForm is the form of a new user as it was sent; a password never comes back.
type userForm struct {
	Name     string
	Admin    bool
	Problems page.Problems
	Made     string // whose password is shown
	Password string // that left4me made, shown once
}

type userList struct {
	All  []userRow
	Told string
	New  userForm
}

// userView is one user, with what can be done about it.
type userView struct {
	accounts.User
	Own      bool // of whoever looks
	Tokens   []accounts.Token
	Told     string
	Password string // a new one that left4me made, shown once
	Problems page.Problems
}

// passwordHint is what an administrator reads under the password of somebody else.
var passwordHint = fmt.Sprintf("At least %d characters. Leave empty to let left4me make one.", accounts.MinPassword)

// unitOf is what a number counts.
func unitOf(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func roleOf(admin bool) string {
	if admin {
		return "administrator"
	}
	return "may look"
}

func (p *Pages) userList(r *http.Request, who accounts.Actor) (v userList, err error) {
	users, err := p.Accounts.Users(r.Context())
	if err != nil {
		return v, err
	}
	seen, err := p.Accounts.LastSeen(r.Context())
	if err != nil {
		return v, err
	}
	tokens, err := p.Accounts.Tokens(r.Context(), who)
	if err != nil {
		return v, err
	}
	for _, u := range users {
		row := userRow{User: u, SeenAt: seen[u.UserID]}
		for _, t := range tokens {
			if t.User == u.Name {
				row.Tokens++
			}
		}
		v.All = append(v.All, row)
	}
	return v, nil
}

// usersView is the list of users.
func (p *Pages) usersView(r *http.Request, who accounts.Actor) (page.View, error) {
	v, err := p.userList(r, who)
	if err != nil {
		return page.View{}, err
	}
	v.Told = told(r, map[string]string{"deleted": "User deleted, with all sessions and tokens.", "created": "User created."})
	return p.usersWith(r, who, v), nil
}

func (p *Pages) usersWith(r *http.Request, who accounts.Actor, v userList) page.View {
	f := p.Panel.Frame(r, who, "Users", "account")
	return page.View{Frame: f, Body: []page.Piece{
		page.Fixed(usersHead(f, v.Told)),
		page.Box("columns accounts", page.Box("", page.NewPart("users", userTable(v.All), page.OnAccounts())),
			page.Fixed(newUserForm(v.New))),
	}}
}

// passwordOf is the password of a form, or one that left4me makes when it is
// left empty.
func passwordOf(r *http.Request) (password, made string) {
	if password = r.PostForm.Get("password"); password != "" {
		return password, ""
	}
	made = rand.Text()
	return made, made
}

func (p *Pages) createUser(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	form := userForm{Name: strings.TrimSpace(r.PostForm.Get("name")), Admin: r.PostForm.Get("role") == "admin"}
	password, made := passwordOf(r)
	_, err := p.Accounts.CreateUser(r.Context(), form.Name, password, form.Admin)
	if err == nil && made == "" {
		http.Redirect(w, r, "/users?did=created", http.StatusSeeOther)
		return nil
	}
	status := http.StatusOK
	if err == nil {
		form = userForm{Made: form.Name, Password: made}
	} else {
		var ok bool
		if form.Problems, ok = page.ProblemsOf(err); !ok {
			return err
		}
		status = http.StatusUnprocessableEntity
	}
	v, err := p.userList(r, who)
	if err != nil {
		return err
	}
	v.New = form
	return p.Panel.Show(w, r, status, p.usersWith(r, who, v))
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
	wrong, ok := page.ProblemsOf(err)
	if !ok {
		return err
	}
	v, verr := p.user(r, who, name)
	if verr != nil {
		return verr
	}
	v.Problems = wrong
	return p.Panel.Show(w, r, p.Panel.FailureOf(r, err).Status, p.userWith(r, who, v))
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
