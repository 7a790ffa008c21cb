package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestSettingsHaveDefaults(t *testing.T) {
	s, err := readSettings(env(nil))
	if err != nil {
		t.Fatal(err)
	}
	if s.root != "/var/lib/left4me" || s.run != "/run/left4me" || s.listen != "127.0.0.1:8000" || s.supervisor != "auto" ||
		s.ports.Low != 27015 || s.ports.High != 27115 {
		t.Errorf("got %+v", s)
	}
}

func TestDownloadSettingsAreRead(t *testing.T) {
	s, err := readSettings(env(map[string]string{
		"LEFT4ME_DOWNLOAD_ALLOW": "127.0.0.1:8080, mirror.example:443",
		"LEFT4ME_DOWNLOAD_RATE":  "10M",
	}))
	if err != nil || len(s.downloads.Allow) != 2 || s.downloads.Rate != 10_000_000 {
		t.Errorf("got %+v, %v", s.downloads, err)
	}
}

func TestSocketsAreInRootUnlessDefault(t *testing.T) {
	s, err := readSettings(env(map[string]string{"LEFT4ME_ROOT": "/srv/games"}))
	if err != nil || s.run != "/srv/games/run" {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestReadSettingsNamesInvalidSetting(t *testing.T) {
	for name, values := range map[string][]string{
		"LEFT4ME_LISTEN":          {"8000", "localhost", "[::1"},
		"LEFT4ME_SUPERVISOR":      {"cron", "Systemd"},
		"LEFT4ME_RESERVE":         {"64", "64G", "-1M", "0M", "M"},
		"LEFT4ME_PORT_RANGE":      {"27015", "9-1", "0-70000", "80-90", "a-b", "27015-27020-27030"},
		"LEFT4ME_DOWNLOAD_ALLOW":  {"mirror", "http://mirror:80", "a:1,b"},
		"LEFT4ME_DOWNLOAD_RATE":   {"10", "fast", "0M", "-1M", "10MB", "1.5M"},
		"LEFT4ME_PUBLIC_URL":      {"panel.example.org", "ftp://x", "https://"},
		"LEFT4ME_SECRET_KEY_FILE": {filepath.Join(t.TempDir(), "none")},
	} {
		for _, v := range values {
			if _, err := readSettings(env(map[string]string{name: v})); err == nil || !strings.HasPrefix(err.Error(), name+": ") {
				t.Errorf("%s=%s: got error %v", name, v, err)
			}
		}
	}
}

func TestFromFileFillsInMissingSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "left4me.env")
	if err := os.WriteFile(file, []byte("# comment\n#LEFT4ME_RUN=/no\nLEFT4ME_ROOT=/srv/a\nLEFT4ME_LISTEN=\"127.0.0.1:1\"\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	getenv := fromFile(env(map[string]string{"LEFT4ME_ROOT": "/srv/b"}), file)
	if root, listen, run := getenv("LEFT4ME_ROOT"), getenv("LEFT4ME_LISTEN"), getenv("LEFT4ME_RUN"); root != "/srv/b" ||
		listen != "127.0.0.1:1" || run != "" {
		t.Errorf("got %q, %q, %q", root, listen, run)
	}
	if v := fromFile(env(map[string]string{"A": "b"}), file+".none")("A"); v != "b" {
		t.Errorf("got %q, want b", v)
	}
}

func TestSecureCookiesFollowPublicURL(t *testing.T) {
	for _, tt := range []struct {
		listen, public string
		want           bool
	}{
		{"127.0.0.1:8000", "", false},
		{"[::1]:8000", "", false},
		{"localhost:8000", "", false},
		{"0.0.0.0:8000", "", true},
		{":8000", "", true},
		{"127.0.0.1:8000", "https://panel.example.org", true},
		{"127.0.0.1:8000", "HTTPS://panel.example.org", true},
		{"0.0.0.0:8000", "http://panel.lan", false},
	} {
		s := settings{listen: tt.listen, publicURL: tt.public}
		if got := s.secureCookies(); got != tt.want {
			t.Errorf("%s, %q: got %v", tt.listen, tt.public, got)
		}
	}
}

// Without a public URL that uses HTTPS, browsers must be able to use the panel over HTTP.
func TestStrictTransportFollowsPublicURL(t *testing.T) {
	for public, want := range map[string]string{
		"": "", "http://panel.lan": "", "https://panel.example.org": "max-age=15552000", "HTTPS://panel.example.org": "max-age=15552000",
	} {
		s := settings{listen: "0.0.0.0:8000", publicURL: public}
		for _, path := range []string{"/login", "/api/v1/servers", "/metrics"} {
			w := httptest.NewRecorder()
			strictTransport(s, http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
			if got := w.Header().Get("Strict-Transport-Security"); got != want {
				t.Errorf("%q, %s: got %q", public, path, got)
			}
		}
	}
}
