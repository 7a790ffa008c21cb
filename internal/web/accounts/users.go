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
		if form.Problems, ok = page.ProblemsOf(r.Context(), who, err); !ok {
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
