package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

var assetPath = regexp.MustCompile(`"(/assets/[^"]+)"`)

// The sizes are those of the compressed answers.
func TestFirstPageIsSmall(t *testing.T) {
	s := newSite(t, false)
	for _, n := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		s.addServer(t, left4me.Name("server-"+n))
	}
	b := s.as(t, "admin")
	zip := []string{"Accept-Encoding", "gzip, deflate, br"}
	p := b.get("/servers", zip...)
	if p.header.Get("Content-Encoding") != "gzip" {
		t.Fatal("the page is not compressed")
	}
	total, scripts := len(p.body), 0
	found := assetPath.FindAllStringSubmatch(unzip(t, p.body), -1)
	if len(found) != 4 {
		t.Fatalf("got assets %v, want 4", found)
	}
	for _, m := range found {
		a := b.get(m[1], zip...)
		a.has(t, http.StatusOK)
		if c := a.header.Get("Cache-Control"); !strings.Contains(c, "immutable") || !strings.Contains(c, "max-age=31536000") ||
			a.header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%s: got headers %v", m[1], a.header)
		}
		total += len(a.body)
		if strings.HasSuffix(m[1], ".js") {
			scripts += len(a.body)
		}
		if plain := b.get(m[1]); plain.header.Get("Content-Encoding") != "" || plain.body != unzip(t, a.body) {
			t.Errorf("%s: the uncompressed answer is compressed or differs", m[1])
		}
	}
	t.Logf("got a first page of %d bytes in all, %d of them scripts", total, scripts)
	if total > 60_000 || scripts > 35_000 {
		t.Errorf("got a first page of %d bytes, want at most 60,000; %d of them scripts, want at most 35,000", total, scripts)
	}
}

func TestUnknownAssetIsNotFound(t *testing.T) {
	s := newSite(t, false)
	for _, path := range []string{"/assets/panel.js", "/assets/..%2fweb.go", "/assets/none"} {
		s.browser(t).get(path).has(t, http.StatusNotFound)
	}
}

func unzip(t *testing.T, s string) string {
	t.Helper()
	z := must(gzip.NewReader(strings.NewReader(s)))(t)
	return string(must(io.ReadAll(z))(t))
}
