package web_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/left4me/left4me/internal/control/accounts"
)

func TestStreamsOfSessionAreLimited(t *testing.T) {
	s := newSite(t, false)
	b, other := s.as(t, "admin"), s.as(t, "admin")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var first io.Closer
	open := func() int {
		req := must(http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/jobs/live", nil))(t)
		req.Header.Set("Accept", "text/event-stream")
		res := must(b.http.Do(req))(t)
		t.Cleanup(func() { res.Body.Close() })
		if first == nil {
			first = res.Body
		}
		return res.StatusCode
	}
	for range accounts.MaxStreams {
		if got := open(); got != http.StatusOK {
			t.Fatalf("got status %d, want 200", got)
		}
	}
	if got := open(); got != http.StatusTooManyRequests {
		t.Fatalf("got status %d for a stream above the limit, want 429", got)
	}
	for _, path := range []string{"/servers/live", "/jobs/live", "/session"} {
		b.get(path, "Accept", "text/event-stream").has(t, http.StatusTooManyRequests, "too many open pages or event streams (50)",
			"close some")
	}
	b.get("/servers").has(t, http.StatusOK)
	other.stream("/jobs/live")
	first.Close()
	await(t, "a free stream", func() bool { return b.get("/session", "X-Left4me", "live").status == http.StatusNoContent })
	b.stream("/jobs/live")
}
