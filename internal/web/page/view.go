package page

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"

	"github.com/left4me/left4me/internal/control/accounts"
)

// View is a page as it is now. All of a page comes from its pieces: the answer to a
// request as well as what its stream of events sends later. So nothing that is on a
// page can be missing from its stream.
type View struct {
	Frame
	At       string // address without query, where that is not the one that was asked for
	Body     []Piece
	Feeds    []Feed // of events that are no part of the page
	Pictures bool   // of the workshop
}

// parts are all parts of a page.
func (v View) parts() []*Part { return group{in: v.Body}.parts() }

// depends reports whether anything on a page may be another after some news.
func (v View) depends(on map[Topic]bool) bool {
	return slices.ContainsFunc(v.parts(), func(p *Part) bool {
		return p.depends(on) || slices.ContainsFunc(p.Rows, func(row *Part) bool { return row.depends(on) })
	})
}

// Builder makes a page for a request: the one for the page, or the one for its
// stream, which has the same path values and the same query. What is expensive
// belongs into parts, which are made only when they may be new. Errors:
// left4me.NotFound when what the page is about is gone.
type Builder func(r *http.Request, who accounts.Actor) (View, error)

// Show answers with a page.
func (p *Panel) Show(w http.ResponseWriter, r *http.Request, status int, v View) error {
	if v.Pictures {
		allowPictures(w)
	}
	full := p.fullPart(v.Who)
	query := url.Values{}
	for key, values := range r.URL.Query() {
		query[key] = values
	}
	for _, f := range formsIn(v.Body) {
		sum, err := f.digest(r.Context())
		if err != nil {
			return err
		}
		query.Set(formPrefix+f.id, sum)
	}
	v.Stream = cmp.Or(v.At, PagePath(r)) + "/live"
	if len(query) > 0 {
		v.Stream += "?" + query.Encode()
	}
	return p.Render(w, r, status, layout(v.Frame, full, Pieces(v.Body...)))
}
