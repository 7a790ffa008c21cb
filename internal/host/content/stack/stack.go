// Package stack computes the merged tree of a server's layers as overlayfs would show it, without
// mounting: which file a server gets, from which layer, and which files that one hides.
//
// It handles whiteouts and opaque directories in all forms that the kernel reads on mounts with
// userxattr (kernel, Documentation/filesystems/overlayfs.rst). Layers may be hostile: the topmost
// contains files written by plugins. They are opened below their directory without following symbolic
// links, and only regular files are opened for reading.
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
	Name string // name shown to users
	Dir  string
}

// Stack is a server's layers, opened. It may be used concurrently. As with any directory, concurrent
// changes may or may not be visible.
type Stack struct {
	layers []layer
}

type layer struct {
	Layer
	root *os.Root
}

// Open opens layers, top first. Layers whose directory doesn't exist are skipped: a server that never
// started has no writable layer. So are files and symbolic links in place of a layer, which only a
// plugin would create. Close the stack after use.
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

// node is a path in the merged tree together with the layers that contain it, top first, excluding
// those hidden by a whiteout or an opaque directory.
type node struct {
	name    string
	path    string
	dir     bool
	in      []int       // indexes of layers; for a directory, all merged ones
	hidden  []int       // lower layers that contain the file but are hidden
	mode    fs.FileMode // mode in the topmost layer
	removed bool        // the topmost layer marks the file as removed
	opaque  bool        // the topmost layer hides all lower ones
}

// top returns the root of the merged tree.
func (s *Stack) top() node {
	n := node{dir: true}
	for i := range s.layers {
		n.in = append(n.in, i)
	}
	return n
}

// found is a directory entry in one layer.
type found struct {
	layer    int
	mode     fs.FileMode
	whiteout bool
}

// children reads a merged directory, sorted by name. Removed entries are included with removed set.
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

// merge combines the entries of several layers, top first, into a node.
func (s *Stack) merge(p string, in []found) (node, error) {
	n := node{path: p, mode: in[0].mode, removed: in[0].whiteout, dir: in[0].mode.IsDir() && !in[0].whiteout}
	visible := true // lower layers are visible
	for i, f := range in {
		switch {
		case i == 0:
			n.in = append(n.in, f.layer)
		case f.whiteout:
			visible = false
		case visible && n.dir && f.mode.IsDir():
			n.in = append(n.in, f.layer)
		default:
			visible = false
			n.hidden = append(n.hidden, f.layer)
		}
		if !n.dir {
			visible = false
		}
		if visible && f.mode.IsDir() && len(in) > 1 {
			opaque, err := s.layers[f.layer].opaque(p)
			if err != nil {
				return n, err
			}
			if opaque {
				visible = false
				n.opaque = n.opaque || i == 0
			}
		}
	}
	return n, nil
}

// find looks up a path. ok reports whether the merged tree contains it; a whiteout doesn't count.
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
		if n.removed {
			return n, false, nil
		}
	}
	return n, true, ctx.Err()
}

// compare orders paths as a walk visits them: the contents of a directory follow it immediately.
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
