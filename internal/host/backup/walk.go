package backup

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/host/running/gameuser"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

// node is a file found in a root, represented by its open directory and its name. Opening the name
// there is safe even if the path has changed in the meantime.
type node struct {
	dir  *os.File
	name string
	path string // relative to the root
	stat unix.Stat_t
}

func (n node) kind() uint32 { return n.stat.Mode & unix.S_IFMT }

func (n node) inode() inode { return inode{n.stat.Dev, n.stat.Ino} }

type inode struct{ dev, ino uint64 }

// open opens a regular file or a directory and nothing else: the name may have become a link or a
// pipe since it was inspected.
func (n node) open() (*os.File, error) {
	f, err := gameuser.OpenAt(n.dir, n.name, unix.O_RDONLY|unix.O_NOATIME)
	if errors.Is(err, unix.EPERM) { // only owners may use O_NOATIME
		f, err = gameuser.OpenAt(n.dir, n.name, unix.O_RDONLY)
	}
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		f.Close()
		return nil, err
	}
	if st.Mode&unix.S_IFMT != n.kind() {
		f.Close()
		return nil, errors.New("it has become something else")
	}
	return f, nil
}

// walker visits the parts of a root that belong in a backup.
type walker struct {
	root string
	keep func(path string) bool // whether to include a revision of an overlay
	skip func(path string, why error)
}

// walk calls visit for everything that belongs in a backup: directories before their content, names
// in order. It calls w.skip for what it cannot inspect.
func (w walker) walk(ctx context.Context, visit func(node) error) error {
	top, err := os.OpenFile(w.root, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer top.Close()
	for _, name := range []string{"instances", "overlays", "runtime"} {
		if err := w.at(ctx, top, name, name, visit); err != nil {
			return err
		}
	}
	return nil
}

// wanted reports whether p belongs in a backup; a directory that does not is skipped with its
// content.
func (w walker) wanted(p string, dir bool) bool {
	parts := strings.Split(p, "/")
	if len(parts) > 1 && (!left4me.Name(parts[1]).Valid() || parts[0] != "overlays" && parts[1] == string(left4me.InstallInstance)) {
		return false
	}
	if parts[0] == "overlays" && len(parts) == 3 && dir && !w.keep(p) {
		return false
	}
	// A revision's list of files would be wrong after a restore without the workshop files.
	if parts[0] == "overlays" && len(parts) == 3 && !dir && (overlays.IsManifest(parts[2]) || strings.HasPrefix(parts[2], ".")) {
		return false
	}
	in, ok := partOf(p)
	return ok && (in.only == "" || (in.only == "dir") == dir)
}

func (w walker) at(ctx context.Context, dir *os.File, name, p string, visit func(node) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	n := node{dir: dir, name: name, path: p}
	err := unix.Fstatat(int(dir.Fd()), name, &n.stat, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, unix.ENOENT) {
		return nil // deleted in the meantime
	}
	if !validPath(p) {
		w.skip(p, errors.New("its path is too long"))
		return nil
	}
	isDir := err == nil && n.kind() == unix.S_IFDIR
	if err == nil && !w.wanted(p, isDir) {
		return nil
	}
	if err == nil && !isDir {
		return visit(n)
	}
	var sub *os.File
	if err == nil {
		sub, err = n.open()
	}
	if err != nil {
		w.skip(p, err)
		return nil
	}
	defer sub.Close()
	if err := visit(n); err != nil {
		return err
	}
	names, err := sub.Readdirnames(-1)
	if err != nil && !errors.Is(err, io.EOF) {
		w.skip(p, err)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := w.at(ctx, sub, name, path.Join(p, name), visit); err != nil {
			return err
		}
	}
	return nil
}

// revisions returns a function that reports whether a revision belongs in a backup: the current one
// of each overlay, labelled ones, and those that a server was last started with.
func revisions(root string) func(path string) bool {
	named := map[string]bool{}
	r := instance.Root(root)
	names, _ := r.AllNames() // ignore the error: an unreadable list means that no server was started
	for _, n := range names {
		env, err := r.ReadEnv(n)
		if err != nil {
			continue
		}
		for _, l := range env.Lowerdirs {
			named[path.Clean(l)] = true
		}
	}
	dirs, _ := os.ReadDir(path.Join(root, "overlays"))
	for _, o := range dirs {
		dir := path.Join("overlays", o.Name())
		all, _ := overlays.CurrentAndLabelled(path.Join(root, dir))
		for _, n := range all {
			named[path.Join(dir, strconv.Itoa(n))] = true
		}
	}
	return func(p string) bool {
		_, err := strconv.Atoi(path.Base(p))
		return err != nil || named[p]
	}
}
