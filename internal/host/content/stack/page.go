package stack

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// Limits for the number of items of a page.
const (
	standardPage = 200
	maxPage      = 1000
)

// errFull ends a walk when the page is full.
var errFull = errors.New("the page is full")

// walker collects one page of a merged tree.
type walker struct {
	*Stack
	ctx   context.Context
	after string
	limit int
	query string // lower case
	deep  bool
	want  func(node) bool // which nodes are listed; nil: all that exist
	enter func(node) bool // which directories are entered; nil: all
	page  left4me.Page[left4me.TreeFile]
}

// Page returns a page of the merged tree. Errors: left4me.NotFound if the directory doesn't exist,
// left4me.Invalid for an invalid path.
func (s *Stack) Page(ctx context.Context, f left4me.Filter) (left4me.Page[left4me.TreeFile], error) {
	return s.page(ctx, f, nil, nil)
}

// Written returns a page of the topmost layer: its files, and its marks for removed files. Errors are
// those of Page.
func (s *Stack) Written(ctx context.Context, f left4me.Filter) (left4me.Page[left4me.TreeFile], error) {
	own := func(n node) bool { return len(n.in) > 0 && n.in[0] == 0 }
	return s.page(ctx, f, own, own)
}

func (s *Stack) page(ctx context.Context, f left4me.Filter, want, enter func(node) bool) (left4me.Page[left4me.TreeFile], error) {
	w := &walker{
		Stack: s, ctx: ctx, after: left4me.PagePath(f.After), limit: min(cmp.Or(max(f.Limit, 0), standardPage), maxPage),
		query: strings.ToLower(f.Query), deep: f.Deep || f.Query != "", want: want, enter: enter,
		page: left4me.Page[left4me.TreeFile]{Items: []left4me.TreeFile{}, Total: -1},
	}
	top, ok, err := s.find(ctx, f.Dir)
	if err == nil && (!ok || !top.dir) {
		err = left4me.NewError(left4me.NotFound, "stack.directory_unknown", "dir", f.Dir)
	}
	if err != nil {
		return w.page, err
	}
	err = w.walk(top)
	if errors.Is(err, errFull) {
		w.page.Next, err = left4me.PageToken(w.page.Items[len(w.page.Items)-1].Path), nil
	} else if f.After == "" && err == nil {
		w.page.Total = len(w.page.Items)
	}
	return w.page, err
}

func (w *walker) walk(dir node) error {
	nodes, err := w.children(w.ctx, dir)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		behind := w.after == "" || compare(n.path, w.after) > 0
		if !behind && !strings.HasPrefix(w.after, n.path+"/") && n.path != w.after {
			continue // all its entries precede the page
		}
		if behind {
			if err := w.add(n); err != nil {
				return err
			}
		}
		if w.deep && n.dir && !n.removed && (w.enter == nil || w.enter(n)) {
			if err := w.walk(n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *walker) add(n node) error {
	switch {
	case w.want == nil && n.removed, w.want != nil && !w.want(n):
		return nil
	case w.deep && n.dir && !n.removed:
		return nil
	case w.query != "" && !strings.Contains(strings.ToLower(n.path), w.query):
		return nil
	}
	if len(w.page.Items) == w.limit {
		return errFull
	}
	f, err := w.describe(n)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it was removed in the meantime
	}
	if err != nil {
		return err
	}
	w.page.Items = append(w.page.Items, f)
	return nil
}

// describe returns the details of a node.
func (s *Stack) describe(n node) (left4me.TreeFile, error) {
	l := s.layers[n.in[0]]
	f := left4me.TreeFile{Path: n.path, Dir: n.dir, Layer: l.Name, Gone: n.removed, Opaque: n.opaque}
	below := n.hidden
	if !n.dir {
		below = append(append([]int(nil), n.in[1:]...), n.hidden...)
	}
	for _, i := range below {
		f.Hides = append(f.Hides, s.layers[i].Name)
	}
	st, err := l.root.Lstat(n.path)
	if err != nil {
		return f, err
	}
	f.At = st.ModTime().UTC()
	if !n.dir && !n.removed {
		f.Size, f.Exec = st.Size(), st.Mode().IsRegular() && st.Mode()&0o111 != 0
	}
	return f, nil
}

// File opens a regular file of the merged tree and returns its details. Errors: left4me.NotFound if it
// doesn't exist, left4me.Invalid if it isn't a regular file.
func (s *Stack) File(ctx context.Context, p string) (*os.File, left4me.TreeFile, error) {
	n, ok, err := s.find(ctx, p)
	if err != nil {
		return nil, left4me.TreeFile{}, err
	}
	if !ok {
		return nil, left4me.TreeFile{}, left4me.NewError(left4me.NotFound, "stack.file_unknown", "path", p)
	}
	if !n.mode.IsRegular() {
		return nil, left4me.TreeFile{}, left4me.NewError(left4me.Invalid, "stack.not_a_file", "path", p)
	}
	d, err := s.describe(n)
	if err != nil {
		return nil, d, err
	}
	f, err := s.layers[n.in[0]].open(p, 0)
	if err != nil {
		return nil, d, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() { // it was exchanged in the meantime
		err = left4me.NewError(left4me.Invalid, "stack.not_a_file", "path", p)
	}
	if err != nil {
		f.Close()
		return nil, d, err
	}
	d.Size = st.Size()
	return f, d, nil
}
