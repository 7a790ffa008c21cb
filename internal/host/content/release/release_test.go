package release_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/host/content/download"
	"github.com/left4me/left4me/internal/host/content/release"
	"github.com/left4me/left4me/internal/left4me"
)

// answer is a response of GitHub, reduced to the fields that are used and a few others.
const answer = `{"url": "https://api.github.com/repos/o/n/releases/1", "tag_name": "v1.2", "draft": false, "assets": [
	{"name": "n-linux.zip", "state": "uploaded", "size": 10, "digest": "sha256:` + sum +
	`", "browser_download_url": "https://github.com/o/n/releases/download/v1.2/n-linux.zip"},
	{"name": "n-windows.zip", "state": "uploaded", "size": 11, "digest": null, "browser_download_url": "https://github.com/o/n/releases/download/v1.2/n-windows.zip"},
	{"name": "n-mac.zip", "state": "open", "size": 0, "browser_download_url": ""}]}`

const sum = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// github starts a substitute for GitHub's API.
func github(t *testing.T, h http.HandlerFunc) (string, *download.Client) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := download.New(download.Options{Allow: []string{strings.TrimPrefix(s.URL, "http://")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return s.URL, c
}

func TestFindAssetsByPattern(t *testing.T) {
	var asked []string
	api, client := github(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.EscapedPath())
		fmt.Fprint(w, answer)
	})
	r, err := release.Find(t.Context(), api, client, left4me.Release{Repository: "o/n", Asset: "n-l*.zip"})
	if err != nil || r.Tag != "v1.2" || len(r.Assets) != 1 || r.Assets[0].Sum != "sha256:"+sum || r.Assets[0].Size != 10 {
		t.Errorf("Find = %+v, %v", r, err)
	}
	if text, sure := r.Origin(); text != "v1.2 n-linux.zip (sha256:0123456789ab)" || !sure {
		t.Errorf("Origin = %q, %v", text, sure)
	}
	r, err = release.Find(t.Context(), api, client, left4me.Release{Repository: "o/n", Tag: "a/b c", Asset: "x"})
	if !errors.Is(err, left4me.Invalid) {
		t.Errorf("ambiguous asset: %+v, %v", r, err)
	}
	r, err = release.Find(t.Context(), api, client, left4me.Release{Repository: "o/n", Tag: "rel/1", Asset: "n-*.zip"})
	if text, sure := r.Origin(); err != nil || len(r.Assets) != 2 || sure ||
		text != "v1.2 n-linux.zip (sha256:0123456789ab) n-windows.zip" {
		t.Errorf("without a checksum: %q, %v, %v", text, sure, err)
	}
	if got := strings.Join(asked, " "); got != "/repos/o/n/releases/latest /repos/o/n/releases/tags/rel%2F1" {
		t.Errorf("requested paths = %q", got)
	}
	_, err = release.Find(t.Context(), api, client, left4me.Release{Repository: "o/n", Asset: "*.7z"})
	if !errors.Is(err, left4me.NotFound) || !strings.Contains(err.Error(), "n-linux.zip, n-mac.zip, n-windows.zip") {
		t.Error(err)
	}
}

func TestGitHubFailuresHaveCause(t *testing.T) {
	reset := time.Now().Add(30 * time.Minute)
	for want, h := range map[string]http.HandlerFunc{
		"no public repository o/n": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) },
		"until " + reset.UTC().Format("15:04 MST"): func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-RateLimit-Remaining", "0")
			w.Header().Set("X-RateLimit-Reset", fmt.Sprint(reset.Unix()))
			w.WriteHeader(403)
			fmt.Fprint(w, `{"message": "API rate limit exceeded for 192.0.2.1."}`)
		},
		"request limit for this host is used up": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "600")
			w.WriteHeader(429)
		},
		"GitHub answered with the HTTP status 403": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) },
		"GitHub answered with the HTTP status 500": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"left4me cannot read":                      func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"the connection to GitHub was lost": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, "{")
		},
		"has no assets": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"tag_name": "v1"}`) },
		"without a valid download address": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"tag_name": "v1", "assets": [{"name": "..", "state": "uploaded", "size": 1, "browser_download_url": "x"}]}`)
		},
	} {
		api, client := github(t, h)
		_, err := release.Find(t.Context(), api, client, left4me.Release{Repository: "o/n", Asset: "*"})
		if _, public := left4me.Public(err); !public || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestCheckRejectsInvalidReleases(t *testing.T) {
	for _, r := range []left4me.Release{
		{Repository: "o", Asset: "*"},
		{Repository: "o/n/x", Asset: "*"},
		{Repository: "../..", Asset: "*"},
		{Repository: "o/..", Asset: "*"},
		{Repository: "o/n?x", Asset: "*"},
		{Repository: "o/n"},
		{Repository: "o/n", Asset: "["},
		{Repository: "o/n", Asset: "a/b"},
		{Repository: "o/n", Asset: "*", Tag: "../x"},
		{Repository: "o/n", Asset: "*", Tag: "a\nb"},
	} {
		if err := release.Check(r); !errors.Is(err, left4me.Invalid) {
			t.Errorf("Check(%+v) = %v, want Invalid", r, err)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(answer))
	f.Add([]byte(`{"tag_name": "v1", "assets": [{"name": "a/b", "state": "uploaded", "size": -1}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := release.Read(left4me.Release{Repository: "o/n", Asset: "*"}, b)
		if err != nil {
			return
		}
		for _, a := range r.Assets {
			if a.Size <= 0 || strings.ContainsAny(a.Name, "/\x00\n") || a.Name == ".." || a.Name == "." || a.Name == "" {
				t.Errorf("invalid asset: %+v", a)
			}
		}
	})
}
