package web

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
)

// The cookies of the panel that hold something of a person: the session, and the
// mark of a browser that logged in before (accounts.Attempt), which outlives it.
const (
	sessionCookie = "left4me"
	browserCookie = "left4me-browser"
	browserAge    = 365 * 24 * time.Hour
)

// cookieName is the name of a cookie in browsers. With https the prefix makes
// them refuse one that was set by another host or without Secure.
func (p *panel) cookieName(name string) string {
	if p.Secure {
		return "__Host-" + name
	}
	return name
}

func (p *panel) cookie(r *http.Request, name string) string {
	c, err := r.Cookie(p.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// session is the session's secret in a request, or nothing.
func (p *panel) session(r *http.Request) string { return p.cookie(r, sessionCookie) }

// sessionTag tells sessions apart in pages and addresses, and is of no use to
// anybody who wants to be one.
func sessionTag(session string) string {
	if session == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("left4me page of\x00" + session))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// keep gives the browser its session, or takes it back when value is empty.
func (p *panel) keep(w http.ResponseWriter, value string) {
	p.setCookie(w, sessionCookie, value, accounts.MaxSession)
}

func (p *panel) setCookie(w http.ResponseWriter, name, value string, age time.Duration) {
	c := &http.Cookie{
		Name: p.cookieName(name), Value: value, Path: "/", MaxAge: int(age.Seconds()),
		Secure: p.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// localPath is where to go next: a path of ours, or the start page for anything
// that could lead elsewhere.
func localPath(s string) string {
	const start = "/servers"
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return start
	}
	// Browsers read a backslash as a slash, and two slashes as another host.
	if !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.ContainsAny(s, "\\\t\r\n") || strings.HasPrefix(u.Path, "//") {
		return start
	}
	if u.Path == "/logout" || u.Path == "/theme" {
		return start
	}
	return u.RequestURI()
}
