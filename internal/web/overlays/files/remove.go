package files

import (
	"net/http"
	"strconv"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/filelist"
	"github.com/left4me/left4me/internal/web/page"
)

// removeView returns the page that asks for confirmation before a file is removed.
func (p *Pages) removeView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	return p.removeWith(r, who, name, r.FormValue("path"), "")
}

// removeWith returns the form that removes a file. The form names the current revision, so
// that sending it fails if a newer revision was published in the meantime.
func (p *Pages) removeWith(r *http.Request, who accounts.Actor, name left4me.Name, file, problem string) (page.View, error) {
	o, err := p.Overlay.Page(r, who, name, "contents")
	if err != nil {
		return page.View{}, err
	}
	if file == "" || o.Kind != left4me.FilesOverlay {
		return page.View{}, page.ErrNoPage
	}
	v := filelist.View{Revision: o.Content.Current, Current: true, Base: page.OverlayPath(o.Name)}
	return page.View{Frame: p.Panel.Frame(r, who, locale.T(r.Context(), "overlays.remove.page"), "overlays"), Body: []page.Piece{
		p.Panel.Form(r, "remove", removeFile(o, v, file, problem), page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun())),
	}}, nil
}

// removeFiles starts a job that builds a revision without a file.
func (p *Pages) removeFiles(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	o, err := p.Overlay.Page(r, who, name, "contents")
	if err != nil {
		return err
	}
	file := r.FormValue("path")
	base, err := strconv.Atoi(r.FormValue("base"))
	if err != nil {
		return page.ErrNoPage
	}
	note := locale.T(r.Context(), "overlays.remove.note", "path", file)
	_, err = p.Overlays.Build(r.Context(), who.Cause(), o.Name,
		overlays.Request{Note: note, Change: &left4me.Change{Delete: []string{file}, Base: base}})
	if wrong, ok := page.ProblemsOf(r.Context(), who, err); ok {
		v, err := p.removeWith(r, who, name, file, wrong.All())
		if err != nil {
			return err
		}
		v.At = page.OverlayPath(o.Name)
		return p.Panel.Show(w, r, http.StatusConflict, v)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, page.OverlayPath(o.Name), http.StatusSeeOther)
	return nil
}
