package session

import (
	"net/http"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
)

// Cookies of the panel with personal data: the session, and the mark of a browser that has logged in
// before (accounts.Attempt), which outlives the session.
const (
	sessionCookie = "left4me"
	BrowserCookie = "left4me-browser"
	BrowserAge    = 365 * 24 * time.Hour
)

// cookieName returns the name of a cookie in browsers. With https, the prefix __Host- makes browsers
// reject cookies that another host set, or that lack the attribute Secure.
func (s *Sessions) cookieName(name string) string {
	if s.Secure {
		return "__Host-" + name
	}
	return name
}

// Cookie returns the value of a cookie in a request, or an empty string.
func (s *Sessions) Cookie(r *http.Request, name string) string {
	c, err := r.Cookie(s.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// SetSession sets the session cookie, or deletes it if value is empty.
func (s *Sessions) SetSession(w http.ResponseWriter, value string) {
	s.SetCookie(w, sessionCookie, value, accounts.MaxSession)
}

// SetCookie sets a cookie, or deletes it if value is empty.
func (s *Sessions) SetCookie(w http.ResponseWriter, name, value string, age time.Duration) {
	c := &http.Cookie{
		Name: s.cookieName(name), Value: value, Path: "/", MaxAge: int(age.Seconds()),
		Secure: s.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}
