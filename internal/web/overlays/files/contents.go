package files

import (
	"cmp"
	"context"
	"net/http"
	"path"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/filelist"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/page"
)

// contentsView returns the page with the files of an overlay: a directory or the files that
// match a query.
func (p *Pages) contentsView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	o, err := p.Overlay.Page(r, who, name, "contents")
	if err != nil {
		return page.View{}, err
	}
	rev, err := overlay.WantedRevision(r)
	if err != nil {
		return page.View{}, err
	}
	files := page.LazyPart("overlay-files", func(ctx context.Context) (templ.Component, error) {
		q := r.URL.Query()
		var v filelist.View
		err := p.Overlay.Read(ctx, &o, func(o overlay.Page) (err error) {
			v = filelist.View{
				Revision: cmp.Or(rev, o.Content.Current),
				Base:     page.OverlayPath(o.Name),
			}
			v.Current = v.Revision == o.Content.Current
			if v.Revision > 0 && !o.Aside() {
				err = v.Read(q, func(f left4me.Filter) (left4me.Page[left4me.TreeFile], error) {
					return p.Overlays.Revisions().Tree(ctx, o.Name, v.Revision, f)
				})
			}
			if e, ok := page.Public(who, err); ok && e.Kind == left4me.Unavailable {
				v.Problem, err = format.ErrorLine(r.Context(), e), nil
			}
			return err
		})
		return overlayFiles(o, v), err
	}, page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun()))
	return p.Overlay.View(r, who, o, files), nil
}

// fileName returns the name of a file in a list: its base name in a directory, its path in
// the results of a query.
func fileName(v filelist.View, t left4me.TreeFile) string {
	if v.Query != "" {
		return t.Path
	}
	return path.Base(t.Path)
}

// newFileIn returns the suggested path of a new text file in a directory. A file cannot be
// created inside a VPK, so the suggestion there is the configuration directory, as it is for a
// directory that the user did not open.
func newFileIn(v filelist.View) string {
	dir := v.Dir
	if file, _ := filelist.SplitVPK(dir + "/"); dir == "" || v.Skipped || file != dir+"/" {
		return "left4dead2/cfg/new.cfg"
	}
	return dir + "/new.cfg"
}
