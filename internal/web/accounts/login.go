package accounts

import (
	"errors"
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/session"
)

// loginForm holds the values of the login form as submitted, without the password.
type loginForm struct {
	Name    string
	Next    string
	Problem string
}

func (p *Pages) showLogin(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	next := r.URL.Query().Get("next")
	if who != (accounts.Actor{}) {
		http.Redirect(w, r, page.LocalPath(next), http.StatusSeeOther)
		return nil
	}
	f := p.Panel.Frame(r, who, locale.T(r.Context(), "page.log_in"), "")
	return p.Panel.Render(w, r, http.StatusOK, loginPage(f, loginForm{Next: next}))
}

func (p *Pages) login(w http.ResponseWriter, r *http.Request, _ accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	form := loginForm{Name: r.PostForm.Get("name"), Next: r.PostForm.Get("next")}
	entry, err := p.Accounts.Login(r.Context(), accounts.Attempt{
		Name: form.Name, Password: r.PostForm.Get("password"),
		From: p.Panel.Sessions.Address(r), Agent: r.UserAgent(), Browser: p.Panel.Sessions.Cookie(r, session.BrowserCookie),
	})
	if err == nil {
		// The browser loses the cookie of its previous session, which would otherwise stay valid.
		if old := p.Panel.Sessions.Secret(r); old != "" {
			if err := p.Accounts.Logout(r.Context(), old); err != nil {
				p.Panel.Log.WarnContext(r.Context(), "the browser's previous session was not ended", "err", err)
			}
		}
		p.Panel.Sessions.SetSession(w, entry.Cookie)
		p.Panel.Sessions.SetCookie(w, session.BrowserCookie, entry.Browser, session.BrowserAge)
		http.Redirect(w, r, page.LocalPath(form.Next), http.StatusSeeOther)
		return nil
	}
	if !errors.Is(err, left4me.Denied) && !errors.Is(err, left4me.Busy) {
		return err
	}
	f := p.Panel.FailureOf(r, accounts.Actor{}, err)
	if f.Status == http.StatusForbidden {
		f.Status = http.StatusUnauthorized
	}
	page.RetryAfter(w, err)
	form.Problem = format.Sentence(format.ErrorLineOf(r.Context(), err))
	return p.Panel.Render(w, r, f.Status, loginPage(p.Panel.Frame(r, accounts.Actor{}, locale.T(r.Context(), "page.log_in"), ""), form))
}
