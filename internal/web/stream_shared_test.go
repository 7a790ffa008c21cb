package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// sharedStream is one stream for several pages of a browser, like that of stream_worker.js.
type sharedStream struct {
	b      *browser
	name   string
	events <-chan sentEvent
}

func (b *browser) shared(query string) *sharedStream {
	b.tb.Helper()
	s := &sharedStream{b: b, events: b.stream("/live" + query)}
	s.name = strings.TrimSpace(wait(b.tb, s.events, "the name of the stream", func(e sentEvent) bool { return e.name == "stream" }).data)
	return s
}

// follow subscribes the stream to the events of a page. An empty live ends the subscription.
func (s *sharedStream) follow(b *browser, page int, live string) page {
	b.tb.Helper()
	return b.do(http.MethodPost, "/live/"+s.name, url.Values{"page": {fmt.Sprint(page)}, "live": {live}}.Encode(),
		"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin", "X-Left4me", "live")
}

// wait waits for an event of a page.
func (s *sharedStream) wait(page int, what, head string, texts ...string) sentEvent {
	s.b.tb.Helper()
	return wait(s.b.tb, s.events, what, func(e sentEvent) bool {
		if e.name != "page" || !strings.HasPrefix(e.data, fmt.Sprintf("%d %s", page, head)) {
			return false
		}
		for _, t := range texts {
			if !strings.Contains(e.data, t) {
				return false
			}
		}
		return true
	})
}

func TestPagesShareStream(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	s.host.print("alpha", "one\ntwo\n")
	b := s.as(t, "admin")
	before := s.watchers()
	list, console := b.get("/servers"), b.get("/servers/alpha/console")
	m := b.shared("?session=" + sessionOf(t, list))
	m.follow(b, 1, streamOf(t, list)).has(t, http.StatusNoContent)
	m.follow(b, 2, streamOf(t, console)+"?after=8").has(t, http.StatusNoContent)
	m.wait(1, "the first event of the list", "beat ")
	m.wait(2, "the first event of the console", "beat ")
	s.tell(t, left4me.Status{Name: "alpha", State: left4me.Running})
	m.wait(1, "the row of the list", "html ", `id="server-alpha"`, ">Running<")
	s.host.print("alpha", "three\n")
	m.wait(2, "the console after its position", "console 14\n", `["three"]`)

	// A page that reconnects continues after its last event.
	m.follow(b, 2, "").has(t, http.StatusNoContent)
	s.host.print("alpha", "four\n")
	m.follow(b, 3, streamOf(t, console)+"?after=14").has(t, http.StatusNoContent)
	m.wait(3, "the console after the interruption", "console 19\n", `["four"]`)
	m.follow(b, 3, streamOf(t, console)).has(t, http.StatusConflict)

	must(s.servers.Act(t.Context(), left4me.ByUser("admin"), left4me.DeleteServer, "alpha"))(t)
	s.host.report(t, s.host.next(t), left4me.JobDone, nil)
	m.wait(3, "the deletion of the server", "gone ", "/servers")
	m.wait(3, "the end of the page's events", "lost ")
	m.follow(b, 1, "").has(t, http.StatusNoContent)
	await(t, "the end of all subscriptions", func() bool { return s.watchers() == before })
}

func TestSharedStreamChecksPagesAndSessions(t *testing.T) {
	s := newSite(t, false)
	b, other := s.as(t, "admin"), s.as(t, "guest")
	m := b.shared("")
	for _, address := range []string{"https://elsewhere/servers/live", "//elsewhere/live", "/live", "/servers", "/logout", "live", "%zz"} {
		m.follow(b, 1, address).has(t, http.StatusUnprocessableEntity)
	}
	// A session can neither use the stream of another session nor subscribe to pages of another session.
	m.follow(other, 1, "/jobs/live").has(t, http.StatusNotFound)
	s.browser(t).do(http.MethodPost, "/live/"+m.name, "page=1", "X-Left4me", "live", "Content-Type",
		"application/x-www-form-urlencoded").has(t, http.StatusUnauthorized)
	tag := sessionOf(t, other.get("/servers"))
	for _, path := range []string{"/live", "/session", "/servers/live", "/servers/alpha/live"} {
		b.get(path+"?session="+tag, "Accept", "text/event-stream").has(t, http.StatusUnauthorized)
	}
	m.follow(b, 1, "/jobs/live?session="+tag).has(t, http.StatusNoContent)
	m.wait(1, "the refusal", "lost ")
	m.follow(b, 2, "/jobs/nothere/live").has(t, http.StatusNoContent)
	m.wait(2, "the end of a page that does not exist", "lost ")

	// The shared stream itself counts towards the limit of a session.
	for page := range accounts.MaxStreams - 1 {
		m.follow(b, 10+page, "/jobs/live").has(t, http.StatusNoContent)
		m.wait(10+page, "the first event", "beat ")
	}
	m.follow(b, 3, "/jobs/live").has(t, http.StatusNoContent)
	m.wait(3, "the refusal above the limit", "lost ")
	b.get("/session", "X-Left4me", "live").has(t, http.StatusTooManyRequests)

	b.post("/logout").has(t, http.StatusSeeOther)
	for range m.events { // until the stream ends
	}
}

var pageSession = regexp.MustCompile(`data-session="([^"]+)"`)

func sessionOf(t *testing.T, p page) string {
	t.Helper()
	m := pageSession.FindStringSubmatch(p.body)
	if m == nil {
		t.Fatalf("the page has no session attribute: %s", p.body)
	}
	return m[1]
}
