package session

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

var errOtherSession = left4me.Errorf(left4me.Denied, "the session of this page has ended").WithHint("log in again")

// Identify says whose session a request belongs to. A request that names the
// session of its page is nobody's when the browser has another session by now: no
// page shows what is meant for somebody else. Errors: left4me.Denied.
func (p *Sessions) Identify(r *http.Request) (accounts.Actor, error) {
	if strings.Contains(r.URL.RawQuery, Param+"=") {
		if named := r.URL.Query().Get(Param); named != Tag(p.Secret(r)) {
			return accounts.Actor{}, errOtherSession
		}
	}
	return p.Accounts.Authenticate(r.Context(), p.Secret(r))
}

// The cookies of the panel that hold something of a person: the session, and the
// mark of a browser that logged in before (accounts.Attempt), which outlives it.
const (
	cookieName_   = "left4me"
	BrowserCookie = "left4me-browser"
	BrowserAge    = 365 * 24 * time.Hour
)

// cookieName is the name of a cookie in browsers. With https the prefix makes
// them refuse one that was set by another host or without Secure.
func (p *Sessions) cookieName(name string) string {
	if p.Secure {
		return "__Host-" + name
	}
	return name
}

func (p *Sessions) Cookie(r *http.Request, name string) string {
	c, err := r.Cookie(p.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// Secret is the session's secret in a request, or nothing.
func (p *Sessions) Secret(r *http.Request) string { return p.Cookie(r, cookieName_) }

// Tag tells sessions apart in pages and addresses, and is of no use to
// anybody who wants to be one.
func Tag(session string) string {
	if session == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("left4me page of\x00" + session))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// SetSession gives the browser its session, or takes it back when value is empty.
func (p *Sessions) SetSession(w http.ResponseWriter, value string) {
	p.SetCookie(w, cookieName_, value, accounts.MaxSession)
}

func (p *Sessions) SetCookie(w http.ResponseWriter, name, value string, age time.Duration) {
	c := &http.Cookie{
		Name: p.cookieName(name), Value: value, Path: "/", MaxAge: int(age.Seconds()),
		Secure: p.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// Param of an address says which session the page belongs to that asks.
const Param = "session"
