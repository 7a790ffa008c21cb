package web_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

func TestHelpShowsVersionAndDocuments(t *testing.T) {
	s := newSite(t, false)
	p := s.as(t, "guest").get("/help")
	p.has(t, http.StatusOK, `<dd id="version">1.2.3</dd>`, "/usr/share/doc/left4me", `id="shortcuts"`, `href="/help/glossary"`)
	links := regexp.MustCompile(`href="https://github.com/left4me/left4me/blob/v1.2.3/docs/([^"]+)"`).FindAllStringSubmatch(p.body, -1)
	if len(links) < 10 {
		t.Errorf("got %d documents", len(links))
	}
	for _, m := range links {
		if _, err := os.Stat("../../docs/" + m[1]); err != nil {
			t.Error(err)
		}
	}
	if !strings.Contains(s.browser(t).get("/help").header.Get("Location"), "/login") {
		t.Error("the help page requires no login")
	}
}

// The package contains the documents that the help page names.
func TestPackageContainsDocuments(t *testing.T) {
	s := newSite(t, false)
	script := string(must(os.ReadFile("../../script/package"))(t))
	m := regexp.MustCompile(`for text in ([a-z -]+); do`).FindStringSubmatch(script)
	if m == nil {
		t.Fatal("script/package lists no documents")
	}
	packaged := strings.Fields(m[1])
	for _, link := range regexp.MustCompile(`/docs/([a-z-]+)\.md"`).FindAllStringSubmatch(s.as(t, "admin").get("/help").body, -1) {
		if !strings.Contains(" "+strings.Join(packaged, " ")+" ", " "+link[1]+" ") {
			t.Errorf("script/package leaves out %s", link[1])
		}
	}
}

func TestGlossaryExplainsTerms(t *testing.T) {
	s := newSite(t, false)
	b := s.as(t, "guest")
	p := b.get("/help/glossary")
	for _, id := range []string{
		"overlay", "layer", "blueprint", "revision", "build", "rollout", "host", "server", "campaign", "chapter", "a2s", "rcon", "vpk",
		"workshop",
	} {
		p.has(t, http.StatusOK, `id="`+id+`"`)
	}
	p.has(t, http.StatusOK, `<ol class="layers"`)
	if strings.Contains(p.body, "help.term.") {
		t.Error("a term has no text")
	}
	s.overlay(t, left4me.Overlay{Name: "plugins", Kind: left4me.FilesOverlay})
	b.get("/overlays").has(t, http.StatusOK, `href="/help/glossary#overlay"`)
}

// The key g and a letter open pages that the user may see, and the help page lists them.
func TestShortcutsOpenPagesThatUserMaySee(t *testing.T) {
	s := newSite(t, false)
	for user, hidden := range map[string][]string{"admin": nil, "guest": {"h", "u"}} {
		b := s.as(t, user)
		help := b.get("/help").body
		m := regexp.MustCompile(`data-go="([^"]+)"`).FindStringSubmatch(help)
		if m == nil {
			t.Fatal("the page has no shortcuts")
		}
		pages := map[string]string{}
		if err := json.Unmarshal([]byte(strings.ReplaceAll(m[1], "&#34;", `"`)), &pages); err != nil {
			t.Fatal(err)
		}
		for key, to := range pages {
			b.get(to).has(t, http.StatusOK)
			if path.Clean(to) != to || !strings.Contains(help, "<kbd>g</kbd> <kbd>"+key+"</kbd>") {
				t.Errorf("%s: g %s opens %q, or the help page does not list it", user, key, to)
			}
		}
		for _, key := range hidden {
			if to, ok := pages[key]; ok {
				t.Errorf("%s: g %s opens %s", user, key, to)
			}
		}
		if len(pages)+len(hidden) < 9 {
			t.Errorf("%s: got pages %v", user, pages)
		}
	}
}
