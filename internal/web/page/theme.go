package page

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
)

// theme is the colour scheme of the panel; auto follows the system.
type theme string

const (
	auto  theme = "auto"
	light theme = "light"
	dark  theme = "dark"
)

const themeCookie = "theme"

func parseTheme(s string) theme {
	if t := theme(s); t == light || t == dark {
		return t
	}
	return auto
}

func themeOf(r *http.Request) theme {
	c, err := r.Cookie(themeCookie)
	if err != nil {
		return auto
	}
	return parseTheme(c.Value)
}

func (p *Panel) SetTheme(w http.ResponseWriter, r *http.Request, _ accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return BadForm(err)
	}
	http.SetCookie(w, &http.Cookie{
		Name: themeCookie, Value: string(parseTheme(r.PostForm.Get("theme"))), Path: "/", MaxAge: 365 * 24 * 3600,
		Secure: p.Sessions.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	return Done(w, r, LocalPath(r.PostForm.Get("back")))
}
