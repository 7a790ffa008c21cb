package overlays

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// poolDir is where contents are beneath overlays/. It is no name of an overlay.
const poolDir = ".pool"

// pool has all contents of revisions once.
type pool struct {
	layout *layout
	blocks sync.Pool // buffers to read with
}

func newPool(l *layout) *pool {
	return &pool{layout: l, blocks: sync.Pool{New: func() any { b := make([]byte, readBlock); return &b }}}
}

func (po *pool) buffer() *[]byte { return po.blocks.Get().(*[]byte) } //nolint:forcetypeassert // nothing else is put there

// key is a content: two files of the same key are one inode.
type key struct {
	hash [32]byte
	exec bool
}

func (e Entry) key() key { return key{e.Hash, e.Exec} }

// name is where a content is in the pool.
func (k key) name() string {
	h := hex.EncodeToString(k.hash[:])
	if k.exec {
		h += "x"
	}
	return h[:2] + "/" + h
}

// parseKey reads the last part of a name.
func parseKey(s string) (k key, ok bool) {
	s, k.exec = strings.CutSuffix(s, "x")
	n, err := hex.Decode(k.hash[:], []byte(s)[:min(len(s), 64)])
	return k, err == nil && n == len(k.hash) && len(s) == 64 && strings.ToLower(s) == s
}

func (po *pool) path(k key) string { return filepath.Join(po.layout.dir, poolDir, k.name()) }

// add makes a file of a revision the one of its content in the pool, unless
// there is one. The file must be on the disk, so that no name in the pool ever
// leads to less than it says. over replaces the one that is there.
func (po *pool) add(k key, file string, over bool) error {
	name := po.path(k)
	link := func() error {
		if !over {
			return os.Link(file, name)
		}
		tmp := name + ".new"
		if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := os.Link(file, tmp); err != nil {
			return err
		}
		return os.Rename(tmp, name)
	}
	err := link()
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(name), 0o750); err == nil {
			err = link()
		}
	}
	if errors.Is(err, fs.ErrExist) || errors.Is(err, unix.EMLINK) {
		return nil
	}
	return err
}

// inodes reads which inode has which content, from the names in the pool alone.
func (po *pool) inodes() (map[uint64]key, error) {
	known := map[uint64]key{}
	err := po.each(func(_ string, k key, ino uint64) error { known[ino] = k; return nil })
	return known, err
}

// each calls f for each name in the pool; k is nothing for one that was
// given up halfway.
func (po *pool) each(f func(name string, k key, ino uint64) error) error {
	top := filepath.Join(po.layout.dir, poolDir)
	dirs, err := os.ReadDir(top)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, d := range dirs {
		dir := filepath.Join(top, d.Name())
		err := direntries(dir, func(name string, ino uint64) error {
			k, ok := parseKey(name)
			if !ok {
				k = key{}
			}
			return f(filepath.Join(dir, name), k, ino)
		})
		if err != nil {
			return fmt.Errorf("pool: %w", err)
		}
	}
	return nil
}

// direntries lists a directory with the inodes that its entries name, which
// costs no stat of each of them.
func direntries(dir string, f func(name string, ino uint64) error) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Getdents(int(d.Fd()), buf)
		if err != nil {
			return &os.PathError{Op: "list", Path: dir, Err: err}
		}
		if n <= 0 {
			return nil
		}
		// struct linux_dirent64: inode, offset, length, type, name.
		for rest := buf[:n]; len(rest) >= 19; {
			size := int(binary.NativeEndian.Uint16(rest[16:]))
			if size < 19 || size > len(rest) {
				return &os.PathError{Op: "list", Path: dir, Err: unix.EBADMSG}
			}
			name, _, _ := strings.Cut(string(rest[19:size]), "\x00")
			ino := binary.NativeEndian.Uint64(rest)
			rest = rest[size:]
			if name == "." || name == ".." {
				continue
			}
			if err := f(name, ino); err != nil {
				return err
			}
		}
	}
}
