package page

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"

	"github.com/a-h/templ"
)

// formPrefix begins the parameters of a stream that say which forms a page has.
const formPrefix = "form-"

// form is a piece with fields. What people type in it stays: it is never replaced.
// Instead a note above says that it has changed since the page was made.
type form struct {
	id    string
	now   templ.Component // as it is for somebody who has typed nothing
	Typed templ.Component // as it is shown; nil: as it is
	note  *Part
	in    []Piece // that change while the page is open
}

// Form makes a piece of a form.
func (p *Panel) Form(r *http.Request, id string, now templ.Component, on ...Topic) *form {
	f := &form{id: id, now: now}
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

// Holds names the pieces in a form that are replaced when they change.
func (f *form) Holds(in ...Piece) *form {
	f.in = in
	return f
}

// As shows the form as it was typed.
func (f *form) As(typed templ.Component) *form {
	f.Typed = typed
	return f
}

func (f *form) parts() []*Part { return group{in: append([]Piece{f.note}, f.in...)}.parts() }

// Render writes the note and the form.
func (f *form) Render(ctx context.Context, w io.Writer) error {
	if err := f.note.Render(ctx, w); err != nil {
		return err
	}
	if f.Typed != nil {
		return summed(f.Typed).Render(ctx, w)
	}
	return f.now.Render(ctx, w)
}

// digest tells forms apart, also over restarts of left4me. Parts in the form are
// not counted: they are replaced.
func (f *form) digest(ctx context.Context) (string, error) {
	html, err := fragment(context.WithValue(ctx, withoutParts{}, true), f.now)
	sum := sha256.Sum256(html)
	return base64.RawURLEncoding.EncodeToString(sum[:8]), err
}

// formsIn are the forms in a page, also those in other pieces.
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

// Form returns the form of a page by its id.
func (v View) Form(id string) *form {
	for _, f := range formsIn(v.Body) {
		if f.id == id {
			return f
		}
	}
	panic("no form " + id)
}
