package accounts

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

// newToken holds the values of the form for a new token as submitted, and the created token.
type newToken struct {
	Label, Expires string
	Made, Token    string // label and value of the created token, shown once
	Problems       page.Problems
}

// lifetimes lists the choices of how many days a new token stays valid.
var lifetimes = []struct {
	value string
	days  int
}{{"30", 30}, {"90", 90}, {"365", 365}, {"never", 0}}

// tokensOf returns the tokens of the user owner that the actor may see.
func (p *Pages) tokensOf(r *http.Request, who accounts.Actor, owner string) ([]accounts.Token, error) {
	all, err := p.Accounts.Tokens(r.Context(), who)
	return slices.DeleteFunc(all, func(t accounts.Token) bool { return t.User != owner }), err
}

// createToken creates a token for the user and shows it once.
func (p *Pages) createToken(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	form := newToken{Label: strings.TrimSpace(r.PostForm.Get("label")), Expires: r.PostForm.Get("expires")}
	status := http.StatusOK
	var expires time.Time
	for _, l := range lifetimes {
		if l.value == form.Expires && l.days > 0 {
			expires = time.Now().AddDate(0, 0, l.days)
		}
	}
	token, err := p.Accounts.CreateToken(r.Context(), who, form.Label, expires)
	if err == nil {
		form = newToken{Expires: form.Expires, Made: form.Label, Token: token}
	} else {
		var ok bool
		if form.Problems, ok = page.ProblemsOf(r.Context(), who, err); !ok {
			return err
		}
		status = http.StatusUnprocessableEntity
	}
	v, err := p.ownAccount(r, who)
	if err != nil {
		return err
	}
	v.New = form
	return p.Panel.Show(w, r, status, p.accountWith(r, who, v))
}

// revokeToken revokes a token of the user, or for an administrator the token of any user.
func (p *Pages) revokeToken(w http.ResponseWriter, r *http.Request, who accounts.Actor, id string) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	// NotFound is a success: the token is revoked already.
	if err := p.Accounts.RevokeToken(r.Context(), who, id); err != nil && !errors.Is(err, left4me.NotFound) {
		return err
	}
	back := "/account?did=revoked"
	if user := r.PostForm.Get("user"); user != "" && user != who.Name {
		back = page.UserPath(user) + "?did=revoked"
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
	return nil
}
