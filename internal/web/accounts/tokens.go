package accounts

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// newToken is the form of a token as it was sent, and the token when it was made.
type newToken struct {
	Label, Expires string
	Made, Token    string // label and token that were made, shown once
	Problems       page.Problems
}

// lifetimes are how long a token can be good for, in days.
var lifetimes = []struct {
	value, label string
	days         int
}{
	{"30", "30 days", 30}, {"90", "90 days", 90}, {"365", "1 year", 365}, {"never", "no expiry date", 0},
}

// tokensOf are the tokens of one user, as far as who may see them.
func (p *Pages) tokensOf(r *http.Request, who accounts.Actor, owner string) ([]accounts.Token, error) {
	all, err := p.Accounts.Tokens(r.Context(), who)
	return slices.DeleteFunc(all, func(t accounts.Token) bool { return t.User != owner }), err
}

// tokensStay says that tokens still work, when there are any.
func tokensStay(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return " One token still works; revoke it below if it may be known to somebody else."
	}
	return " " + format.Count(n, "token", "tokens") + " still work; revoke those that may be known to somebody else."
}

// ownTokens are one's tokens behind the word "my".
func ownTokens(n int) string {
	if n == 1 {
		return "token"
	}
	return format.Count(n, "token", "tokens")
}

// createToken makes a token of one's own and shows it, this once.
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

// revokeToken revokes one's own token, or that of anybody for an administrator.
func (p *Pages) revokeToken(w http.ResponseWriter, r *http.Request, who accounts.Actor, id string) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	// Somebody else, or a second press, may have been faster: it is revoked.
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
