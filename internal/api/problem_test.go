package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

// A problem quotes the request, but truncates a very long one.
func TestProblemTruncatesLongRequests(t *testing.T) {
	s := newSite(t)
	for path, status := range map[string]int{
		"/api/v1/nothing/%1B%5B31m/" + strings.Repeat("x", 20<<10):         http.StatusNotFound,
		"/api/v1/servers/alpha/files?path=" + strings.Repeat("%1B", 9<<10): http.StatusNotFound,
	} {
		a := s.send(t, "GET", path, withToken(s.admin), nil)
		if a.status != status || len(a.body) > 16<<10 {
			t.Errorf("%.60s: %d with %d bytes: %.200s", path, a.status, len(a.body), a.body)
		}
		if strings.ContainsFunc(string(a.body), func(r rune) bool { return left4me.Hidden(r) && r != '\n' }) {
			t.Errorf("%.60s: %.200q", path, a.body)
		}
	}
}
