package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/left4me/left4me/control/accounts"
)

// cookieName is the session's cookie. With https the prefix makes browsers
// refuse one that was set by another host or without Secure.
func (p *panel) cookieName() string {
	if p.Secure {
		return "__Host-left4me"
	}
	return "left4me"
}

// session is the session's secret in a request, or nothing.
func (p *panel) session(r *http.Request) string {
	c, err := r.Cookie(p.cookieName())
	if err != nil {
		return ""
	}
	return c.Value
}

// keep gives the browser its session, or takes it back when value is empty.
func (p *panel) keep(w http.ResponseWriter, value string) {
	c := &http.Cookie{
		Name: p.cookieName(), Value: value, Path: "/", MaxAge: int(accounts.MaxSession.Seconds()),
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
