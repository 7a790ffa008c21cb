// Package stack sees the merged tree of a server's layers as overlayfs would show
// it, without mounting anything: which file a server gets, from which layer, and
// what that hides.
//
// It knows whiteouts and opaque directories in all the forms that the kernel
// reads when it is mounted with userxattr (kernel, Documentation/filesystems/
// overlayfs.rst). Layers may be hostile: what a plugin wrote stands in the
// topmost one. They are opened beneath their directory, a link is never followed
// and what isn't a regular file is never opened for reading.
package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/running/gameuser"
	"github.com/left4me/left4me/internal/left4me"
)

// Layer is one layer of a stack.
type Layer struct {
	Name string // what people call it
	Dir  string
}

// Stack is the layers of a server, opened. It may be used concurrently; what is
// changed beneath it while it is inspected is seen or not, as with any directory.
type Stack struct {
	layers []layer
}

type layer struct {
	Layer
	root *os.Root
}

// Open opens layers, top first. One whose directory isn't there is left out: a
// server that never started has written nothing. So is one with a file or a link in
// its place, which only a plugin would put there. Close must be called.
func Open(layers []Layer) (*Stack, error) {
	s := &Stack{}
	for _, l := range layers {
		root, err := gameuser.OpenRoot(filepath.Dir(l.Dir), filepath.Base(l.Dir))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
			continue
		}
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("open layer %s: %w", l.Name, err)
		}
		s.layers = append(s.layers, layer{l, root})
	}
	return s, nil
}

// Close closes all layers.
func (s *Stack) Close() {
	for _, l := range s.layers {
		l.root.Close()
	}
}

// node is a path in the merged tree: in which layers it is, top first. What a
// whiteout or an opaque directory hides is not among them.
type node struct {
	name   string
	path   string
	dir    bool
	in     []int       // indexes of layers; for a directory all that are merged
	hidden []int       // layers below that have it and aren't seen
	mode   fs.FileMode // of the topmost
	gone   bool        // the topmost says that it isn't there
	opaque bool        // the topmost hides all below
}

// top returns the root of the merged tree.
func (s *Stack) top() node {
	n := node{dir: true}
	for i := range s.layers {
		n.in = append(n.in, i)
	}
	return n
}

// found is an entry of a directory in one layer.
type found struct {
	layer    int
	mode     fs.FileMode
	whiteout bool
}

// children reads a merged directory, sorted by name. What was removed is among
// them, marked as gone.
func (s *Stack) children(ctx context.Context, n node) ([]node, error) {
	all := map[string][]found{}
	for _, i := range n.in {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := s.layers[i].read(n.path, func(name string, mode fs.FileMode, whiteout bool) {
			all[name] = append(all[name], found{i, mode, whiteout})
		}); err != nil {
			return nil, fmt.Errorf("read %s in layer %s: %w", cmp.Or(n.path, "/"), s.layers[i].Name, err)
		}
	}
	nodes := make([]node, 0, len(all))
	for name, in := range all {
		c, err := s.merge(path.Join(n.path, name), in)
		if err != nil {
			return nil, err
		}
		c.name = name
		nodes = append(nodes, c)
	}
	slices.SortFunc(nodes, func(a, b node) int { return strings.Compare(a.name, b.name) })
	return nodes, nil
}

// merge decides what a name is that several layers have, top first.
func (s *Stack) merge(p string, in []found) (node, error) {
	n := node{path: p, mode: in[0].mode, gone: in[0].whiteout, dir: in[0].mode.IsDir() && !in[0].whiteout}
	seen := true // what is further below is still seen
	for i, f := range in {
		switch {
		case i == 0:
			n.in = append(n.in, f.layer)
		case f.whiteout:
			seen = false
		case seen && n.dir && f.mode.IsDir():
			n.in = append(n.in, f.layer)
		default:
			seen = false
			n.hidden = append(n.hidden, f.layer)
		}
		if !n.dir {
			seen = false
		}
		if seen && f.mode.IsDir() && len(in) > 1 {
			opaque, err := s.layers[f.layer].opaque(p)
			if err != nil {
				return n, err
			}
			if opaque {
				seen = false
				n.opaque = n.opaque || i == 0
			}
		}
	}
	return n, nil
}

// find walks to a path. ok says whether the merged tree has it; a whiteout
// doesn't count.
func (s *Stack) find(ctx context.Context, p string) (n node, ok bool, err error) {
	n = s.top()
	if p == "" || p == "." {
		return n, true, nil
	}
	if !fs.ValidPath(p) || strings.ContainsRune(p, 0) {
		return n, false, left4me.NewError(left4me.Invalid, "stack.path_invalid", "path", p)
	}
	for _, name := range strings.Split(p, "/") {
		if !n.dir {
			return n, false, nil
		}
		sub := path.Join(n.path, name)
		var in []found
		for _, i := range n.in {
			st, err := s.layers[i].root.Lstat(sub)
			if err != nil {
				if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ENAMETOOLONG) {
					continue
				}
				return n, false, err
			}
			white, err := s.layers[i].whiteout(sub, st)
			if err != nil {
				return n, false, err
			}
			in = append(in, found{i, st.Mode(), white})
		}
		if len(in) == 0 {
			return n, false, ctx.Err()
		}
		if n, err = s.merge(sub, in); err != nil {
			return n, false, err
		}
		n.name = name
		if n.gone {
			return n, false, nil
		}
	}
	return n, true, ctx.Err()
}

// compare orders paths as a walk meets them: what is in a directory comes right
// behind it.
func compare(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] {
			continue
		}
		switch {
		case a[i] == '/':
			return -1
		case b[i] == '/':
			return 1
		}
		return cmp.Compare(a[i], b[i])
	}
	return cmp.Compare(len(a), len(b))
}
