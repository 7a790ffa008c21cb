package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

func TestPagesHaveSecurityHeaders(t *testing.T) {
	s := newSite(t, false)
	b := s.as(t, "admin")
	for _, path := range []string{"/login", "/servers", "/servers/new", "/nothing", "/jobs", "/account", "/users", "/users/guest"} {
		h := b.get(path).header
		policy := h.Get("Content-Security-Policy")
		for _, want := range []string{
			"default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self'",
			"base-uri 'none'", "frame-ancestors 'none'",
		} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the content security policy lacks %s: %s", path, want, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("%s: the content security policy is too permissive: %s", path, policy)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" ||
			h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got headers %v", path, h)
		}
	}
}

// A page that violates the content security policy would fail only in a browser.
func TestPagesObeyContentSecurityPolicy(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	b := s.as(t, "admin")
	for _, path := range []string{
		"/servers", "/servers/new", "/servers/alpha", "/servers/alpha/console", "/servers/alpha/settings",
		"/servers/alpha/history", "/servers/alpha/delete", "/jobs", "/account", "/users", "/users/guest", "/users/guest/delete",
		"/nothing",
	} {
		p := b.get(path)
		p.hasNot(t, " style=", "<style", "javascript:", " onclick=", "http://", "https://")
		ours := strings.Count(p.body, `<script type="module" src="/assets/`)
		if ours == 0 || strings.Count(p.body, "<script") != ours+1 ||
			!strings.Contains(p.body, `<script id="texts" type="application/json">{`) { // data, which no browser executes
			t.Errorf("%s: the page has an inline script", path)
		}
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	b := s.as(t, "admin")
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	for _, header := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", "https://evil.example"},
		{"Origin", "null"},
	} {
		for _, path := range []string{"/servers/alpha/start", "/servers/alpha/delete", "/logout", "/login", "/theme"} {
			b.do(http.MethodPost, path, "confirm=alpha", append(form, header...)...).has(t, http.StatusForbidden, "another website")
		}
	}
	if jobs := must(s.jobs.List(t.Context(), "server", "alpha", 10))(t); len(jobs) > 0 {
		t.Errorf("a form of another site created jobs: %+v", jobs)
	}
	b.get("/servers").has(t, http.StatusOK) // still logged in
}

func TestViewerCannotChangeAnything(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	s.tell(t, left4me.Status{Name: "alpha", State: left4me.Running, PID: 1})
	job := must(s.servers.Act(t.Context(), left4me.ByUser("admin"), left4me.StopServer, "alpha"))(t)
	b := s.as(t, "guest")
	b.get("/servers").has(t, http.StatusOK, "alpha")
	b.get("/servers").hasNot(t, `href="/servers/new"`)
	b.get("/servers/alpha").hasNot(t, "/servers/alpha/delete")
	b.get("/servers/alpha/console").hasNot(t, "data-command")
	for _, path := range []string{
		"/servers/new", "/servers/alpha/rename", "/servers/alpha/reset", "/servers/alpha/delete", "/backups/b/delete", "/backups/b/file",
		"/users", "/users/admin", "/users/admin/delete",
	} {
		b.get(path).has(t, http.StatusForbidden, "does not have permission to change this", "Ask an administrator for the permission.")
	}
	for _, path := range []string{
		"/servers/new", "/servers/alpha/start", "/servers/alpha/stop", "/servers/alpha/restart", "/servers/alpha/reset",
		"/servers/alpha/rename",
		"/servers/alpha/delete", "/servers/alpha/console", "/jobs/" + string(job.ID) + "/cancel", "/jobs/" + string(job.ID) + "/retry",
		"/backups", "/backups/policy", "/backups/b/verify", "/backups/b/delete",
		"/users", "/users/admin/role", "/users/admin/password", "/users/admin/disable", "/users/admin/enable", "/users/admin/delete",
	} {
		b.post(path, "name", "beta", "confirm", "alpha", "command", "status").has(t, http.StatusForbidden,
			"does not have permission to change this")
	}
	if all := must(s.jobs.List(t.Context(), "", "", 10))(t); len(all) != 1 {
		t.Errorf("got jobs %+v, want only the existing one", all)
	}
	if len(s.host.commands) > 0 {
		t.Errorf("the host received the commands %q", s.host.commands)
	}
}

var (
	disabledFields = regexp.MustCompile(`(?s)<fieldset[^>]* disabled.*?</fieldset>`)
	searchForm     = regexp.MustCompile(`(?s)<form( [^>]*)?>.*?</form>`)
	actingButton   = regexp.MustCompile(`<button[^>]*>`)
)

// Pages leave out what a viewer may not do: no action buttons, and no text that names the required permission.
func TestViewerPagesHaveNoUnusableControls(t *testing.T) {
	s := newSite(t, false)
	s.has(t, installed)
	s.addServer(t, "alpha")
	s.tell(t, left4me.Status{Name: "alpha", State: left4me.Running, PID: 1})
	s.overlay(t, friday)
	s.overlay(t, left4me.Overlay{Name: "plugins", Kind: left4me.FilesOverlay})
	job := must(s.servers.Act(t.Context(), left4me.ByUser("admin"), left4me.StopServer, "alpha"))(t)
	b := s.as(t, "guest")
	for _, path := range []string{
		"/servers", "/servers/alpha", "/servers/alpha/console", "/servers/alpha/settings", "/servers/alpha/map", "/servers/alpha/history",
		"/servers/alpha/files", "/servers/alpha/written", "/servers/alpha/compare", "/servers/alpha/conflicts",
		"/overlays", "/overlays/maps", "/overlays/maps/items", "/overlays/plugins", "/overlays/plugins/settings",
		"/blueprints", "/blueprints/default", "/jobs", "/jobs/" + string(job.ID), "/game", "/backups",
	} {
		p := b.get(path)
		p.has(t, http.StatusOK)
		p.hasNot(t, "does not have permission", "Ask an administrator")
		_, in, _ := strings.Cut(p.body, "<main")
		in = searchForm.ReplaceAllStringFunc(disabledFields.ReplaceAllString(in, ""), func(form string) string {
			if attributes, _, _ := strings.Cut(form, ">"); !strings.Contains(attributes, `method="post"`) {
				return ""
			}
			return form
		})
		for _, button := range actingButton.FindAllString(in, -1) {
			if !strings.Contains(button, "data-copy") && !strings.Contains(button, `name="sort"`) && !strings.Contains(button, `aria-hidden="true"`) {
				t.Errorf("%s has %s", path, button)
			}
		}
	}
}

func TestPagesRequireLogin(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	b := s.browser(t)
	for _, path := range []string{"/", "/servers", "/servers/alpha", "/servers/none", "/servers/alpha/console", "/jobs", "/servers/new"} {
		if p := b.get(path); p.status != http.StatusSeeOther || !strings.HasPrefix(p.header.Get("Location"), "/login") ||
			strings.Contains(p.body, "alpha<") {
			t.Errorf("%s: got status %d, want a redirect to the login page: %s", path, p.status, p.body)
		}
	}
	for _, path := range []string{"/servers/live", "/servers/alpha/live", "/jobs/live"} {
		b.get(path, "Accept", "text/event-stream").has(t, http.StatusUnauthorized, "logged out")
	}
	b.post("/servers/alpha/start").has(t, http.StatusSeeOther)
	b.get("/nothing").has(t, http.StatusNotFound, "This page does not exist.")
}

func TestErrorsAreShownAsPages(t *testing.T) {
	s := newSite(t, false)
	b := s.as(t, "admin")
	for _, path := range []string{
		"/nothing", "/servers/none", "/servers/No!", "/servers/..%2f..", "/jobs/none", "/servers/none/console",
		"/servers/none/delete",
	} {
		b.get(path).has(t, http.StatusNotFound, "<nav", "404")
	}
	b.do(http.MethodPost, "/servers/new", "name="+strings.Repeat("x", 2<<20), "Content-Type", "application/x-www-form-urlencoded",
		"Sec-Fetch-Site", "same-origin").
		has(t, http.StatusRequestEntityTooLarge, "submitted form is too large")
	s.store.Close()
	p := b.get("/jobs")
	id := p.header.Get("X-Request-Id")
	p.has(t, http.StatusInternalServerError, "An unexpected error occurred", "request="+id, "<code>"+id+"</code>")
	p.hasNot(t, "sql", "database")
	said := s.on.Logged("request=" + id + "\n")
	if id == "" || len(said) != 1 || !strings.Contains(said[0], "sql: database is closed") {
		t.Errorf("got log lines %q for request %s, want one with the cause", said, id)
	}
}
