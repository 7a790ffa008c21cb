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

// changePassword changes the user's own password. This browser gets a new session; all others end.
func (p *Pages) changePassword(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	get := r.PostForm.Get
	wrong, err := page.Problems{}, error(nil)
	if get("password") != get("again") {
		wrong["again"] = locale.T(r.Context(), "accounts.password.mismatch")
	} else {
		var o accounts.Outcome
		o, err = p.Accounts.ChangePassword(r.Context(), who, accounts.PasswordChange{
			Current: get("current_password"), New: get("password"), RevokeTokens: get("revoke") != "",
		})
		if err == nil {
			cookie, err := p.Accounts.Begin(r.Context(), o, p.Panel.Sessions.Address(r), r.UserAgent())
			if err != nil {
				return err
			}
			p.Panel.Sessions.SetSession(w, cookie)
			http.Redirect(w, r, "/account?did=password", http.StatusSeeOther)
			return nil
		}
	}
	status := http.StatusUnprocessableEntity
	if errors.Is(err, left4me.Busy) {
		page.RetryAfter(w, err)
		status, wrong["current_password"] = http.StatusTooManyRequests, format.Sentence(format.ErrorLineOf(r.Context(), err))
	} else if err != nil {
		var ok bool
		if wrong, ok = page.ProblemsOf(r.Context(), who, err); !ok {
			return err
		}
	}
	v, err := p.ownAccount(r, who)
	if err != nil {
		return err
	}
	v.Password = wrong
	return p.Panel.Show(w, r, status, p.accountWith(r, who, v))
}
