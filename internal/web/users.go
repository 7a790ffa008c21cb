package web

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
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
	Problems problems
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
	Problems problems
}

// passwordHint is what an administrator reads under the password of somebody else.
var passwordHint = fmt.Sprintf("At least %d characters. Leave empty to let left4me make one.", accounts.MinPassword)

func userPath(name string) string { return "/users/" + url.PathEscape(name) }

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

func (p *panel) userList(r *http.Request, who accounts.Actor) (v userList, err error) {
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
func (p *panel) usersView(r *http.Request, who accounts.Actor) (view, error) {
	v, err := p.userList(r, who)
	if err != nil {
		return view{}, err
	}
	v.Told = told(r, map[string]string{"deleted": "User deleted, with all sessions and tokens.", "created": "User created."})
	return p.usersWith(r, who, v), nil
}

func (p *panel) usersWith(r *http.Request, who accounts.Actor, v userList) view {
	f := p.frame(r, who, "Users", "account")
	return view{frame: f, body: []piece{
		fixed(usersHead(f, v.Told)),
		box("columns accounts", box("", showing("users", userTable(v.All), onAccounts())), fixed(newUserForm(v.New))),
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

func (p *panel) createUser(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
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
		if form.Problems, ok = problemsOf(err); !ok {
			return err
		}
		status = http.StatusUnprocessableEntity
	}
	v, err := p.userList(r, who)
	if err != nil {
		return err
	}
	v.New = form
	return p.show(w, r, status, p.usersWith(r, who, v))
}

func (p *panel) user(r *http.Request, who accounts.Actor) (v userView, err error) {
	if v.User, err = p.Accounts.User(r.Context(), r.PathValue("name")); err != nil {
		return v, err
	}
	v.Own = v.UserID == who.UserID
	v.Tokens, err = p.tokensOf(r, who, v.Name)
	return v, err
}

// userView is the page of one user.
func (p *panel) userView(r *http.Request, who accounts.Actor) (view, error) {
	v, err := p.user(r, who)
	if err != nil {
		return view{}, err
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

func (p *panel) userWith(r *http.Request, who accounts.Actor, v userView) view {
	now := userView{User: v.User, Own: v.Own, Tokens: v.Tokens}
	return view{frame: p.frame(r, who, v.Name, "account"), at: userPath(v.Name), body: []piece{
		fixed(userCrumbs()), showing("user-head", userHead(v), onAccounts()), fixed(userTold(v)),
		box("columns accounts",
			box("", p.form(r, "user-role", userRole(now), onAccounts()), showing("tokens", tokenCard(v.Tokens, "None."), onAccounts())),
			box("", p.form(r, "user-password", userPassword(now), onAccounts()).as(userPassword(v)),
				showing("user-end", userEnd(v), onAccounts())),
		),
	}}
}

// changeUser is the handler of one change of a user; did is what the page says of
// it.
func (p *panel) changeUser(did string, changeOf func(r *http.Request) accounts.Change) handler {
	return func(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
		if err := r.ParseForm(); err != nil {
			return badForm(err)
		}
		name := r.PathValue("name")
		o, err := p.Accounts.ChangeUser(r.Context(), who, name, changeOf(r))
		if err == nil {
			to := userPath(name)
			if o.Changed {
				to += "?did=" + did
			}
			http.Redirect(w, r, to, http.StatusSeeOther)
			return nil
		}
		return p.userFailed(w, r, who, err)
	}
}

// userFailed shows on the user's page why a change was not made.
func (p *panel) userFailed(w http.ResponseWriter, r *http.Request, who accounts.Actor, err error) error {
	wrong, ok := problemsOf(err)
	if !ok {
		return err
	}
	v, verr := p.user(r, who)
	if verr != nil {
		return verr
	}
	v.Problems = wrong
	return p.show(w, r, p.failureOf(r, err).Status, p.userWith(r, who, v))
}

// resetPassword gives a user another password, and shows it when left4me made it.
func (p *panel) resetPassword(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	password, made := passwordOf(r)
	name := r.PathValue("name")
	_, err := p.Accounts.ChangeUser(r.Context(), who, name,
		accounts.Change{Password: &password, RevokeTokens: r.PostForm.Get("revoke") != ""})
	if err != nil {
		return p.userFailed(w, r, who, err)
	}
	if made == "" {
		http.Redirect(w, r, userPath(name)+"?did=password", http.StatusSeeOther)
		return nil
	}
	v, err := p.user(r, who)
	if err != nil {
		return err
	}
	v.Password = made
	return p.show(w, r, http.StatusOK, p.userWith(r, who, v))
}

// deleteUserView asks before a user is deleted.
func (p *panel) deleteUserView(r *http.Request, who accounts.Actor) (view, error) {
	v, err := p.user(r, who)
	return p.deleteUserWith(r, who, v, "", ""), err
}

func (p *panel) deleteUserWith(r *http.Request, who accounts.Actor, v userView, typed, problem string) view {
	lost := showing("lost", userLost(v), onAccounts())
	return view{frame: p.frame(r, who, "Delete "+v.Name, "account"), body: []piece{fixed(deleteUser(v, lost, typed, problem), lost)}}
}

// deleteUser does it when the name was typed as it is.
func (p *panel) deleteUser(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	v, err := p.user(r, who)
	if err != nil {
		return err
	}
	if typed := r.PostForm.Get("confirm"); typed != v.Name {
		return p.show(w, r, http.StatusUnprocessableEntity,
			p.deleteUserWith(r, who, v, typed, "That is not the name. Type "+v.Name+" to go on."))
	}
	_, err = p.Accounts.DeleteUser(r.Context(), who, v.Name)
	if errors.Is(err, left4me.Conflict) {
		e, _ := left4me.Public(err)
		return p.show(w, r, http.StatusConflict, p.deleteUserWith(r, who, v, v.Name, sentence(e.Error())))
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/users?did=deleted", http.StatusSeeOther)
	return nil
}

// accountRoutes are the pages of one's own account and of everybody's.
func (p *panel) accountRoutes(look, act func(string, handler)) {
	p.page(look, "/account", "/account", p.accountView)
	look("POST /account/password", p.changePassword)
	look("GET /account/password", p.formAddress)
	look("POST /account/signout", p.signOutEverywhere)
	look("POST /account/sessions/{id}/end", p.endSession)
	look("POST /account/tokens", p.createToken)
	look("GET /account/tokens", p.formAddress)
	look("POST /account/tokens/{id}/revoke", p.revokeToken)

	p.page(act, "/users", "/users", p.usersView)
	act("POST /users", p.createUser)
	p.page(act, "/users/{name}", "/users", p.userView)
	act("POST /users/{name}/role", p.changeUser("role", func(r *http.Request) accounts.Change {
		return accounts.Change{Admin: new(r.PostForm.Get("role") == "admin")}
	}))
	act("POST /users/{name}/disable", p.changeUser("disabled", func(*http.Request) accounts.Change {
		return accounts.Change{Disabled: new(true)}
	}))
	act("POST /users/{name}/enable", p.changeUser("enabled", func(*http.Request) accounts.Change {
		return accounts.Change{Disabled: new(false)}
	}))
	act("POST /users/{name}/password", p.resetPassword)
	for _, form := range []string{"role", "disable", "enable", "password"} {
		act("GET /users/{name}/"+form, p.formAddress)
	}
	p.page(act, "/users/{name}/delete", "/users", p.deleteUserView)
	act("POST /users/{name}/delete", p.deleteUser)
}
