package content

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// tree is a revision that comes into being: directories of ours, which nobody
// else can enter, and links to files.
type tree struct {
	shelf *Shelf
	dir   string
	dev   uint64
	made  map[string]bool
	stack []step // directories on the way to where the last link went
}

// step is an open directory.
type step struct {
	path string
	fd   int
}

func (s *Shelf) newTree(dir string) (*tree, error) {
	t := &tree{shelf: s, dir: dir, made: map[string]bool{"": true}}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return nil, err
	}
	t.dev = st.Dev
	if err := t.shareDir(dir); err != nil {
		return nil, err
	}
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	t.stack = []step{{"", fd}}
	return t, nil
}

func (t *tree) path(p string) string { return filepath.Join(t.dir, p) }

// shareDir gives a directory the group and mode that layers have.
func (t *tree) shareDir(dir string) error {
	if t.shelf.group >= 0 {
		if err := os.Lchown(dir, -1, t.shelf.group); err != nil {
			return fmt.Errorf("%w: add the user left4me to the game's group", err)
		}
	}
	return os.Chmod(dir, 0o770|fs.ModeSetgid)
}

// at returns the open directory p. One that isn't there is made, if it may be.
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

// mkdir makes a directory that stays empty.
func (t *tree) mkdir(p string) error {
	_, err := t.at(p, true)
	return err
}

// link puts a file at p: that which is open when from is of descriptor.
func (t *tree) link(p, from string) error {
	return t.linkAt(p, unix.AT_FDCWD, from)
}

func (t *tree) linkAt(p string, dirfd int, from string) error {
	dir, name := "", p
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		dir, name = p[:i], p[i+1:]
	}
	fd, err := t.at(dir, true)
	if err != nil {
		return err
	}
	flags := 0
	if strings.HasPrefix(from, "/proc/self/fd/") {
		flags = unix.AT_SYMLINK_FOLLOW
	}
	if err := unix.Linkat(dirfd, from, fd, name, flags); err != nil {
		return &os.LinkError{Op: "link", Old: from, New: p, Err: err}
	}
	return nil
}

func (t *tree) close() {
	for len(t.stack) > 0 {
		t.pop()
	}
}

// linkAll links what entries name from another revision of ours: nothing but a
// name for each.
func (t *tree) linkAll(from string, entries Manifest, hard func(e Entry, f *os.File) error, said func(i int) error) error {
	src := &tree{dir: from}
	fd, err := unix.Open(from, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: from, Err: err}
	}
	src.stack = append(src.stack, step{"", fd})
	defer src.close()
	for i, e := range entries {
		if i%1024 == 0 {
			if err := said(i); err != nil {
				return err
			}
		}
		if e.Dir {
			if err := t.mkdir(e.Path); err != nil {
				return err
			}
			continue
		}
		dir, name := "", e.Path
		if k := strings.LastIndexByte(e.Path, '/'); k >= 0 {
			dir, name = e.Path[:k], e.Path[k+1:]
		}
		fd, err := src.at(dir, false)
		if err != nil {
			return err
		}
		err = t.linkAt(e.Path, fd, name)
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
