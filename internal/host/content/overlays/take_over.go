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

// intake moves files that other users may still modify or replace into a private tree. It opens
// every file by descriptor without following links, so the file that it hashes is the file that it
// links.
type intake struct {
	ctx      context.Context
	pool     *pool
	tree     *tree
	spare    string // private directory for copies, on the same file system as the tree
	copies   int
	hand     bool           // files come from a possibly mounted revision, so their modes must not change
	known    map[uint64]key // inodes of the pool; nil until needed
	first    map[key]string // see sealed.first
	over     map[key]bool   // see sealed.over
	out      Manifest
	progress func(files int, bytes int64)
	files    int
	bytes    int64
}

// dir imports everything in a directory.
func (t *intake) dir(d *os.File, p string, depth int) error {
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

func (t *intake) entry(d *os.File, name, p string, depth int) error {
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

// openEntry opens a regular file or a directory.
func openEntry(d *os.File, name string) (*os.File, unix.Stat_t, error) {
	var st unix.Stat_t
	// Check the type before opening: opening a device has side effects, and opening a pipe can
	// block.
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

// file imports one file. It links the file itself if only left4me can write to it, and a copy
// otherwise.
func (t *intake) file(f *os.File, st unix.Stat_t, p string) error {
	e := Entry{Path: p, Exec: st.Mode&0o100 != 0, Size: st.Size}
	if k, ok, err := t.pooled(st); err != nil {
		return err
	} else if ok && st.Nlink > 1 {
		e.Hash, e.Exec = k.hash, k.exec
		return t.add(e, f, false)
	}
	ours, err := t.secure(f, st)
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

// pooled returns the key of an inode if it is in the pool.
func (t *intake) pooled(st unix.Stat_t) (k key, ok bool, err error) {
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

// secure restricts a file of left4me's user to that user and reports whether it can be linked
// without a copy. It can't if it has extended attributes, which overlayfs may interpret, or if a
// process has it open or mapped for writing.
func (t *intake) secure(f *os.File, st unix.Stat_t) (bool, error) {
	fd := int(f.Fd())
	if int(st.Uid) != os.Geteuid() || st.Dev != t.tree.dev {
		return false, nil
	}
	if n, err := unix.Flistxattr(fd, nil); n > 0 || err != nil && !errors.Is(err, unix.ENOTSUP) {
		return false, nil //nolint:nilerr // a copy has no attributes
	}
	// After this, only left4me's user can open the file. A file that has other links keeps its mode
	// for now; it must not be writable for users outside the game's group.
	other := t.hand || st.Nlink > 1
	if other && (st.Mode&0o002 != 0 || st.Mode&0o020 != 0 && int(st.Gid) != t.pool.layout.group) {
		return false, nil
	}
	if !other && st.Mode&0o077 != 0 {
		if err := f.Chmod(fs.FileMode(st.Mode & 0o700)); err != nil {
			return false, err
		}
	}
	// The kernel refuses a read lease while the file is open for writing.
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK); err != nil {
		return false, nil //nolint:nilerr // copying is always safe
	}
	_, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
	return err == nil, err
}

// add links a file into the tree. fresh means that the inode is not in the pool; if the pool has
// the content, add links the pool's inode instead.
func (t *intake) add(e Entry, f *os.File, fresh bool) error {
	k := e.key()
	t.files, t.bytes = t.files+1, t.bytes+e.Size
	if t.progress != nil {
		t.progress(t.files, t.bytes)
	}
	t.out = append(t.out, e)
	if !fresh {
		err := t.tree.link(e.Path, descriptor(f))
		if errors.Is(err, unix.EMLINK) {
			return t.linkCopy(e, f)
		}
		return err
	}
	err := error(unix.ENOENT)
	if first, ok := t.first[k]; ok {
		err = t.tree.link(e.Path, t.tree.path(first))
	} else if t.poolIntact(k, e.Size) {
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
		return t.linkCopy(e, f)
	}
	t.first[k] = e.Path
	return err
}

// poolIntact reports whether the pool has a file of this key and size. A file of another size is damaged
// and marked for replacement.
func (t *intake) poolIntact(k key, size int64) bool {
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

// linkCopy links a copy instead of an inode that has reached the maximum number of links. The copy
// replaces the file in the pool.
func (t *intake) linkCopy(e Entry, f *os.File) error {
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

// copy creates a private copy of f and hashes the bytes that it wrote.
func (t *intake) copy(f *os.File, e *Entry) (*os.File, error) {
	t.copies++
	c, err := os.OpenFile(path.Join(t.spare, strconv.Itoa(t.copies)), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	// The copy keeps its name, because an unlinked file can't be linked again. It is removed with
	// its directory.
	sum := sha256.New()
	if unix.IoctlFileClone(int(c.Fd()), int(f.Fd())) == nil {
		// The clone shares blocks with f but is not affected by later writes to f.
		e.Size, err = t.read(c, -1, sum, nil)
	} else {
		if err = t.pool.layout.room(e.Size); err == nil {
			e.Size, err = t.read(f, e.Size, sum, c)
		}
	}
	if err != nil {
		c.Close()
		return nil, t.pool.layout.diskFull(err, e.Size)
	}
	sum.Sum(e.Hash[:0])
	return c, nil
}

// sum hashes at most size bytes of a file.
func (t *intake) sum(f *os.File, size int64) (n int64, hash [sha256.Size]byte, err error) {
	h := sha256.New()
	n, err = t.read(f, size, h, nil)
	h.Sum(hash[:0])
	return n, hash, err
}

const readBlock = 1 << 20

// read hashes a file and, if to is set, copies it, preserving holes. It reads at most size bytes,
// in case the file grows; -1 means to the end.
func (t *intake) read(f *os.File, size int64, sum hash.Hash, to *os.File) (int64, error) {
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

// descriptor returns a path that refers to the open file itself.
func descriptor(f *os.File) string { return "/proc/self/fd/" + strconv.Itoa(int(f.Fd())) }

// takeStaged imports the staged files.
func (t *intake) takeStaged(root *os.Root) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	return t.dir(d, "", 0)
}

// keep adds entries of the base revision to the tree. all is the complete new manifest.
func (t *intake) keep(from string, kept, all Manifest, hand bool) error {
	if hand {
		return t.keepInstalledByHand(from, kept, all)
	}
	var links Manifest
	for _, e := range kept {
		if _, still := all.find(e.Path); still { // otherwise a directory that is no longer empty
			links = append(links, e)
		}
	}
	return t.tree.linkAll(t.ctx, from, links, t.linkCopy)
}

// keepInstalledByHand adds entries of a revision that was installed by hand. Their content may have changed
// since the manifest was created, so it updates the entries in all.
func (t *intake) keepInstalledByHand(from string, kept, all Manifest) error {
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
