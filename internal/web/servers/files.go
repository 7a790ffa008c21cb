package servers

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/filelist"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// seenFiles is a page of the files in the merged layers of a server, or in its writable layer.
type seenFiles struct {
	filelist.View
	Written  bool // whether the list is of the writable layer
	Down     bool // whether nothing is mounted, which discarding files requires
	Overlays []left4me.Name
	Refusal  string // why an action was refused
	Chosen   []string
}

// address returns the path of a page of the server, such as /files.
func (s serverPage) address(what string) string { return "/servers/" + string(s.Name) + what }

// filesView shows the merged layers of a server, or its writable layer. left4me does not learn
// when the game writes files, so the page updates only on other changes.
func (p *files) filesView(written bool) builder {
	return func(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
		return p.filesWith(r, who, name, written, seenFiles{})
	}
}

func (p *files) filesWith(
	r *http.Request, who accounts.Actor, name left4me.Name, written bool, chosen seenFiles,
) (page.View, error) {
	s, err := p.pages.serverPage(r, who, name, "files")
	if err != nil {
		return page.View{}, err
	}
	list := page.LazyPart("server-files", func(ctx context.Context) (templ.Component, error) {
		v, err := p.seenFiles(ctx, r.URL.Query(), s, written)
		v.Chosen = chosen.Chosen
		return seenList(s, v), err
	}, page.OnRun(s.Name), page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun()), page.OnEnds("server"))
	return p.pages.serverView(r, who, s, page.Fixed(filesHead(s, written)), page.Fixed(page.Refusal(chosen.Refusal)), list), nil
}

// seenFiles reads the files that the query of a URL selects.
func (p *files) seenFiles(ctx context.Context, q url.Values, s serverPage, written bool) (seenFiles, error) {
	v := seenFiles{Written: written, Down: s.Status.State == left4me.Stopped || s.Status.State == left4me.Failed}
	v.View = filelist.View{
		Current: true,
		Base:    s.address("/files"),
	}
	if written {
		v.Base = s.address("/written")
	}
	err := v.Read(q, func(f left4me.Filter) (left4me.Page[left4me.TreeFile], error) {
		if written {
			f.Deep = true
			return p.pages.Servers.Files().Written(ctx, s.Name, f)
		}
		return p.pages.Servers.Files().List(ctx, s.Name, f)
	})
	if e, ok := page.Public(s.who, err); ok && (e.Kind == left4me.Unavailable || e.Kind == left4me.NotFound && v.Dir == "") {
		v.Problem, err = format.ErrorLine(ctx, e), nil
	}
	if err != nil || !written || !s.May(accounts.Content).Act {
		return v, err
	}
	v.Overlays, err = p.filesOverlays(ctx, s.who)
	return v, err
}

func commas(names []string) string { return strings.Join(names, ", ") }
