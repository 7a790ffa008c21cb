package disk

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/periodic"
)

// DefaultReserve is the size of the emergency reserve on each file system.
const DefaultReserve = 64 << 20

const (
	reserveName = ".left4me-reserve"
	// share is the part of a small file system that the reserve takes at most: 1
	// GiB is enough for DefaultReserve.
	share = 16
	// fillEvery is how often left4me looks for room to make the reserve again.
	fillEvery = 5 * time.Second
)

// Reserve is a file on each file system beneath a root that holds nothing but
// space. It is given back when a write fails for want of space, so that what
// people do about the full disk can still be written, and made again when there
// is room. It is safe for concurrent use.
type Reserve struct {
	root string
	size int64
	log  *slog.Logger
	disk *Watch // of the root: none is made beneath a mount point that shows
	mu   sync.Mutex
}

// NewReserve returns the reserve of a root and of the file systems that are
// mounted, or linked to, right beneath it. With a size of 0 there is none. Run
// makes it.
func NewReserve(root string, size int64, log *slog.Logger) *Reserve {
	return &Reserve{root: root, size: size, log: log, disk: NewWatch(root)}
}

// Run keeps the reserve until ctx ends.
func (r *Reserve) Run(ctx context.Context) error {
	if r.size == 0 {
		r.Release()
		return nil
	}
	periodic.Run(ctx, periodic.Schedule{Every: fillEvery, AtOnce: true}, func(context.Context) { r.Fill() })
	return nil
}

// Release gives back what is reserved, and reports whether that made room.
func (r *Reserve) Release() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	released := false
	for _, dir := range r.dirs() {
		size, _ := r.sizeOn(dir)
		if free, err := Free(dir); err == nil && size > 0 && free >= size {
			continue // it isn't this one that is full
		}
		file := filepath.Join(dir, reserveName)
		if err := os.Remove(file); err == nil {
			released = true
			r.log.Warn("disk full: the emergency reserve is given back", "file", file)
		} else if !errors.Is(err, os.ErrNotExist) {
			r.log.Error("give back the emergency reserve", "err", err)
		}
	}
	return released
}

// Fill makes the reserve where it is missing and as much again stays free behind
// it: a disk that is about to be full gets none.
func (r *Reserve) Fill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.disk.Check() != nil {
		return
	}
	for _, dir := range r.dirs() {
		file := filepath.Join(dir, reserveName)
		size, err := r.sizeOn(dir)
		if err != nil || size < 4096 {
			continue
		}
		if st, err := os.Lstat(file); err == nil && st.Mode().IsRegular() && st.Size() == size {
			continue
		}
		_ = os.Remove(file) // of another size, or cut off
		free, err := Free(dir)
		if err != nil || free < 2*size {
			continue
		}
		if err := allocate(file, size); err != nil {
			_ = os.Remove(file)
			r.log.Warn("make the emergency reserve", "file", file, "err", err)
		}
	}
}

// sizeOn is the size of the reserve on the file system of a directory.
func (r *Reserve) sizeOn(dir string) (int64, error) {
	st, err := statfs(dir)
	if err != nil {
		return 0, err
	}
	return min(r.size, int64(st.Blocks)*st.Bsize/share) &^ 4095, nil
}

// dirs are the root and the directories right beneath it that are on other file
// systems, one for each.
func (r *Reserve) dirs() []string {
	seen := map[uint64]bool{}
	var all []string
	add := func(dir string) {
		info, err := os.Stat(dir)
		if err != nil || !info.IsDir() {
			return
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && !seen[st.Dev] {
			seen[st.Dev] = true
			all = append(all, dir)
		}
	}
	add(r.root)
	entries, _ := os.ReadDir(r.root) // what can't be read has no reserve
	for _, e := range entries {
		if e.Name() != "run" { // sockets, in memory where systemd makes it
			add(filepath.Join(r.root, e.Name()))
		}
	}
	return all
}

// allocate makes a file whose blocks are its own.
func allocate(file string, size int64) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	err = unix.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) {
		// Such a file system may compress: only noise takes room.
		_, err = io.CopyN(f, rand.Reader, size)
	}
	return errors.Join(err, f.Close())
}
