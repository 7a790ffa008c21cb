package accounts

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/page"
)

// userRow is a row of the list of users.
type userRow struct {
	accounts.User
	SeenAt time.Time // last activity of the user's sessions; zero without a session
	Tokens int
}

// userForm holds the values of the form for a new user as submitted, without the password.
type userForm struct {
	Name     string
	Admin    bool
	Problems page.Problems
	Made     string // name of the created user
	Password string // generated password, shown once
}

type userList struct {
	All   []userRow
	Order page.Order
	Done  string // note about the change just made
	New   userForm
}

// passwordHint returns the hint for the field in which an administrator sets a user's password.
func passwordHint(ctx context.Context) string {
	return locale.T(ctx, "accounts.users.password.hint", "min", accounts.MinPassword)
}

func roleLabel(ctx context.Context, admin bool) string {
	if admin {
		return locale.T(ctx, "role.admin")
	}
	return locale.T(ctx, "role.viewer")
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
	v.Order = page.OrderOf(r, "name", "role", "seen", "tokens")
	page.Sort(v.Order, v.All, func(a, b userRow) int {
		switch v.Order.By {
		case "role":
			return cmp.Compare(roleLabel(r.Context(), a.Admin), roleLabel(r.Context(), b.Admin))
		case "seen":
			return a.SeenAt.Compare(b.SeenAt)
		case "tokens":
			return cmp.Compare(a.Tokens, b.Tokens)
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return v, nil
}

// usersView returns the page that lists users.
func (p *Pages) usersView(r *http.Request, who accounts.Actor) (page.View, error) {
	v, err := p.userList(r, who)
	if err != nil {
		return page.View{}, err
	}
	if did := r.URL.Query().Get("did"); did == "created" || did == "deleted" {
		v.Done = locale.T(r.Context(), "accounts.users.done."+did)
	}
	return p.usersWith(r, who, v), nil
}

func (p *Pages) usersWith(r *http.Request, who accounts.Actor, v userList) page.View {
	f := p.Panel.Frame(r, who, locale.T(r.Context(), "accounts.users"), "users")
	return page.View{Frame: f, Body: []page.Piece{
		page.Fixed(usersHead(f, v.Done)),
		page.Box("columns accounts", page.Box("", page.NewPart("users", userTable(v.All, v.Order), page.OnAccounts())),
			page.Fixed(newUserForm(v.New))),
	}}
}

// passwordOf returns the submitted password, or a generated one if the field is empty.
func passwordOf(r *http.Request) (password, generated string) {
	if password = r.PostForm.Get("password"); password != "" {
		return password, ""
	}
	generated = rand.Text()
	return generated, generated
}

func (p *Pages) createUser(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	form := userForm{Name: strings.TrimSpace(r.PostForm.Get("name")), Admin: r.PostForm.Get("role") == "admin"}
	password, generated := passwordOf(r)
	_, err := p.Accounts.CreateUser(r.Context(), form.Name, password, form.Admin)
	if err == nil && generated == "" {
		http.Redirect(w, r, "/users?did=created", http.StatusSeeOther)
		return nil
	}
	status := http.StatusOK
	if err == nil {
		form = userForm{Made: form.Name, Password: generated}
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
