package web_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

func TestLoginRedirectsToRequestedPage(t *testing.T) {
	s := newSite(t, false)
	b := s.browser(t)
	p := b.get("/jobs?x=1")
	if to := p.header.Get("Location"); p.status != http.StatusSeeOther || to != "/login?next=%2Fjobs%3Fx%3D1" {
		t.Fatalf("got status %d, location %s", p.status, to)
	}
	b.get("/login?next=%2Fjobs%3Fx%3D1").has(t, http.StatusOK, `name="next" value="/jobs?x=1"`)
	p = b.post("/login", "name", "admin", "password", password, "next", "/jobs?x=1")
	if to := p.header.Get("Location"); p.status != http.StatusSeeOther || to != "/jobs?x=1" {
		t.Fatalf("got status %d, location %s", p.status, to)
	}
	b.get("/jobs").has(t, http.StatusOK, "Jobs", "admin")
	b.get("/").has(t, http.StatusSeeOther)
	if p := b.get("/login"); p.status != http.StatusSeeOther {
		t.Errorf("got status %d for a logged-in user, want a redirect", p.status)
	}

	p = b.post("/logout")
	if p.status != http.StatusSeeOther || p.header.Get("Location") != "/login" {
		t.Errorf("logout: got status %d", p.status)
	}
	if p := b.get("/servers"); p.status != http.StatusSeeOther {
		t.Errorf("got status %d after the logout, want a redirect", p.status)
	}
}

func TestLoginRefusesRedirectToOtherSites(t *testing.T) {
	s := newSite(t, false)
	for _, next := range []string{"//evil.example", `/\evil.example`, "https://evil.example"} {
		p := s.browser(t).post("/login", "name", "admin", "password", password, "next", next)
		if to := p.header.Get("Location"); to != "/servers" {
			t.Errorf("next %q: got location %q", next, to)
		}
	}
}

func TestWrongPasswordDoesNotRevealUsers(t *testing.T) {
	s := newSite(t, false)
	b := s.browser(t)
	wrong := b.post("/login", "name", "admin", "password", "not the password", "next", "/jobs")
	wrong.has(t, http.StatusUnauthorized, "The user name or the password is wrong", `value="admin"`, `value="/jobs"`)
	nobody := b.post("/login", "name", "nobody", "password", "not the password", "next", "/jobs")
	if strings.ReplaceAll(wrong.body, `"admin"`, "") != strings.ReplaceAll(nobody.body, `"nobody"`, "") {
		t.Error("the answers differ, which reveals the existing users")
	}
	wrong.hasNot(t, "not the password")
	if len(wrong.header["Set-Cookie"]) > 0 {
		t.Errorf("a failed login set the cookie %s", wrong.header["Set-Cookie"])
	}
}

func TestManyLoginAttemptsAreLimited(t *testing.T) {
	s := newSite(t, false)
	b := s.browser(t)
	for range 10 {
		if p := b.post("/login", "name", "admin", "password", "not the password"); p.status == http.StatusTooManyRequests {
			p.has(t, http.StatusTooManyRequests, "too many failed login attempts", "try again in")
			if p.header.Get("Retry-After") == "" {
				t.Error("the answer has no Retry-After header")
			}
			return
		}
	}
	t.Error("10 failed logins were not limited")
}

// An attacker who guesses passwords once a minute must not lock out the user, whose browser has a cookie
// from an earlier login.
func TestKnownBrowserIsNotLockedOut(t *testing.T) {
	for _, secure := range []bool{false, true} {
		s := newSite(t, secure)
		b := s.browser(t)
		p := b.post("/login", "name", "admin", "password", password)
		var mark *http.Cookie
		for _, line := range p.header.Values("Set-Cookie") {
			if c := must(http.ParseSetCookie(line))(t); strings.HasSuffix(c.Name, "left4me-browser") {
				mark = c
			}
		}
		if mark == nil || !mark.HttpOnly || mark.Secure != secure || mark.MaxAge < 3600*24*300 ||
			strings.HasPrefix(mark.Name, "__Host-") != secure {
			t.Fatalf("got cookie %s", mark)
		}
		login := func(password, cookie string) int {
			return s.browser(t).do(http.MethodPost, "/login", "name=admin&password="+url.QueryEscape(password), "Content-Type",
				"application/x-www-form-urlencoded",
				"Sec-Fetch-Site", "same-origin", "X-Forwarded-For", "192.0.2.1", "Cookie", cookie).status
		}
		for i := 0; login("a guess", "") != http.StatusTooManyRequests; i++ {
			if i > 40 {
				t.Fatal("guesses are not limited")
			}
		}
		if status := login(password, ""); status != http.StatusTooManyRequests {
			t.Errorf("an unknown browser: got status %d, want 429", status)
		}
		if status := login(password, mark.Name+"="+mark.Value); status != http.StatusSeeOther {
			t.Errorf("a known browser: got status %d, want a redirect", status)
		}
	}
}

func TestGuessesBehindProxyDontBlockOthers(t *testing.T) {
	s := newSite(t, false)
	b := s.browser(t)
	login := func(name, from string) int {
		return b.do(http.MethodPost, "/login", "name="+name+"&password=password", "Content-Type", "application/x-www-form-urlencoded",
			"Sec-Fetch-Site", "same-origin", "X-Forwarded-For", from).status
	}
	for i := 0; login(fmt.Sprintf("user%d", i), fmt.Sprintf("10.0.0.%d, 192.0.2.1:%d", i, 1000+i)) != http.StatusTooManyRequests; i++ {
		if i > 40 {
			t.Fatal("guesses with forged addresses are not limited")
		}
	}
	for _, from := range []string{"192.0.2.2", "192.0.2.3:4711", "[2001:db8::1]:443"} {
		if status := login("somebody", from); status != http.StatusUnauthorized {
			t.Errorf("another user at %s: got status %d", from, status)
		}
	}
}

func TestSessionCookieHasSecureFlags(t *testing.T) {
	for _, secure := range []bool{false, true} {
		s := newSite(t, secure)
		p := s.browser(t).post("/login", "name", "admin", "password", password)
		c := must(http.ParseSetCookie(p.header.Get("Set-Cookie")))(t) // the session cookie is the first one
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure != secure || c.Path != "/" || c.Domain != "" || len(c.Value) < 32 {
			t.Errorf("secure %t: got cookie %s", secure, c)
		}
		if strings.HasPrefix(c.Name, "__Host-") != secure {
			t.Errorf("secure %t: got cookie name %s", secure, c.Name)
		}
	}
}

func TestThemeIsRemembered(t *testing.T) {
	s := newSite(t, false)
	b := s.browser(t)
	b.get("/login").has(t, http.StatusOK, `data-theme="auto"`)
	p := b.post("/theme", "theme", "dark", "back", "/login?next=%2Fjobs")
	if to := p.header.Get("Location"); p.status != http.StatusSeeOther || to != "/login?next=%2Fjobs" {
		t.Errorf("got status %d, location %s", p.status, to)
	}
	b.get("/login").has(t, http.StatusOK, `data-theme="dark"`)
	b.post("/theme", "theme", `"><script>`)
	b.get("/login").has(t, http.StatusOK, `data-theme="auto"`)
	if to := b.post("/theme", "theme", "light", "back", "//evil.example").header.Get("Location"); to != "/servers" {
		t.Errorf("got location %s, want the default page", to)
	}
}

func TestLogoutInvalidatesSession(t *testing.T) {
	s := newSite(t, false)
	b := s.as(t, "admin")
	u := must(url.Parse(s.url))(t)
	cookies := b.http.Jar.Cookies(u)
	b.post("/logout")
	b.http.Jar.SetCookies(u, cookies)
	b.get("/session", "X-Left4me", "live").has(t, http.StatusUnauthorized, "logged out")
	if _, err := s.accounts.Authenticate(t.Context(), cookies[0].Value); !errors.Is(err, left4me.Denied) {
		t.Errorf("the cookie of an ended session: got %v, want Denied", err)
	}
}
