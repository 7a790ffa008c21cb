package web

import (
	"errors"
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// loginForm is what stands in the form; a password never comes back.
type loginForm struct {
	Name    string
	Next    string
	Problem string
}

func (p *panel) showLogin(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	next := r.URL.Query().Get("next")
	if who != (accounts.Actor{}) {
		http.Redirect(w, r, localPath(next), http.StatusSeeOther)
		return nil
	}
	return p.render(w, r, http.StatusOK, loginPage(p.frame(r, who, "Log in", ""), loginForm{Next: next}))
}

func (p *panel) login(w http.ResponseWriter, r *http.Request, _ accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	form := loginForm{Name: r.PostForm.Get("name"), Next: r.PostForm.Get("next")}
	entry, err := p.Accounts.Login(r.Context(), accounts.Attempt{
		Name: form.Name, Password: r.PostForm.Get("password"),
		From: p.address(r), Agent: r.UserAgent(), Browser: p.cookie(r, browserCookie),
	})
	if err == nil {
		// Nobody would ever end the session that this browser had until now.
		if old := p.session(r); old != "" {
			if err := p.Accounts.Logout(r.Context(), old); err != nil {
				p.Log.Warn("the session before this login was not ended", "err", err)
			}
		}
		p.keep(w, entry.Cookie)
		p.setCookie(w, browserCookie, entry.Browser, browserAge)
		http.Redirect(w, r, localPath(form.Next), http.StatusSeeOther)
		return nil
	}
	if !errors.Is(err, left4me.Denied) && !errors.Is(err, left4me.Busy) {
		return err
	}
	f := p.failureOf(r, err)
	if f.Status == http.StatusForbidden {
		f.Status = http.StatusUnauthorized
	}
	retryAfter(w, err)
	form.Problem = sentence(err.Error())
	return p.render(w, r, f.Status, loginPage(p.frame(r, accounts.Actor{}, "Log in", ""), form))
}

// badForm keeps an error about the size and turns any other into one that can
// be shown.
func badForm(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return err
	}
	return &left4me.Error{Kind: left4me.Invalid, Text: "the form can't be read", Hint: "go back and send it again", Err: err}
}
