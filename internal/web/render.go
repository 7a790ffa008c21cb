package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"hash/maphash"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// frame is what every page has around its own part.
type frame struct {
	Title   string
	Section string // of the navigation that this page belongs to
	Who     accounts.Actor
	May     may
	Theme   theme
	Assets  *assets
	Version string
	Path    string         // of this page, to come back to
	Scripts []string       // names of assets that only this page needs
	Live    string         // address of the page's stream of events, may be empty
	Session string         // which session the page belongs to: not its secret
	Moving  bool           // it will soon show something else: without scripts it reloads itself
	Full    *left4me.Error // what can't be done on a full disk, or nil
}

func (p *panel) frame(r *http.Request, who accounts.Actor, title, section string) frame {
	f := frame{
		Title: title, Section: section, Who: who, May: mayOf(who), Theme: themeOf(r), Assets: p.assets, Version: p.Version,
		Path: r.URL.RequestURI(), Session: sessionTag(p.session(r)),
	}
	f.Full = p.fullFor(who)
	return f
}

// fullFor says what can't be done on a full disk, or nothing.
func (p *panel) fullFor(who accounts.Actor) *left4me.Error {
	if p.Full == nil {
		return nil
	}
	why := p.Full()
	if why != nil && who == (accounts.Actor{}) { // paths are not for everybody
		return left4me.Errorf(left4me.DiskFull, "a disk of left4me is full").WithHint("log in to see which")
	}
	return why
}

var (
	buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}
	zippers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}
	seed    = maphash.MakeSeed()
)

// render writes a page. It is made whole before the first byte goes out: an
// error in it becomes an error page and not half of one.
func (p *panel) render(w http.ResponseWriter, r *http.Request, status int, page templ.Component) error {
	buf := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	if err := page.Render(r.Context(), buf); err != nil {
		return fmt.Errorf("render %s: %w", r.URL.Path, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	if !zips(r) {
		h.Set("Content-Length", strconv.Itoa(buf.Len()))
		w.WriteHeader(status)
		_, _ = w.Write(buf.Bytes()) // who has gone needs no answer
		return nil
	}
	h.Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	z := zippers.Get().(*gzip.Writer)
	defer zippers.Put(z)
	z.Reset(w)
	_, _ = z.Write(buf.Bytes())
	_ = z.Close()
	return nil
}

// zips reports whether the answer may be compressed.
func zips(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == "gzip" {
			return strings.ReplaceAll(q, " ", "") != "q=0"
		}
	}
	return false
}

// fragment renders a part of a page.
func fragment(ctx context.Context, c templ.Component) ([]byte, error) {
	var buf bytes.Buffer
	err := c.Render(ctx, &buf)
	return buf.Bytes(), err
}

// digest tells contents apart, for as long as this process lives.
func digest(b []byte) string {
	sum := maphash.Bytes(seed, b)
	raw := make([]byte, 0, 8)
	for i := range 8 {
		raw = append(raw, byte(sum>>(8*i)))
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}
