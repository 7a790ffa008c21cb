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
	// share limits the reserve to 1/16 of a file system, so 1 GiB is enough for DefaultReserve.
	share = 16
	// fillEvery is the interval of the attempts to recreate the reserve.
	fillEvery = 5 * time.Second
)

// Reserve is a file on each file system under a root that only occupies space. It is removed when a
// write fails because the disk is full, so that users can still save changes that free space, and
// recreated once there is room. It is safe for concurrent use.
type Reserve struct {
	root string
	size int64
	log  *slog.Logger
	disk *Watch // watches the root: an empty mount point gets no reserve
	mu   sync.Mutex
}

// NewReserve returns the reserve for the file systems of a root and of the directories mounted, or
// linked to, directly under it. A size of 0 disables it. Run creates the files.
func NewReserve(root string, size int64, log *slog.Logger) *Reserve {
	return &Reserve{root: root, size: size, log: log, disk: NewWatch(root)}
}

// Run maintains the reserve until ctx ends.
func (r *Reserve) Run(ctx context.Context) error {
	if r.size == 0 {
		r.Release()
		return nil
	}
	periodic.Run(ctx, periodic.Schedule{Every: fillEvery, AtOnce: true}, func(context.Context) { r.Fill() })
	return nil
}

// Release removes the reserve from full file systems and reports whether that freed space.
func (r *Reserve) Release() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	released := false
	for _, dir := range r.dirs() {
		size, _ := r.sizeOn(dir)
		if free, err := Free(dir); err == nil && size > 0 && free >= size {
			continue // this file system is not full
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

// Fill creates the reserve where it is missing and at least its own size stays free afterwards, so
// a nearly full disk gets none.
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
		_ = os.Remove(file) // wrong size or incomplete
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

// sizeOn returns the size of the reserve on a directory's file system.
func (r *Reserve) sizeOn(dir string) (int64, error) {
	st, err := statfs(dir)
	if err != nil {
		return 0, err
	}
	return min(r.size, int64(st.Blocks)*st.Bsize/share) &^ 4095, nil
}

// dirs returns the root and, for each other file system, one directory directly under the root.
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
	entries, _ := os.ReadDir(r.root) // without access there is no reserve
	for _, e := range entries {
		if e.Name() != "run" { // holds sockets; in memory if systemd creates it
			add(filepath.Join(r.root, e.Name()))
		}
	}
	return all
}

// allocate creates a file whose blocks are really allocated.
func allocate(file string, size int64) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	err = unix.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) {
		// A file system without fallocate may compress data; only random bytes take the full space.
		_, err = io.CopyN(f, rand.Reader, size)
	}
	return errors.Join(err, f.Close())
}
