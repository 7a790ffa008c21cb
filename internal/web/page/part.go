package page

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/a-h/templ"
)

// Piece is a component of a page.
type Piece interface {
	templ.Component
	parts() []*Part // the parts in the piece, from top to bottom
}

// Part is a piece that may change while the page is open. It renders one element, whose id is the id of
// the part.
type Part struct {
	id   string
	on   []Topic // topics that the part depends on
	html func(ctx context.Context) (templ.Component, error)
	Rows []*Part // rows of a list, which html contains; each is sent on its own when it changes

	costly bool // see Later
}

// NewPart returns a part whose component is already built.
func NewPart(id string, c templ.Component, on ...Topic) *Part {
	return LazyPart(id, func(context.Context) (templ.Component, error) { return c, nil }, on...)
}

// LazyPart returns a part whose component is built when it is rendered.
func LazyPart(id string, html func(context.Context) (templ.Component, error), on ...Topic) *Part {
	return &Part{id: id, on: on, html: html}
}

// Deferred returns a component that is built when it is first rendered. It is not safe for concurrent
// use.
func Deferred(read func(ctx context.Context) (templ.Component, error)) templ.Component {
	var c templ.Component
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) (err error) {
		if c == nil {
			if c, err = read(ctx); err != nil {
				return err
			}
		}
		return c.Render(ctx, w)
	})
}

// Later marks a part as expensive: its stream does not build it until one of its topics changes,
// because the answer to the request has just built it.
func (p *Part) Later() *Part {
	p.costly = true
	return p
}

func (p *Part) parts() []*Part { return []*Part{p} }

// Render writes the element of the part. An element without the part's id is an error, because an open
// page could not replace it.
func (p *Part) Render(ctx context.Context, w io.Writer) error {
	if ctx.Value(withoutParts{}) != nil {
		return nil
	}
	c, err := p.html(ctx)
	if err != nil {
		return err
	}
	buf := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	if err := c.Render(ctx, buf); err != nil {
		return err
	}
	tag, _, _ := bytes.Cut(buf.Bytes(), []byte(">"))
	if !bytes.Contains(tag, []byte(` id="`+p.id+`"`)) {
		return fmt.Errorf("part %s renders %s>", p.id, tag)
	}
	_, err = w.Write(buf.Bytes())
	return err
}

// depends reports whether the part depends on one of the changed topics.
func (p *Part) depends(on map[Topic]bool) bool {
	return slices.ContainsFunc(p.on, func(t Topic) bool { return on[t] })
}

// withoutParts is the context key with which parts render nothing.
type withoutParts struct{}

// group is a piece that contains other pieces.
type group struct {
	templ.Component
	in []Piece
}

func (g group) parts() (all []*Part) {
	for _, p := range g.in {
		all = append(all, p.parts()...)
	}
	return all
}

// Fixed returns a piece that never changes while a page is open, except for the pieces in it.
func Fixed(c templ.Component, in ...Piece) Piece { return group{summed(c), in} }

// Pieces returns a piece that renders pieces one after the other.
func Pieces(in ...Piece) Piece {
	return Fixed(templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		for _, p := range in {
			if err := p.Render(ctx, w); err != nil {
				return err
			}
		}
		return nil
	}), in...)
}

// Box returns a piece that renders pieces in an element with a class.
func Box(class string, in ...Piece) Piece { return Fixed(division(class, Pieces(in...)), in...) }

// Columns returns a piece that renders two columns.
func Columns(left, right Piece) Piece { return Box("columns", Box("", left), Box("", right)) }
