package stack

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// differ collects one page of the differences between two merged trees.
type differ struct {
	ctx      context.Context
	from, to *Stack
	after    string
	limit    int
	page     left4me.Page[left4me.FileChange]
}

// Diff returns a page of the files that differ between two stacks. Directories with the same layers in
// both stacks are not read; with tens of thousands of game files in the lower layers, that excludes
// nearly everything. Files are compared by type and size first, and byte by byte only if these are
// equal.
func Diff(ctx context.Context, from, to *Stack, after string, limit int) (left4me.Page[left4me.FileChange], error) {
	d := &differ{
		ctx: ctx, from: from, to: to, after: left4me.PagePath(after), limit: min(cmp.Or(max(limit, 0), standardPage), maxPage),
		page: left4me.Page[left4me.FileChange]{Items: []left4me.FileChange{}, Total: -1},
	}
	a, b := from.top(), to.top()
	err := d.dirs(&a, &b)
	if errors.Is(err, errFull) {
		d.page.Next, err = left4me.PageToken(d.page.Items[len(d.page.Items)-1].Path), nil
	} else if after == "" && err == nil {
		d.page.Total = len(d.page.Items)
	}
	return d.page, err
}

// same reports whether two nodes consist of the same layers. Then nothing below them can differ.
func (d *differ) same(a, b node) bool {
	return slices.EqualFunc(a.in, b.in, func(i, j int) bool { return d.from.layers[i].Dir == d.to.layers[j].Dir })
}

// dirs compares two directories; one of them may be nil.
func (d *differ) dirs(a, b *node) error {
	if a != nil && b != nil && d.same(*a, *b) {
		return nil
	}
	var as, bs []node
	var err error
	if a != nil {
		as, err = d.from.children(d.ctx, *a)
	}
	if b != nil && err == nil {
		bs, err = d.to.children(d.ctx, *b)
	}
	if err != nil {
		return err
	}
	isRemoved := func(n node) bool { return n.removed }
	as, bs = slices.DeleteFunc(as, isRemoved), slices.DeleteFunc(bs, isRemoved)
	for len(as) > 0 || len(bs) > 0 {
		var x, y *node
		switch {
		case len(bs) == 0 || len(as) > 0 && as[0].name < bs[0].name:
			x, as = &as[0], as[1:]
		case len(as) == 0 || bs[0].name < as[0].name:
			y, bs = &bs[0], bs[1:]
		default:
			x, y, as, bs = &as[0], &bs[0], as[1:], bs[1:]
		}
		if err := d.nodes(x, y); err != nil {
			return err
		}
	}
	return nil
}

// nodes compares the nodes with the same name; one of them may be nil.
func (d *differ) nodes(a, b *node) error {
	p := cmp.Or(a, b).path
	if d.after != "" && compare(p, d.after) < 0 && !strings.HasPrefix(d.after, p+"/") {
		return nil
	}
	adir, afile := parts(a)
	bdir, bfile := parts(b)
	if err := d.files(p, afile, bfile); err != nil {
		return err
	}
	if adir != nil || bdir != nil {
		return d.dirs(adir, bdir)
	}
	return nil
}

// parts returns a node as either a directory or a file; n may be nil.
func parts(n *node) (dir, file *node) {
	if n != nil && n.dir {
		return n, nil
	}
	return nil, n
}

func (d *differ) files(p string, a, b *node) error {
	if a == nil && b == nil || a != nil && b != nil && d.same(node{in: a.in[:1]}, node{in: b.in[:1]}) {
		return nil
	}
	if d.after != "" && compare(p, d.after) <= 0 {
		return nil
	}
	c := left4me.FileChange{Path: p, What: "changed"}
	var err error
	if a == nil {
		c.What = "added"
	} else if c.From, err = d.from.size(*a); err != nil {
		return err
	}
	if b == nil {
		c.What = "removed"
	} else if c.To, err = d.to.size(*b); err != nil {
		return err
	}
	if a != nil && b != nil && c.From == c.To {
		equal, err := d.equal(*a, *b)
		if err != nil || equal {
			return err
		}
	}
	if len(d.page.Items) == d.limit {
		return errFull
	}
	d.page.Items = append(d.page.Items, c)
	return nil
}

func (s *Stack) size(n node) (int64, error) {
	st, err := s.layers[n.in[0]].root.Lstat(n.path)
	if err != nil {
		return 0, ignoreMissing(err)
	}
	return st.Size(), nil
}

// equal compares the contents of two files of the same size.
func (d *differ) equal(a, b node) (bool, error) {
	if !a.mode.IsRegular() || !b.mode.IsRegular() {
		return a.mode == b.mode, nil
	}
	x, err := d.from.layers[a.in[0]].open(a.path, 0)
	if err != nil {
		return false, ignoreMissing(err)
	}
	defer x.Close()
	y, err := d.to.layers[b.in[0]].open(b.path, 0)
	if err != nil {
		return false, ignoreMissing(err)
	}
	defer y.Close()
	return same(d.ctx, x, y)
}

// same compares the contents of two files. Hard links to the same file are equal without reading.
func same(ctx context.Context, a, b *os.File) (bool, error) {
	as, err := a.Stat()
	if err != nil {
		return false, err
	}
	bs, err := b.Stat()
	if err != nil || os.SameFile(as, bs) || as.Size() != bs.Size() {
		return err == nil && os.SameFile(as, bs), err
	}
	x, y := make([]byte, 256<<10), make([]byte, 256<<10)
	for {
		n, err := io.ReadFull(a, x)
		m, err2 := io.ReadFull(b, y)
		if n != m || !bytes.Equal(x[:n], y[:m]) {
			return false, nil
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return true, nil
		}
		if err = errors.Join(err, err2, ctx.Err()); err != nil {
			return false, err
		}
	}
}
