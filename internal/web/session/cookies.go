package session

import (
	"net/http"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
)

// The cookies of the panel that hold something of a person: the session, and the
// mark of a browser that logged in before (accounts.Attempt), which outlives it.
const (
	sessionCookie = "left4me"
	BrowserCookie = "left4me-browser"
	BrowserAge    = 365 * 24 * time.Hour
)

// cookieName is the name of a cookie in browsers. With https the prefix makes
// them refuse one that was set by another host or without Secure.
func (s *Sessions) cookieName(name string) string {
	if s.Secure {
		return "__Host-" + name
	}
	return name
}

// Cookie is the value of a cookie in a request, or nothing.
func (s *Sessions) Cookie(r *http.Request, name string) string {
	c, err := r.Cookie(s.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// SetSession gives the browser its session, or takes it back when value is empty.
func (s *Sessions) SetSession(w http.ResponseWriter, value string) {
	s.SetCookie(w, sessionCookie, value, accounts.MaxSession)
}

// SetCookie gives the browser a cookie, or takes it back when value is empty.
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
