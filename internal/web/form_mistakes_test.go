package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

var summaryLink = regexp.MustCompile(`(?s)<section class="card mistakes".*?</section>`)

// wrongForm is a submitted form with invalid values.
type wrongForm struct {
	path  string
	sent  []string // alternating fields and values
	wrong []string // ids of the invalid fields, in the order of the form
	typed []string // texts of the page that show the submitted values
}

var wrongForms = []wrongForm{
	{
		"/servers/new",
		[]string{
			"name", "No Way", "port", "27015", "blueprint", "none", "map", "a b", "max_players", "many", "motd", "kept\x01",
			"overlay", "nothere", "overlay", "al so",
		},
		[]string{"name", "port", "blueprint", "overlay-0", "map", "max_players", "motd"},
		[]string{`value="No Way"`, `value="a b"`, `value="many"`, `value="nothere"`},
	},
	{
		"/servers/alpha/settings",
		[]string{"version", "1", "port", "27016", "tick", "often", "hostname", "typed text", "cfg", "ok\nquit\nexit"},
		[]string{"port", "tick", "cfg"},
		[]string{`value="27016"`, `value="often"`, `value="typed text"`, "ok\nquit\nexit", "line 2: ", "line 3: "},
	},
	{"/servers/alpha/rename", []string{"name", "No Way"}, []string{"name"}, []string{`value="No Way"`}},
	{
		"/blueprints/new",
		[]string{"name", "versus", "max_players", "many", "tags", "a b\x01", "overlay", "nothere"},
		[]string{"name", "overlay-0", "max_players", "tags"},
		[]string{`value="versus"`, `value="many"`},
	},
	{
		"/blueprints/versus",
		[]string{"version", "1", "cfg", "quit", "tick", "often", "max_players", "many"},
		[]string{"max_players", "tick", "cfg"},
		[]string{`value="often"`, `value="many"`},
	},
	{"/overlays/maps/rename", []string{"name", "No Way"}, []string{"name"}, []string{`value="No Way"`}},
	{"/blueprints/versus/rename", []string{"name", "No Way"}, []string{"name"}, []string{`value="No Way"`}},
	{
		"/overlays/new",
		[]string{
			"kind", "workshop", "name", "No Way", "items", "not an item!", "hours", "24", "at", "noon", "names", "id", "restart",
			"never",
		},
		[]string{"name", "items", "at"},
		[]string{`value="No Way"`, "not an item!"},
	},
	{
		"/overlays/code/settings",
		[]string{"version", "1", "url", "nowhere", "subdir", "../..", "cfg", "quit", "hours", "0", "restart", "never"},
		[]string{"url", "subdir", "cfg"},
		[]string{`value="nowhere"`},
	},
	{
		"/game/policy",
		[]string{"check_hours", "9999", "update_at", "noon", "restart", "never"},
		[]string{"check_hours", "update_at"},
		[]string{"9999"},
	},
	{
		"/backups/policy",
		[]string{"at", "noon", "daily", "many", "weekly", "-1"},
		[]string{"at", "daily", "weekly"},
		[]string{`value="many"`, `value="-1"`},
	},
	{
		"/users",
		[]string{"name", "no way", "password", "short", "role", "viewer"},
		[]string{"name", "password"},
		[]string{`value="no way"`},
	},
	{"/account/tokens", []string{"label", "", "expires", "30"}, []string{"label"}, nil},
	{"/account/password", []string{"current_password", password, "password", "short", "again", "short"}, []string{"password"}, nil},
}

// A rejected form lists all invalid fields at the top, links to each, and focuses the first. The typed
// values are kept, and reloading the address shows a page.
func TestRejectedFormLinksToInvalidFields(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	s.addServer(t, "beta")
	s.withConfig(t)
	s.has(t, installed)
	must(s.content.Blueprints().Create(t.Context(), left4me.ByUser("tester"), left4me.Blueprint{Name: "versus"}))(t)
	s.overlay(t, friday)
	must(s.content.Create(t.Context(), left4me.ByUser("admin"),
		left4me.Overlay{Name: "code", Kind: left4me.GitOverlay, Git: &left4me.Git{URL: "https://example.org/a.git"}}))(t)
	b := s.as(t, "admin")
	for _, c := range wrongForms {
		c.check(t, b)
	}
}

// check submits the form and checks the list of mistakes in the answer.
func (c wrongForm) check(t *testing.T, b *browser) {
	t.Helper()
	p := b.post(c.path, c.sent...)
	if p.status != http.StatusUnprocessableEntity && p.status != http.StatusConflict {
		t.Errorf("%s: got status %d\n%s", c.path, p.status, p.body)
		return
	}
	p.has(t, p.status, c.typed...)
	summary := summaryLink.FindString(p.body)
	var led []string
	for _, m := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(summary, -1) {
		led = append(led, m[1])
		if strings.Count(p.body, ` id="`+m[1]+`"`) != 1 {
			t.Errorf("%s: %d elements have the id %s", c.path, strings.Count(p.body, ` id="`+m[1]+`"`), m[1])
		}
	}
	if strings.Join(led, " ") != strings.Join(c.wrong, " ") {
		t.Errorf("%s: the summary links to %q, want %q\n%s", c.path, led, c.wrong, summary)
	}
	if len(led) > 0 && (strings.Count(p.body, " autofocus") != 1 || !strings.Contains(p.body, ` id="`+led[0]+`" autofocus`)) {
		t.Errorf("%s: %s does not have the focus", c.path, led[0])
	}
	for _, id := range led {
		if folded(p.body, id) {
			t.Errorf("%s: %s is in a collapsed section", c.path, id)
		}
	}
	begins(t, c.path, p.body, b.stream(streamOf(t, p)))
	again := b.get(c.path)
	if again.status == http.StatusSeeOther {
		again = b.get(again.header.Get("Location"))
	}
	if again.status != http.StatusOK {
		t.Errorf("%s: got status %d after a reload", c.path, again.status)
	}
}

// folded reports whether the element with the id is inside a closed details element.
func folded(body, id string) bool {
	before, _, _ := strings.Cut(body, ` id="`+id+`"`)
	for {
		i := strings.LastIndex(before, "<details")
		if i < 0 {
			return false
		}
		tag, rest, _ := strings.Cut(before[i:], ">")
		if strings.Count(rest, "<details") >= strings.Count(rest, "</details") && !strings.Contains(tag, " open") &&
			!strings.Contains(rest, "</details>") {
			return true
		}
		before = before[:i]
	}
}
