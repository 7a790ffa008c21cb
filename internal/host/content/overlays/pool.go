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

// poolDir is the directory of the pool in overlays/. It is not a valid overlay name.
const poolDir = ".pool"

// pool stores each distinct file content of all revisions once.
type pool struct {
	layout *layout
	blocks sync.Pool // read buffers
}

func newPool(l *layout) *pool {
	return &pool{layout: l, blocks: sync.Pool{New: func() any { b := make([]byte, readBlock); return &b }}}
}

func (po *pool) buffer() *[]byte { return po.blocks.Get().(*[]byte) } //nolint:forcetypeassert // the pool only contains *[]byte

// key identifies a file content and its executable bit. Files with the same key share an inode.
type key struct {
	hash [32]byte
	exec bool
}

func (e Entry) key() key { return key{e.Hash, e.Exec} }

// name returns the path of a file in the pool.
func (k key) name() string {
	h := hex.EncodeToString(k.hash[:])
	if k.exec {
		h += "x"
	}
	return h[:2] + "/" + h
}

// parseKey parses the last component of such a path.
func parseKey(s string) (k key, ok bool) {
	s, k.exec = strings.CutSuffix(s, "x")
	n, err := hex.Decode(k.hash[:], []byte(s)[:min(len(s), 64)])
	return k, err == nil && n == len(k.hash) && len(s) == 64 && strings.ToLower(s) == s
}

func (po *pool) path(k key) string { return filepath.Join(po.layout.dir, poolDir, k.name()) }

// add links a file of a revision into the pool, unless the pool has its content. The file must have
// been synced, because a file in the pool must always be complete. over replaces an existing file.
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

// inodes returns the key of each inode in the pool. It derives them from file names without reading
// files.
func (po *pool) inodes() (map[uint64]key, error) {
	known := map[uint64]key{}
	err := po.each(func(_ string, k key, ino uint64) error { known[ino] = k; return nil })
	return known, err
}

// each calls f for each file in the pool. k is zero for temporary files of interrupted
// replacements.
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

// direntries lists the names and inode numbers in a directory without a stat of each entry.
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
		// struct linux_dirent64: inode (8 bytes), offset (8), length (2), type (1), name.
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
