package page

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/a-h/templ"
)

// Piece is something on a page.
type Piece interface {
	templ.Component
	parts() []*Part // in it, from top to bottom
}

// Part is a piece that changes while the page is open. It renders one element, and
// the id of the part is the id of that element.
type Part struct {
	id   string
	on   []Topic // what it depends on
	html func(ctx context.Context) (templ.Component, error)
	Rows []*Part // of a list: parts of their own, which html holds

	costly bool // see Later
}

// NewPart is a part that shows what the builder has read.
func NewPart(id string, c templ.Component, on ...Topic) *Part {
	return LazyPart(id, func(context.Context) (templ.Component, error) { return c, nil }, on...)
}

// LazyPart is a part that reads what it shows.
func LazyPart(id string, html func(context.Context) (templ.Component, error), on ...Topic) *Part {
	return &Part{id: id, on: on, html: html}
}

// Deferred is a component that is read when it is rendered, once.
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

// Later lets what the page was answered with count until there is news: reading it
// for the page and again for its stream would take too long.
func (p *Part) Later() *Part {
	p.costly = true
	return p
}

func (p *Part) parts() []*Part { return []*Part{p} }

// Render writes the element of the part. An element without the id of its part
// could never be replaced: that is an error.
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

// depends reports whether the part may be another after some news.
func (p *Part) depends(on map[Topic]bool) bool {
	return slices.ContainsFunc(p.on, func(t Topic) bool { return on[t] })
}

// withoutParts is the key of a context in which parts render nothing.
type withoutParts struct{}

// group is a piece of pieces.
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

// Fixed is a piece that never changes while a page is open, but for the pieces that
// it holds.
func Fixed(c templ.Component, in ...Piece) Piece { return group{summed(c), in} }

// Pieces are some in a row.
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

// Box is pieces in an element of a class.
func Box(class string, in ...Piece) Piece { return Fixed(division(class, Pieces(in...)), in...) }

// Columns are two columns with pieces.
func Columns(left, right Piece) Piece { return Box("columns", Box("", left), Box("", right)) }
