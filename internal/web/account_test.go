package web_test

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

const another = "another door that closes"

// cookie returns the value of the browser's session cookie.
func (b *browser) cookie() string {
	b.tb.Helper()
	for _, c := range b.http.Jar.Cookies(must(url.Parse(b.site.url))(b.tb)) {
		if c.Name == "left4me" {
			return c.Value
		}
	}
	return ""
}

// out checks that a browser is logged out.
func (b *browser) out() {
	b.tb.Helper()
	if p := b.get("/servers"); p.status != http.StatusSeeOther || !strings.HasPrefix(p.header.Get("Location"), "/login") {
		b.tb.Errorf("still logged in: status %d", p.status)
	}
}

// endsSoon checks that a stream ends within 5 s, long before it would check its session without a
// notification.
func endsSoon(t *testing.T, events <-chan sentEvent) {
	t.Helper()
	for end := time.After(5 * time.Second); ; {
		select {
		case _, ok := <-events:
			if !ok {
				return
			}
		case <-end:
			t.Fatal("the stream did not end within 5 s")
		}
	}
}

func TestMenuLinksToAccountPage(t *testing.T) {
	s := newSite(t, false)
	s.as(t, "admin").get("/servers").has(t, http.StatusOK, `href="/account"`)
	p := s.as(t, "admin").get("/account")
	p.has(t, http.StatusOK, "Change password", "Log out everywhere", "Create token", `href="/users"`, "this browser")
	p = s.as(t, "guest").get("/account")
	p.has(t, http.StatusOK, "Change password")
	p.hasNot(t, `href="/users"`)
}

func TestPasswordChangeEndsOtherSessions(t *testing.T) {
	s := newSite(t, false)
	here, there := s.as(t, "guest"), s.as(t, "guest")
	events := there.stream(streamOf(t, there.get("/servers")))
	change := func(current, next, again string) page {
		return here.post("/account/password", "current_password", current, "password", next, "again", again)
	}
	change(password, another, another+"x").has(t, http.StatusUnprocessableEntity, `id="again-problem"`, "do not match")
	change("wrong", another, another).has(t, http.StatusUnprocessableEntity, `id="current_password-problem"`)
	p := change(password, "short", "short")
	p.has(t, http.StatusUnprocessableEntity, `id="password-problem"`)
	p.hasNot(t, `value="short"`)
	there.get("/servers").has(t, http.StatusOK)

	before := here.cookie()
	p = change(password, another, another)
	if to := p.header.Get("Location"); p.status != http.StatusSeeOther || to != "/account?did=password" {
		t.Fatalf("got status %d, location %s\n%s", p.status, to, p.body)
	}
	here.get("/account?did=password").has(t, http.StatusOK, "Password changed", "logged out")
	if here.cookie() == before {
		t.Error("the session cookie is unchanged: a copy of it would still be valid")
	}
	endsSoon(t, events)
	there.out()
	if _, err := s.accounts.Authenticate(t.Context(), before); !errors.Is(err, left4me.Denied) {
		t.Errorf("the old cookie: got %v, want Denied", err)
	}
}

func TestLogOutEverywhereEndsAllSessions(t *testing.T) {
	s := newSite(t, false)
	here, there := s.as(t, "guest"), s.as(t, "guest")
	events := there.stream(streamOf(t, there.get("/servers")))
	if n := strings.Count(here.get("/account").body, "Last active"); n != 2 {
		t.Errorf("got %d listed sessions, want 2", n)
	}
	p := here.post("/account/signout")
	if to := p.header.Get("Location"); p.status != http.StatusSeeOther || to != "/login" || p.header.Get("Clear-Site-Data") == "" {
		t.Errorf("got status %d, location %s", p.status, to)
	}
	endsSoon(t, events)
	here.out()
	there.out()
}

func TestAccountPageEndsOneSession(t *testing.T) {
	s := newSite(t, false)
	here, there := s.as(t, "guest"), s.as(t, "guest")
	events := there.stream(streamOf(t, there.get("/servers")))
	list := here.get("/account")
	ends := regexp.MustCompile(`action="(/account/sessions/[^"]+/end)"`).FindAllStringSubmatch(list.body, -1)
	if len(ends) != 1 {
		t.Fatalf("got actions %q, want only the one that ends the other session", ends)
	}
	for range 2 { // the second request finds no session
		here.post(ends[0][1]).has(t, http.StatusSeeOther)
	}
	here.get("/account?did=ended").has(t, http.StatusOK, "is logged out")
	endsSoon(t, events)
	there.out()
	here.get("/account").hasNot(t, ends[0][1])
}

// Otherwise the first session would stay valid for a month although no browser has its cookie.
func TestLoginEndsPreviousSessionOfBrowser(t *testing.T) {
	s := newSite(t, false)
	b := s.as(t, "guest")
	first := b.cookie()
	events := b.stream(streamOf(t, b.get("/servers")))
	b.post("/login", "name", "admin", "password", "wrong").has(t, http.StatusUnauthorized)
	b.get("/servers").has(t, http.StatusOK, "guest") // a failed login keeps the session
	b.post("/login", "name", "admin", "password", password).has(t, http.StatusSeeOther)
	b.get("/servers").has(t, http.StatusOK, "admin")
	endsSoon(t, events)
	if _, err := s.accounts.Authenticate(t.Context(), first); !errors.Is(err, left4me.Denied) {
		t.Errorf("the first session: got %v, want Denied", err)
	}
}

var tokenPattern = regexp.MustCompile(`l4m_[0-9A-Za-z]{40}`)

func TestAccountPageCreatesAndRevokesTokens(t *testing.T) {
	s := newSite(t, false)
	b := s.as(t, "guest")
	p := b.post("/account/tokens", "label", "My <script>", "expires", "30")
	p.has(t, http.StatusOK, "not shown again", "My &lt;script&gt;", "Never used")
	token := tokenPattern.FindString(p.body)
	if who, err := s.accounts.AuthenticateToken(t.Context(), token); err != nil || who.Name != "guest" || who.Admin {
		t.Fatalf("got user %+v, error %v", who, err)
	}
	b.get("/account").hasNot(t, token)
	b.post("/account/tokens", "label", " ", "expires", "30").has(t, http.StatusUnprocessableEntity, `id="label-problem"`)
	all := must(s.accounts.Tokens(t.Context(), must(s.accounts.User(t.Context(), "guest"))(t).Actor))(t)
	if len(all) != 1 || all[0].ExpiresAt.Sub(all[0].CreatedAt).Round(24*time.Hour) != 30*24*time.Hour {
		t.Fatalf("got tokens %+v", all)
	}
	for range 2 { // the second request finds no token
		b.post("/account/tokens/"+all[0].ID+"/revoke").has(t, http.StatusSeeOther)
	}
	b.get("/account?did=revoked").has(t, http.StatusOK, "Token revoked", "You have no tokens")
	if _, err := s.accounts.AuthenticateToken(t.Context(), token); !errors.Is(err, left4me.Denied) {
		t.Errorf("the revoked token: got %v, want Denied", err)
	}
}

func TestAdministratorManagesUsers(t *testing.T) {
	s := newSite(t, false)
	admin := s.as(t, "admin")
	zoey := s.browser(t)
	login := func(password string) page { return zoey.post("/login", "name", "zoey", "password", password) }

	admin.post("/users", "name", "a b", "role", "viewer", "password", "short").
		has(t, http.StatusUnprocessableEntity, `id="name-problem"`, `id="password-problem"`, `value="a b"`)
	p := admin.post("/users", "name", "zoey", "role", "viewer")
	p.has(t, http.StatusOK, "not shown again", `href="/users/zoey"`)
	generated := regexp.MustCompile(`[A-Z2-7]{26}`).FindString(p.body)
	login(generated).has(t, http.StatusSeeOther)
	zoey.get("/servers").has(t, http.StatusOK, "Viewer")
	zoey.get("/users").has(t, http.StatusForbidden)

	act := func(what string, form ...string) {
		t.Helper()
		events := zoey.stream(streamOf(t, zoey.get("/servers")))
		p := admin.post("/users/zoey/"+what, form...)
		if p.status != http.StatusSeeOther {
			t.Fatalf("%s: got status %d\n%s", what, p.status, p.body)
		}
		admin.get(p.header.Get("Location")).has(t, http.StatusOK, `<p class="told" role="status">`)
		endsSoon(t, events)
		zoey.out()
	}
	if to := admin.post("/users/zoey/role", "role", "viewer").header.Get("Location"); to != "/users/zoey" {
		t.Errorf("setting the current role redirects to %s, as if it had changed", to)
	}
	zoey.get("/servers").has(t, http.StatusOK)
	act("role", "role", "admin")
	login(generated).has(t, http.StatusSeeOther)
	zoey.get("/users").has(t, http.StatusOK)
	act("password", "password", another)
	login(generated).has(t, http.StatusUnauthorized)
	login(another).has(t, http.StatusSeeOther)
	act("disable")
	login(another).has(t, http.StatusUnauthorized, "disabled")
	admin.get("/users").has(t, http.StatusOK, "Disabled")
	admin.post("/users/zoey/enable").has(t, http.StatusSeeOther)
	login(another).has(t, http.StatusSeeOther)

	admin.get("/users/zoey/delete").has(t, http.StatusOK, "cannot be undone")
	admin.post("/users/zoey/delete", "confirm", "zoe").has(t, http.StatusUnprocessableEntity, "does not match")
	act("delete", "confirm", "zoey")
	login(another).has(t, http.StatusUnauthorized)
	admin.get("/users/zoey").has(t, http.StatusNotFound)

	for _, what := range []string{"role", "disable", "delete"} {
		admin.post("/users/admin/"+what, "role", "viewer", "confirm", "admin").has(t, http.StatusConflict,
			"no administrator who can log in")
	}
	admin.get("/users/admin").has(t, http.StatusOK, "your own password")
	admin.post("/users/admin/password", "password", another).has(t, http.StatusForbidden)
}
