package api_test

import (
	"net/http"
	"strings"
	"testing"
)

// Lines of an overlay's cfg may contain passwords. Users who may not change the overlay see only
// that there is one.
func TestOverlayCfgHidesPasswordsFromGuests(t *testing.T) {
	s := newSite(t)
	body := map[string]any{"name": "league", "kind": "files", "cfg": []string{"sv_password hunter2", "sv_gravity 800"}}
	if a := s.call(t, "POST", "/api/v1/overlays", body); a.status != http.StatusCreated {
		t.Fatalf("got status %d: %s", a.status, a.body)
	}
	if a := s.call(t, "GET", "/api/v1/overlays/league", nil); !strings.Contains(string(a.body), "hunter2") {
		t.Errorf("an administrator sees %s", a.body)
	}
	guest := withToken(s.guest)
	for _, path := range []string{"/api/v1/overlays/league", "/api/v1/overlays"} {
		a := s.send(t, "GET", path, guest, nil)
		if text := string(a.body); a.status != http.StatusOK || strings.Contains(text, "hunter2") ||
			!strings.Contains(text, "sv_gravity 800") || !strings.Contains(text, "sv_password") {
			t.Errorf("%s: %d %s", path, a.status, text)
		}
	}
}
