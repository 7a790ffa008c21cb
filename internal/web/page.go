package web

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	lookPause  = 200 * time.Millisecond // between two looks at what is new, however much happens
	lookAtDisk = 500 * time.Millisecond
)

// view is a page as it is now. All of a page comes from its pieces: the answer to a
// request as well as what its stream of events sends later. So nothing that is on a
// page can be missing from its stream.
type view struct {
	frame
	at       string // address without query, where that is not the one that was asked for
	body     []piece
	feeds    []feed // of events that are no part of the page
	pictures bool   // of the workshop
}

// parts are all parts of a page.
func (v view) parts() []*part { return group{in: v.body}.parts() }

// depends reports whether anything on a page may be another after some news.
func (v view) depends(on map[topic]bool) bool {
	return slices.ContainsFunc(v.parts(), func(p *part) bool {
		return p.depends(on) || slices.ContainsFunc(p.rows, func(row *part) bool { return row.depends(on) })
	})
}

// builder makes a page for a request: the one for the page, or the one for its
// stream, which has the same path values and the same query. What is expensive
// belongs into parts, which are made only when they may be new. Errors:
// left4me.NotFound when what the page is about is gone.
type builder func(r *http.Request, who accounts.Actor) (view, error)

// piece is something on a page.
type piece interface {
	templ.Component
	parts() []*part // in it, from top to bottom
}

// part is a piece that changes while the page is open. It renders one element, and
// the id of the part is the id of that element.
type part struct {
	id   string
	on   []topic // what it depends on
	html func(ctx context.Context) (templ.Component, error)
	rows []*part // of a list: parts of their own, which html holds

	costly bool // see later
}

// showing is a part that shows what the builder has read.
func showing(id string, c templ.Component, on ...topic) *part {
	return lazy(id, func(context.Context) (templ.Component, error) { return c, nil }, on...)
}

// lazy is a part that reads what it shows.
func lazy(id string, html func(context.Context) (templ.Component, error), on ...topic) *part {
	return &part{id: id, on: on, html: html}
}

// deferred is a component that is read when it is rendered, once.
func deferred(read func(ctx context.Context) (templ.Component, error)) templ.Component {
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

// later lets what the page was answered with count until there is news: reading it
// for the page and again for its stream would take too long.
func (p *part) later() *part {
	p.costly = true
	return p
}

func (p *part) parts() []*part { return []*part{p} }

// Render writes the element of the part. An element without the id of its part
// could never be replaced: that is an error.
func (p *part) Render(ctx context.Context, w io.Writer) error {
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
func (p *part) depends(on map[topic]bool) bool {
	return slices.ContainsFunc(p.on, func(t topic) bool { return on[t] })
}

// withoutParts is the key of a context in which parts render nothing.
type withoutParts struct{}

// group is a piece of pieces.
type group struct {
	templ.Component
	in []piece
}

func (g group) parts() (all []*part) {
	for _, p := range g.in {
		all = append(all, p.parts()...)
	}
	return all
}

// fixed is a piece that never changes while a page is open, but for the pieces that
// it holds.
func fixed(c templ.Component, in ...piece) piece { return group{summed(c), in} }

// pieces are some in a row.
func pieces(in ...piece) piece {
	return fixed(templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		for _, p := range in {
			if err := p.Render(ctx, w); err != nil {
				return err
			}
		}
		return nil
	}), in...)
}

// box is pieces in an element of a class.
func box(class string, in ...piece) piece { return fixed(division(class, pieces(in...)), in...) }

// columns are two columns with pieces.
func columns(left, right piece) piece { return box("columns", box("", left), box("", right)) }

// formPrefix begins the parameters of a stream that say which forms a page has.
const formPrefix = "form-"

// form is a piece with fields. What people type in it stays: it is never replaced.
// Instead a note above says that it has changed since the page was made.
type form struct {
	id    string
	now   templ.Component // as it is for somebody who has typed nothing
	typed templ.Component // as it is shown; nil: as it is
	note  *part
	in    []piece // that change while the page is open
}

// form makes a piece of a form.
func (p *panel) form(r *http.Request, id string, now templ.Component, on ...topic) *form {
	f := &form{id: id, now: now}
	f.note = lazy(id+"-changed", func(ctx context.Context) (templ.Component, error) {
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

// holds names the pieces in a form that are replaced when they change.
func (f *form) holds(in ...piece) *form {
	f.in = in
	return f
}

// as shows the form as it was typed.
func (f *form) as(typed templ.Component) *form {
	f.typed = typed
	return f
}

func (f *form) parts() []*part { return group{in: append([]piece{f.note}, f.in...)}.parts() }

// Render writes the note and the form.
func (f *form) Render(ctx context.Context, w io.Writer) error {
	if err := f.note.Render(ctx, w); err != nil {
		return err
	}
	if f.typed != nil {
		return summed(f.typed).Render(ctx, w)
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
func formsIn(all []piece) (forms []*form) {
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

// form returns the form of a page by its id.
func (v view) form(id string) *form {
	for _, f := range formsIn(v.body) {
		if f.id == id {
			return f
		}
	}
	panic("no form " + id)
}

// page adds a page and its stream to what the panel answers. Whoever has the page
// open when what it is about goes is sent to gone.
func (p *panel) page(add func(string, handler), pattern, gone string, build builder) {
	add("GET "+pattern, func(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
		v, err := build(r, who)
		if err != nil {
			return err
		}
		return p.show(w, r, http.StatusOK, v)
	})
	p.streamOf(add, pattern, gone, build)
}

// streamOf adds the stream of a page.
func (p *panel) streamOf(add func(string, handler), pattern, gone string, build builder) {
	p.pages = append(p.pages, pattern)
	add("GET "+pattern+"/live", func(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
		v, err := build(r, who)
		if err != nil && !errors.Is(err, left4me.NotFound) {
			return err
		}
		return p.stream(w, r, append([]feed{p.follow(r, who, gone, build)}, v.feeds...)...)
	})
}

// pagePath is the address of the page that a request is about, without its query:
// its stream has one of its own, and a form that was wrong is shown where it was
// sent to.
func pagePath(r *http.Request) string {
	path := r.URL.Path
	if n := len(path) - len("/live"); n > 0 && path[n:] == "/live" {
		path = path[:n]
	}
	return path
}

// again is the address of a page as its stream knows it, to load it once more,
// without what is only about the stream.
func again(r *http.Request) string {
	q := r.URL.Query()
	for key := range q {
		if strings.HasPrefix(key, formPrefix) || key == sessionParam {
			q.Del(key)
		}
	}
	if len(q) == 0 {
		return pagePath(r)
	}
	return pagePath(r) + "?" + q.Encode()
}

// show answers with a page.
func (p *panel) show(w http.ResponseWriter, r *http.Request, status int, v view) error {
	if v.pictures {
		withPictures(w)
	}
	full := p.fullPart(v.Who)
	query := url.Values{}
	for key, values := range r.URL.Query() {
		query[key] = values
	}
	for _, f := range formsIn(v.body) {
		sum, err := f.digest(r.Context())
		if err != nil {
			return err
		}
		query.Set(formPrefix+f.id, sum)
	}
	v.Live = cmp.Or(v.at, pagePath(r)) + "/live"
	if len(query) > 0 {
		v.Live += "?" + query.Encode()
	}
	return p.render(w, r, status, layout(v.frame, full, pieces(v.body...)))
}

// fullPart says on every page what can't be done on a full disk.
func (p *panel) fullPart(who accounts.Actor) *part {
	return lazy("full", func(context.Context) (templ.Component, error) { return fullNote(p.fullFor(who)), nil }, onDisk())
}

// follow is the feed of a page: it sends the parts that have changed.
func (p *panel) follow(r *http.Request, who accounts.Actor, gone string, build builder) feed {
	return func(ctx context.Context, send func(event)) error {
		var work sync.WaitGroup
		defer work.Wait()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		n := newNews()
		p.listen(ctx, n, &work) // before reading, so that nothing falls between
		have := sent{}
		disk := time.NewTicker(lookAtDisk)
		defer disk.Stop()
		full := p.fullFor(who)
		var on map[topic]bool // what became new; nil: everything
		for {
			v, err := build(r.WithContext(ctx), who)
			if errors.Is(err, left4me.NotFound) {
				send(event{name: "gone", data: []byte(gone)})
				return nil
			}
			if err != nil {
				return err
			}
			v.body = append(v.body, p.fullPart(who))
			if err := p.sendParts(ctx, v.parts(), on, have, send); err != nil {
				return err
			}
			for on = nil; !v.depends(on); on = n.take() {
				select {
				case <-n.wake:
				case <-disk.C:
					if now := p.fullFor(who); (now == nil) != (full == nil) || now != nil && now.Text != full.Text {
						full = now
						n.add(onDisk())
					}
				case <-ctx.Done():
					return nil
				}
			}
			select {
			case <-time.After(lookPause):
			case <-ctx.Done():
				return nil
			}
			for t := range n.take() {
				on[t] = true
			}
		}
	}
}

// sendParts sends the parts of a page that have changed. The others don't wait for
// those that take long.
func (p *panel) sendParts(ctx context.Context, all []*part, on map[topic]bool, have sent, send func(event)) error {
	for _, costly := range []bool{false, true} {
		for _, part := range all {
			if part.costly != costly {
				continue
			}
			if err := p.sendPart(ctx, part, on, have, send); err != nil {
				return err
			}
		}
	}
	return nil
}

// sendPart sends a part if it is another than the browser has. Of a list only the
// rows are sent that have changed, unless one came, went or moved.
func (p *panel) sendPart(ctx context.Context, part *part, on map[topic]bool, have sent, send func(event)) error {
	if on == nil && !part.costly || part.depends(on) {
		whole, err := p.isOther(ctx, part, have)
		if err != nil {
			return err
		}
		if whole {
			e, fresh, err := have.fresh(ctx, part.id, part)
			if why, public := left4me.Public(err); public {
				e, fresh, err = have.fresh(ctx, part.id, partProblem(part.id, why))
			}
			if err != nil {
				return err
			}
			if fresh || len(part.rows) > 0 {
				send(e)
			}
			for _, row := range part.rows {
				if _, _, err := have.fresh(ctx, row.id, row); err != nil {
					return err
				}
			}
			return nil
		}
	}
	for _, row := range part.rows {
		if err := p.sendPart(ctx, row, on, have, send); err != nil {
			return err
		}
	}
	return nil
}

// isOther reports whether a part may have to be sent as a whole: a list has to when
// it is another without what its rows show.
func (p *panel) isOther(ctx context.Context, part *part, have sent) (bool, error) {
	if len(part.rows) == 0 {
		return true, nil
	}
	var frame bytes.Buffer
	for _, row := range part.rows {
		frame.WriteString(row.id + " ")
	}
	c, err := part.html(ctx)
	if err == nil {
		err = c.Render(context.WithValue(ctx, withoutParts{}, true), &frame)
	}
	sum := digest(frame.Bytes())
	was := have["frame of "+part.id]
	have["frame of "+part.id] = sum
	return was != sum, err
}
