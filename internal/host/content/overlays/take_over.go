package overlays

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
)

// taker takes files that others may have written, and may still write to or
// exchange, and puts them into a tree that is ours alone. It opens everything
// by descriptor and follows no link: what it hashed is what it links.
type taker struct {
	ctx    context.Context
	pool   *pool
	tree   *tree
	spare  string // a private directory for copies, on the file system of the tree
	copies int
	hand   bool           // what is taken may be mounted: nobody loses what they may read
	known  map[uint64]key // of the pool; nil: not read yet
	first  map[key]string // paths in the tree of contents that the pool doesn't have yet
	over   map[key]bool   // contents whose inode in the pool can't have more names
	out    Manifest
	said   func(files int, bytes int64)
	files  int
	bytes  int64
}

// dir takes all that is beneath a directory.
func (t *taker) dir(d *os.File, p string, depth int) error {
	names, err := d.Readdirnames(-1)
	if err != nil {
		return err
	}
	if p != "" && len(names) == 0 {
		t.out = append(t.out, Entry{Path: p, Dir: true})
		return t.tree.mkdir(p)
	}
	for _, name := range names {
		if err := t.ctx.Err(); err != nil {
			return err
		}
		if err := t.entry(d, name, path.Join(p, name), depth); err != nil {
			return err
		}
	}
	return nil
}

func (t *taker) entry(d *os.File, name, p string, depth int) error {
	if err := CheckPath(p); err != nil {
		return err
	}
	if len(t.out) >= maxEntries {
		return left4me.NewError(left4me.Invalid, "overlay.too_many_entries", "limit", maxEntries)
	}
	f, st, err := openEntry(d, name)
	switch {
	case errors.Is(err, unix.ELOOP):
		return left4me.NewError(left4me.Invalid, "overlay.path_link", "path", short(p)).InField("files")
	case errors.Is(err, errOdd):
		return left4me.NewError(left4me.Invalid, "overlay.path_no_file", "path", short(p)).InField("files")
	case err != nil:
		return fmt.Errorf("%q: %w", p, err)
	}
	defer f.Close()
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return t.dir(f, p, depth+1)
	}
	if st.Mode&(unix.S_ISUID|unix.S_ISGID) != 0 {
		return left4me.NewError(left4me.Invalid, "overlay.path_setuid", "path", short(p)).InField("files")
	}
	return t.file(f, st, p)
}

var errOdd = errors.New("neither a file nor a directory")

// openEntry opens a file or directory in one, and nothing else.
func openEntry(d *os.File, name string) (*os.File, unix.Stat_t, error) {
	var st unix.Stat_t
	// First without opening: that would wake a device, or wait for a pipe.
	if err := unix.Fstatat(int(d.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return nil, st, err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG, unix.S_IFDIR:
	case unix.S_IFLNK:
		return nil, st, unix.ELOOP
	default:
		return nil, st, errOdd
	}
	fd, err := unix.Openat(int(d.Fd()), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, st, err
	}
	f := os.NewFile(uintptr(fd), name)
	if err := unix.Fstat(fd, &st); err != nil {
		f.Close()
		return nil, st, err
	}
	if k := st.Mode & unix.S_IFMT; k != unix.S_IFREG && k != unix.S_IFDIR {
		f.Close()
		return nil, st, errOdd
	}
	return f, st, nil
}

// file takes one file: as it is when it is ours and nobody has it open for
// writing, else as a copy of ours.
func (t *taker) file(f *os.File, st unix.Stat_t, p string) error {
	e := Entry{Path: p, Exec: st.Mode&0o100 != 0, Size: st.Size}
	if k, ok, err := t.pooled(st); err != nil {
		return err
	} else if ok && st.Nlink > 1 {
		e.Hash, e.Exec = k.hash, k.exec
		return t.add(e, f, false)
	}
	ours, err := t.quiet(f, st)
	if err != nil {
		return err
	}
	if ours {
		if e.Size, e.Hash, err = t.sum(f, st.Size); err != nil {
			return fmt.Errorf("%q: %w", p, err)
		}
		return t.add(e, f, true)
	}
	c, err := t.copy(f, &e)
	if err != nil {
		return fmt.Errorf("%q: %w", p, err)
	}
	defer c.Close()
	return t.add(e, c, true)
}

// pooled says what an inode that has other names holds, when it is in the pool.
func (t *taker) pooled(st unix.Stat_t) (k key, ok bool, err error) {
	if st.Nlink < 2 || int(st.Uid) != os.Geteuid() {
		return k, false, nil
	}
	if t.known == nil {
		if t.known, err = t.pool.inodes(); err != nil {
			return k, false, err
		}
	}
	if k, ok = t.known[st.Ino]; !ok {
		return k, false, nil
	}
	var now unix.Stat_t
	err = unix.Lstat(t.pool.path(k), &now)
	return k, err == nil && now.Ino == st.Ino && now.Dev == st.Dev, nil
}

// quiet makes a file that is ours nobody else's, and reports whether it can be
// taken as it is: no attributes, which overlayfs could take for marks, and
// nobody who has it open for writing or mapped so.
func (t *taker) quiet(f *os.File, st unix.Stat_t) (bool, error) {
	fd := int(f.Fd())
	if int(st.Uid) != os.Geteuid() || st.Dev != t.tree.dev {
		return false, nil
	}
	if n, err := unix.Flistxattr(fd, nil); n > 0 || err != nil && !errors.Is(err, unix.ENOTSUP) {
		return false, nil //nolint:nilerr // a copy has none
	}
	// Only who is the user that we are can open it from here on. What has other
	// names keeps its mode until then: it must not be open to more than the game.
	other := t.hand || st.Nlink > 1
	if other && (st.Mode&0o002 != 0 || st.Mode&0o020 != 0 && int(st.Gid) != t.pool.layout.group) {
		return false, nil
	}
	if !other && st.Mode&0o077 != 0 {
		if err := f.Chmod(fs.FileMode(st.Mode & 0o700)); err != nil {
			return false, err
		}
	}
	// A lease for reading is refused while there is a writer.
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK); err != nil {
		return false, nil //nolint:nilerr // a copy is always right
	}
	_, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
	return err == nil, err
}

// add gives a file its place in the tree. fresh says that the inode isn't in the
// pool: then that of the pool is taken if there is one.
func (t *taker) add(e Entry, f *os.File, fresh bool) error {
	k := e.key()
	t.files, t.bytes = t.files+1, t.bytes+e.Size
	if t.said != nil {
		t.said(t.files, t.bytes)
	}
	t.out = append(t.out, e)
	if !fresh {
		err := t.tree.link(e.Path, descriptor(f))
		if errors.Is(err, unix.EMLINK) {
			return t.another(e, f)
		}
		return err
	}
	err := error(unix.ENOENT)
	if first, ok := t.first[k]; ok {
		err = t.tree.link(e.Path, t.tree.path(first))
	} else if t.sound(k, e.Size) {
		err = t.tree.link(e.Path, t.pool.path(k))
		if errors.Is(err, unix.EMLINK) {
			t.over[k] = true
		}
	}
	if err == nil || !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EMLINK) && !errors.Is(err, unix.EXDEV) {
		return err
	}
	if err := t.pool.layout.share(f, e.Exec); err != nil {
		return err
	}
	err = t.tree.link(e.Path, descriptor(f))
	if errors.Is(err, unix.EMLINK) {
		return t.another(e, f)
	}
	t.first[k] = e.Path
	return err
}

// sound reports whether the pool has a content; one of another size was damaged
// and is replaced.
func (t *taker) sound(k key, size int64) bool {
	var st unix.Stat_t
	if err := unix.Lstat(t.pool.path(k), &st); err != nil {
		return false
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size != size {
		t.over[k] = true
		return false
	}
	return true
}

// another puts a copy in place of an inode that can't have more names, for what
// comes after too.
func (t *taker) another(e Entry, f *os.File) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	was := e
	c, err := t.copy(f, &e)
	if err != nil {
		return err
	}
	defer c.Close()
	if e.Hash != was.Hash {
		return fmt.Errorf("%q was changed in the pool", e.Path)
	}
	if err := t.pool.layout.share(c, e.Exec); err != nil {
		return err
	}
	t.first[e.key()], t.over[e.key()] = e.Path, true
	return t.tree.link(e.Path, descriptor(c))
}

// copy makes a file of ours with what f holds, and hashes what it wrote.
func (t *taker) copy(f *os.File, e *Entry) (*os.File, error) {
	t.copies++
	c, err := os.OpenFile(path.Join(t.spare, strconv.Itoa(t.copies)), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	// Unlinked it could not be linked again: it goes with its directory.
	sum := sha256.New()
	if unix.IoctlFileClone(int(c.Fd()), int(f.Fd())) == nil {
		// Shared blocks: nothing was written, and f may change as it likes.
		e.Size, err = t.read(c, -1, sum, nil)
	} else {
		if err = t.pool.layout.room(e.Size); err == nil {
			e.Size, err = t.read(f, e.Size, sum, c)
		}
	}
	if err != nil {
		c.Close()
		return nil, t.pool.layout.full(err, e.Size)
	}
	sum.Sum(e.Hash[:0])
	return c, nil
}

// sum hashes a file of so many bytes.
func (t *taker) sum(f *os.File, size int64) (n int64, hash [sha256.Size]byte, err error) {
	h := sha256.New()
	n, err = t.read(f, size, h, nil)
	h.Sum(hash[:0])
	return n, hash, err
}

const readBlock = 1 << 20

// read hashes a file, and writes it elsewhere if to is set, with holes where it
// has them. size is what it is expected to have: one that grows meanwhile is cut
// there; -1 reads to its end.
func (t *taker) read(f *os.File, size int64, sum hash.Hash, to *os.File) (int64, error) {
	buf := t.pool.buffer()
	defer t.pool.blocks.Put(buf)
	var at int64
	for size < 0 || at < size {
		if err := t.ctx.Err(); err != nil {
			return at, err
		}
		b := *buf
		if size >= 0 {
			b = b[:min(int64(len(b)), size-at)]
		}
		n, err := f.ReadAt(b, at)
		b = b[:n]
		sum.Write(b)
		if to != nil && !zero(b) {
			if at%(64<<20) == 0 {
				if err := t.pool.layout.room(0); err != nil {
					return at, err
				}
			}
			if _, err := to.WriteAt(b, at); err != nil {
				return at, err
			}
		}
		at += int64(n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return at, err
		}
	}
	if to != nil {
		return at, to.Truncate(at)
	}
	return at, nil
}

func zero(b []byte) bool {
	for len(b) >= len(zeros) {
		if string(b[:len(zeros)]) != zeros {
			return false
		}
		b = b[len(zeros):]
	}
	return string(b) == zeros[:len(b)]
}

var zeros = strings.Repeat("\x00", 4096)

// descriptor is a name for exactly what is open.
func descriptor(f *os.File) string { return "/proc/self/fd/" + strconv.Itoa(int(f.Fd())) }

// top takes what was staged.
func (t *taker) top(root *os.Root) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	return t.dir(d, "", 0)
}

// keep puts entries of another revision into the tree. all is what it will be.
func (t *taker) keep(from string, kept, all Manifest, hand bool) error {
	if hand {
		return t.keepByHand(from, kept, all)
	}
	var links Manifest
	for _, e := range kept {
		if _, still := all.find(e.Path); still { // else a directory that isn't empty any more
			links = append(links, e)
		}
	}
	return t.tree.linkAll(t.ctx, from, links, t.another)
}

// keepByHand takes files whose owners and modes may be any. What they hold may
// have changed since their manifest was made: then the new one has it as it is.
func (t *taker) keepByHand(from string, kept, all Manifest) error {
	root, err := os.OpenRoot(from)
	if err != nil {
		return err
	}
	defer root.Close()
	t.out, t.hand = nil, true
	for _, e := range kept {
		if e.Dir {
			if err := t.tree.mkdir(e.Path); err != nil {
				return err
			}
			continue
		}
		d, err := root.Open(path.Dir(e.Path))
		if err != nil {
			return err
		}
		err = errors.Join(t.entry(d, path.Base(e.Path), e.Path, 0), d.Close())
		if err != nil {
			return err
		}
	}
	for _, e := range t.out {
		if i, ok := all.find(e.Path); ok {
			all[i] = e
		}
	}
	return nil
}
