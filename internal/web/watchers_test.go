package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web"
)

// watchers returns the total number of subscriptions.
func (s *site) watchers() int { return s.jobs.Watchers() + s.servers.Watchers() + s.game.Watchers() }

func TestSubscriptionsEndWithRequest(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	j := must(s.servers.Act(t.Context(), left4me.ByUser("admin"), left4me.StartServer, "alpha"))(t)
	b := s.as(t, "admin")
	before := s.watchers()
	for _, page := range web.Pages() {
		for _, thing := range []string{"alpha", string(j.ID), "nothere"} {
			path := strings.NewReplacer("{name}", thing, "{id}", thing).Replace(page + "/live")
			for _, end := range []string{"?after=x", ""} {
				b.open(path + end)
			}
		}
	}
	// Subscriptions whose events are never read.
	ctx, cancel := context.WithCancel(t.Context())
	s.jobs.WatchAll(ctx)
	s.servers.Watch(ctx)
	s.game.Watch(ctx)
	must(s.jobs.Watch(ctx, j.ID))(t)
	if got := s.watchers(); got < before+4 {
		t.Errorf("got %d subscriptions, want at least %d", got, before+4)
	}
	cancel()
	await(t, "the end of all subscriptions", func() bool { return s.watchers() == before })
}

// open opens a stream, reads its first byte, if any, and disconnects.
func (b *browser) open(path string) {
	b.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req := must(http.NewRequestWithContext(ctx, http.MethodGet, b.site.url+path, nil))(b.tb)
	req.Header.Set("Accept", "text/event-stream")
	res := must(b.http.Do(req))(b.tb)
	defer res.Body.Close()
	_, _ = res.Body.Read(make([]byte, 1))
}
