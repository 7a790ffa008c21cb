package page

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"

	"github.com/a-h/templ"
)

// formPrefix is the prefix of the parameters in a stream's address that hold the digests of the page's
// forms.
const formPrefix = "form-"

// form is a piece with fields. An open page never replaces it, because that would discard what the user
// typed. Instead, a note above the form appears when the stored values change.
type form struct {
	id    string
	now   templ.Component // form with the stored values
	Typed templ.Component // form with the submitted values; nil to show now
	sent  bool            // the page answers a POST request, which did not save the submitted values
	note  *Part
	in    []Piece // parts in the form that may change while the page is open
}

// Form returns a piece for a form whose stored values depend on topics.
func (p *Panel) Form(r *http.Request, id string, now templ.Component, on ...Topic) *form {
	f := &form{id: id, now: now, sent: r.Method == http.MethodPost}
	f.note = LazyPart(id+"-changed", func(ctx context.Context) (templ.Component, error) {
		was, is := r.URL.Query().Get(formPrefix+f.id), ""
		if was != "" {
			var err error
			if is, err = f.digest(ctx); err != nil {
				return nil, err
			}
		}
		return formNote(f.note.id, was != is, again(r)), nil
	}, on...)
	return f
}

// Holds sets the pieces in the form that are replaced when they change.
func (f *form) Holds(in ...Piece) *form {
	f.in = in
	return f
}

// As makes the form show the submitted values.
func (f *form) As(typed templ.Component) *form {
	f.Typed = typed
	return f
}

func (f *form) parts() []*Part { return group{in: append([]Piece{f.note}, f.in...)}.parts() }

// Render writes the note about changed values and the form.
func (f *form) Render(ctx context.Context, w io.Writer) error {
	if err := f.note.Render(ctx, w); err != nil {
		return err
	}
	if f.Typed != nil {
		if f.sent {
			if err := unsavedMark().Render(ctx, w); err != nil {
				return err
			}
		}
		return summed(f.Typed).Render(ctx, w)
	}
	return f.now.Render(ctx, w)
}

// digest returns a digest of the stored values that stays the same when left4me restarts. Parts in the
// form are left out, because they are replaced when they change.
func (f *form) digest(ctx context.Context) (string, error) {
	html, err := fragment(context.WithValue(ctx, withoutParts{}, true), f.now)
	sum := sha256.Sum256(html)
	return base64.RawURLEncoding.EncodeToString(sum[:8]), err
}

// formsIn returns the forms among pieces, including nested ones.
func formsIn(all []Piece) (forms []*form) {
	for _, p := range all {
		switch p := p.(type) {
		case *form:
			forms = append(forms, p)
		case group:
			forms = append(forms, formsIn(p.in)...)
		}
	}
	return forms
}

// Form returns the form of a page by its id, and panics if the page has no such form.
func (v View) Form(id string) *form {
	for _, f := range formsIn(v.Body) {
		if f.id == id {
			return f
		}
	}
	panic("no form " + id)
}
