package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/left4me/left4me/internal/api"
)

var update = flag.Bool("update", false, "write openapi.json anew")

func TestHealthEndpointsReportReadiness(t *testing.T) {
	s := newSite(t)
	get := func(path string) answer { return s.send(t, "GET", path, http.Header{}, nil) }
	if a := get("/healthz"); a.status != http.StatusOK || string(a.body) != "ok\n" {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
	if a := get("/readyz"); a.status != http.StatusOK {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
	s.host.set(func() { s.host.notReady = errors.New("the disk with /secret/path is gone") })
	if a := get("/readyz"); a.status != http.StatusServiceUnavailable || strings.Contains(string(a.body), "secret") {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
}

func TestMetricsDescribeServersAndJobs(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	a := s.send(t, "GET", "/metrics", http.Header{}, nil)
	if a.status != http.StatusOK {
		t.Fatalf("got status %d: %s", a.status, a.body)
	}
	for _, want := range []string{
		`left4me_build_info{version="1.2.3"} 1`, `left4me_servers{state="failed"} 0`, `left4me_server_up{server="alpha"} 0`,
		`left4me_server_players{server="alpha"} 0`, `left4me_jobs_active 0`,
	} {
		if !strings.Contains(string(a.body), want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	problems, err := promlint.New(bytes.NewReader(a.body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	// The peer address of a proxied request is not that of the client.
	s.send(t, "GET", "/metrics", http.Header{"X-Forwarded-For": {"127.0.0.1"}}, nil).problem(t, http.StatusUnauthorized)
	header := http.Header{"X-Forwarded-For": {"127.0.0.1"}, "Authorization": {"Bearer " + s.guest}}
	if a := s.send(t, "GET", "/metrics", header, nil); a.status != http.StatusOK {
		t.Errorf("with a token: %d", a.status)
	}
}

// A page of another site could make its own name resolve to this machine to read the answers. Host
// then contains that name.
func TestMetricsAndReadinessNeedTokenForHostNames(t *testing.T) {
	s := newSite(t)
	ask := func(path, host, token string) int {
		t.Helper()
		r := must(http.NewRequestWithContext(t.Context(), "GET", s.url+path, nil))(t)
		r.Host = host
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		res := must(http.DefaultClient.Do(r))(t)
		res.Body.Close()
		return res.StatusCode
	}
	for _, path := range []string{"/metrics", "/readyz"} {
		for _, host := range []string{
			"127.0.0.1", "127.0.0.1:8000", "[::1]", "[::1]:8000", "192.168.1.5:8000", "localhost",
			"LOCALHOST:8000",
		} {
			if status := ask(path, host, ""); status != http.StatusOK {
				t.Errorf("%s at %s: %d", path, host, status)
			}
		}
		for _, host := range []string{
			"panel.example.org", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example:8000",
			"[::1].evil:1", "0x7f000001", "x",
		} {
			if status := ask(path, host, ""); status != http.StatusUnauthorized {
				t.Errorf("%s at %s: %d", path, host, status)
			}
			if status := ask(path, host, s.guest); status != http.StatusOK {
				t.Errorf("%s at %s with a token: %d", path, host, status)
			}
		}
	}
	if status := ask("/healthz", "panel.example.org", ""); status != http.StatusOK {
		t.Errorf("/healthz must not need a token: %d", status)
	}
}

func TestAnswersDisableSniffingAndCaching(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{
		"/api/v1/servers", "/api/v1/servers/<script>", "/api/v1/nothing", "/api/v1/openapi.json", "/healthz",
		"/readyz", "/metrics",
	} {
		for _, token := range []string{s.admin, "none"} {
			h := s.send(t, "GET", path, withToken(token), nil).header
			if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %v", path, h)
			}
		}
	}
}

// openapi.json is committed, so that each change of the description shows up in a diff.
func TestOpenAPIMatchesCommittedFile(t *testing.T) {
	raw, err := api.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var now bytes.Buffer
	if err := json.Indent(&now, raw, "", "  "); err != nil {
		t.Fatal(err)
	}
	now.WriteByte('\n')
	if *update {
		if err := os.WriteFile("openapi.json", now.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	published, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(published, now.Bytes()) {
		t.Error("api/openapi.json is out of date; run script/gen and review the diff")
	}
	s := newSite(t)
	a := s.call(t, "GET", "/api/v1/openapi.json", nil)
	if a.status != http.StatusOK || !bytes.Equal(a.body, raw) {
		t.Errorf("served: %d, and the body differs from the description", a.status)
	}
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct{ OperationID string }
	}
	a.into(t, &doc)
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("version %s", doc.OpenAPI)
	}
	seen := map[string]bool{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if op.OperationID == "" || seen[op.OperationID] {
				t.Errorf("%s %s: its id %q is missing or not unique", method, path, op.OperationID)
			}
			seen[op.OperationID] = true
		}
	}
	if len(seen) < 22 {
		t.Errorf("only %d operations", len(seen))
	}
}

func TestOpenAPINeedsNoToken(t *testing.T) {
	s := newSite(t)
	if a := s.send(t, "GET", "/api/v1/openapi.json", http.Header{}, nil); a.status != http.StatusOK ||
		a.header.Get("Content-Type") != "application/json" {
		t.Errorf("got status %d, %s", a.status, a.header)
	}
}
