package help

import (
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/page"
)

const (
	repository = "https://github.com/left4me/left4me"
	apiFile    = "openapi.json"
)

// documents are the pages of docs/ for people who run left4me, by their names without .md.
var documents = []string{
	"install", "content", "settings", "import", "updates", "backup", "security", "troubleshooting", "upgrade", "cli", "api", "errors",
}

var (
	release = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^v?(\d+\.\d+\.\d+)$`) })
	commit  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?:^|-g|\+g)([0-9a-f]{7,40})$`) })
)

// reference returns the tag or commit of a version, as git describe prints it, or "main" if the version
// names neither.
func reference(version string) string {
	version = strings.TrimSuffix(version, "-dirty")
	if m := release().FindStringSubmatch(version); m != nil {
		return "v" + m[1]
	}
	if m := commit().FindStringSubmatch(version); m != nil {
		return m[1]
	}
	return "main"
}

// documentAddress returns the address of a document as it was in a version.
func documentAddress(version, name string) string {
	return repository + "/blob/" + reference(version) + "/docs/" + name + ".md"
}

// helpView returns the help page.
func (p *Pages) helpView(r *http.Request, who accounts.Actor) (page.View, error) {
	f := p.Panel.Frame(r, who, locale.T(r.Context(), "help.title"), "help")
	return page.View{Frame: f, Body: []page.Piece{
		page.Fixed(helpHead("help")),
		page.Box("columns", page.Box("", page.Fixed(documentation(f))), page.Box("", page.Fixed(about(f)), page.Fixed(page.Shortcuts(f)))),
	}}, nil
}

// glossaryView returns the glossary.
func (p *Pages) glossaryView(r *http.Request, who accounts.Actor) (page.View, error) {
	f := p.Panel.Frame(r, who, locale.T(r.Context(), "help.glossary"), "help")
	return page.View{Frame: f, Body: []page.Piece{page.Fixed(helpHead("glossary")), page.Fixed(glossary(terms(r.Context())))}}, nil
}
