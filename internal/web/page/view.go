package page

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"

	"github.com/left4me/left4me/internal/control/accounts"
)

// View is the current state of a page. Both the answer to a request and the later events of its stream
// are rendered from the same pieces, so that nothing on a page can be missing from its stream.
type View struct {
	Frame
	At       string // address without query, if it differs from that of the request
	Body     []Piece
	Feeds    []Feed // sources of events besides the parts of the page
	Pictures bool   // the page shows pictures of workshop items
}

// parts returns all parts of a page.
func (v View) parts() []*Part { return group{in: v.Body}.parts() }

// depends reports whether a part of the page depends on one of the changed topics.
func (v View) depends(on map[Topic]bool) bool {
	return slices.ContainsFunc(v.parts(), func(p *Part) bool {
		return p.depends(on) || slices.ContainsFunc(p.Rows, func(row *Part) bool { return row.depends(on) })
	})
}

// Builder returns the page for a request of the page or of its stream, which have the same path values
// and query. Expensive work belongs into lazy parts, which are only built if their topics changed.
// Errors: left4me.NotFound if the page's object does not exist.
type Builder func(r *http.Request, who accounts.Actor) (View, error)

// Show answers a request with a page.
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
