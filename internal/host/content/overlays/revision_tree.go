package overlays

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// tree builds the directory tree of a revision from new directories and links to files, inside a
// directory that only left4me can enter.
type tree struct {
	group int // see layout.group
	dir   string
	dev   uint64
	made  map[string]bool // created directories; nil if none may be created
	stack []step          // open directories from the root to the last used one
}

// step is an open directory.
type step struct {
	path string
	fd   int
}

func newTree(dir string, group int) (*tree, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	t, err := openTree(dir, group)
	if err != nil {
		return nil, err
	}
	t.made = map[string]bool{"": true}
	var st unix.Stat_t
	err = errors.Join(unix.Stat(dir, &st), t.shareDir(dir))
	if err != nil {
		t.close()
		return nil, err
	}
	t.dev = st.Dev
	return t, nil
}

func (t *tree) path(p string) string { return filepath.Join(t.dir, p) }

// shareDir sets the group and mode of a directory to those of layers.
func (t *tree) shareDir(dir string) error {
	if t.group >= 0 {
		if err := os.Lchown(dir, -1, t.group); err != nil {
			return fmt.Errorf("%w: add the user left4me to the game's group", err)
		}
	}
	return os.Chmod(dir, 0o770|fs.ModeSetgid)
}

// at returns a descriptor of directory p. With make, it creates missing directories.
func (t *tree) at(p string, make bool) (int, error) {
	for len(t.stack) > 1 {
		top := t.stack[len(t.stack)-1].path
		if p == top || strings.HasPrefix(p, top+"/") {
			break
		}
		t.pop()
	}
	for {
		top := t.stack[len(t.stack)-1]
		if top.path == p {
			return top.fd, nil
		}
		rest := p
		if top.path != "" {
			rest = p[len(top.path)+1:]
		}
		name, _, _ := strings.Cut(rest, "/")
		next := filepath.Join(top.path, name)
		if make && !t.made[next] {
			if err := unix.Mkdirat(top.fd, name, 0o700); err != nil {
				return -1, &os.PathError{Op: "mkdir", Path: next, Err: err}
			}
			if err := t.shareDir(t.path(next)); err != nil {
				return -1, err
			}
			t.made[next] = true
		}
		fd, err := unix.Openat(top.fd, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return -1, &os.PathError{Op: "open", Path: next, Err: err}
		}
		t.stack = append(t.stack, step{next, fd})
	}
}

func (t *tree) pop() {
	unix.Close(t.stack[len(t.stack)-1].fd)
	t.stack = t.stack[:len(t.stack)-1]
}

// mkdir creates an empty directory and its parents.
func (t *tree) mkdir(p string) error {
	_, err := t.at(p, true)
	return err
}

// link creates a hard link at p to from. If from is the result of descriptor, it links the open
// file.
func (t *tree) link(p, from string) error {
	return t.linkAt(p, unix.AT_FDCWD, from)
}

func (t *tree) linkAt(p string, dirfd int, from string) error {
	fd, err := t.at(parent(p), t.made != nil)
	if err != nil {
		return err
	}
	flags := 0
	if strings.HasPrefix(from, "/proc/self/fd/") {
		flags = unix.AT_SYMLINK_FOLLOW
	}
	if err := unix.Linkat(dirfd, from, fd, path.Base(p), flags); err != nil {
		return &os.LinkError{Op: "link", Old: from, New: p, Err: err}
	}
	return nil
}

func (t *tree) close() {
	for len(t.stack) > 0 {
		t.pop()
	}
}

// linkAll links entries of another published revision, with several workers because linking mostly
// waits for the kernel. It calls hard, one call at a time, for files that can't be linked.
func (t *tree) linkAll(ctx context.Context, from string, entries Manifest, hard func(e Entry, f *os.File) error) error {
	for _, e := range entries {
		dir := e.Path
		if !e.Dir {
			dir = parent(e.Path)
		}
		if t.made[dir] {
			continue
		}
		if err := t.mkdir(dir); err != nil {
			return err
		}
	}
	workers := min(runtime.GOMAXPROCS(0), 4)
	chunk := len(entries)/workers + 1
	var one sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	for part := range slices.Chunk(entries, chunk) {
		group.Go(func() error {
			return t.linkSome(ctx, from, part, func(e Entry, f *os.File) error {
				one.Lock()
				defer one.Unlock()
				return hard(e, f)
			})
		})
	}
	return group.Wait()
}

// linkSome links entries whose directories exist.
func (t *tree) linkSome(ctx context.Context, from string, entries Manifest, hard func(e Entry, f *os.File) error) error {
	src, err := openTree(from, t.group)
	if err != nil {
		return err
	}
	defer src.close()
	dst, err := openTree(t.dir, t.group)
	if err != nil {
		return err
	}
	defer dst.close()
	for i, e := range entries {
		if e.Dir {
			continue
		}
		if i%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		fd, err := src.at(parent(e.Path), false)
		if err != nil {
			return err
		}
		err = dst.linkAt(e.Path, fd, path.Base(e.Path))
		if err == nil {
			continue
		}
		if !errors.Is(err, unix.EMLINK) && !errors.Is(err, unix.EXDEV) {
			return err
		}
		f, err := os.Open(filepath.Join(from, e.Path))
		if err != nil {
			return err
		}
		err = errors.Join(hard(e, f), f.Close())
		if err != nil {
			return err
		}
	}
	return nil
}

// parent returns the directory of a path; "" is the root.
func parent(p string) string {
	i := strings.LastIndexByte(p, '/')
	return p[:max(i, 0)]
}

// openTree opens an existing tree, to read or to link into its existing directories.
func openTree(dir string, group int) (*tree, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	return &tree{group: group, dir: dir, stack: []step{{"", fd}}}, nil
}
