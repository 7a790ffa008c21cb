package overlays

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/left4me"
)

// cacheFor is how long a download stays that no revision has.
const cacheFor = 24 * time.Hour

// Collected is what Collect removed.
type Collected struct {
	Revisions []left4me.OverlayRef
	Overlays  []left4me.Name // that were deleted long ago
	Files     int            // of the pool and of downloads
	Bytes     int64          // that became free, as far as is known
}

// collector removes what nothing needs.
type collector struct {
	layout  *layout
	pool    *pool
	records *records
	trash   *trash
	active  *activeJobs
}

// candidate is a revision that may go.
type candidate struct {
	left4me.OverlayRef
	at time.Time
}

// collect removes what nothing needs: revisions by age and, when the disk gets
// full, by space, but never one that is current, labelled, named by spec.Keep or
// in use; then contents and downloads that no revision has. A revision goes by
// remove, which calls drop unless somebody is about to mount it: then it returns
// left4me.Busy.
func (co *collector) collect(ctx context.Context, spec left4me.CollectSpec, used Used,
	remove func(r left4me.OverlayRef, drop func() error) error,
) (c Collected, err error) {
	free, err := disk.Free(co.layout.root)
	if err != nil {
		return c, err
	}
	defer func() {
		if now, serr := disk.Free(co.layout.root); serr == nil {
			c.Bytes = max(0, now-free)
		}
	}()
	if c.Overlays, err = co.trash.expire(ctx, time.Now()); err != nil {
		return c, err
	}
	all, err := co.candidates(spec)
	if err != nil {
		return c, err
	}
	young := time.Now().Add(-time.Duration(spec.Age) * 24 * time.Hour)
	drop := func(v candidate) error {
		gone := false
		err := ctx.Err()
		if err == nil && len(used.by(v.Name, v.Revision)) == 0 {
			err = remove(v.OverlayRef, func() (err error) {
				gone, err = co.dropUnused(v)
				return err
			})
		}
		if gone {
			c.Revisions = append(c.Revisions, v.OverlayRef)
		}
		if errors.Is(err, left4me.Busy) {
			return nil
		}
		return err
	}
	var later []candidate
	for _, v := range all {
		if v.at.After(young) {
			later = append(later, v)
		} else if err := drop(v); err != nil {
			return c, err
		}
	}
	if err := co.files(ctx, spec, &c); err != nil {
		return c, err
	}
	for _, v := range later {
		now, err := disk.Free(co.layout.root)
		if err != nil || now >= spec.MaxFree {
			return c, err
		}
		if err := drop(v); err != nil {
			return c, err
		}
		if err := co.files(ctx, spec, &c); err != nil {
			return c, err
		}
	}
	return c, nil
}

// files gives back what revisions that went had alone.
func (co *collector) files(ctx context.Context, spec left4me.CollectSpec, c *Collected) error {
	return errors.Join(co.sweep(ctx), co.downloads(ctx, spec, c), co.pool.collect(ctx, c))
}

// candidates are the revisions that may go for all that is known without asking
// what is mounted, the oldest first.
func (co *collector) candidates(spec left4me.CollectSpec) ([]candidate, error) {
	names, err := co.layout.names()
	if err != nil {
		return nil, err
	}
	var all []candidate
	for _, n := range names {
		r, err := load(co.layout.overlay(n))
		if err != nil {
			return nil, err
		}
		for i, v := range r.Revisions {
			ref := left4me.OverlayRef{Name: n, Revision: v.Number}
			if i >= spec.Newest && v.Number != r.Current && v.Label == "" && !slices.Contains(spec.Keep, ref) {
				all = append(all, candidate{ref, v.CreatedAt})
			}
		}
	}
	slices.SortFunc(all, func(a, b candidate) int { return a.at.Compare(b.at) })
	return all, nil
}

// dropUnused drops a revision if it may still go: somebody may have labelled it
// or gone back to it meanwhile.
func (co *collector) dropUnused(v candidate) (bool, error) {
	co.records.mu.Lock()
	defer co.records.mu.Unlock()
	dir := co.layout.overlay(v.Name)
	r, err := load(dir)
	if err != nil {
		return false, err
	}
	if now, ok := r.get(v.Revision); !ok || now.Label != "" || r.Current == v.Revision {
		return false, nil
	}
	return true, co.records.drop(dir, &r, v.Revision)
}

// collect removes contents that have no name but that in the pool. One that
// a build links at that moment keeps what it linked.
func (po *pool) collect(ctx context.Context, c *Collected) error {
	return po.each(func(name string, k key, _ uint64) error {
		var st unix.Stat_t
		if err := errors.Join(ctx.Err(), unix.Lstat(name, &st)); err != nil {
			return ctx.Err() // gone meanwhile
		}
		if st.Nlink > 1 && k != (key{}) {
			return nil
		}
		c.Files++
		if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// downloads removes files of workshop_cache that no revision has.
func (co *collector) downloads(ctx context.Context, spec left4me.CollectSpec, c *Collected) error {
	top := filepath.Join(co.layout.root, "workshop_cache")
	var here, there unix.Stat_t
	if unix.Stat(top, &here) != nil || unix.Stat(co.layout.dir, &there) != nil {
		return nil //nolint:nilerr // there is none
	}
	oldest := time.Now().Add(-cacheFor)
	if here.Dev != there.Dev { // links can't tell
		oldest = time.Now().Add(-max(cacheFor, time.Duration(spec.Age)*24*time.Hour))
	}
	known, err := co.pool.inodes()
	if err != nil {
		return err
	}
	items, err := os.ReadDir(top)
	if err != nil {
		return err
	}
	for _, item := range items {
		dir := filepath.Join(top, item.Name())
		if !item.IsDir() {
			continue
		}
		err := direntries(dir, func(name string, ino uint64) error {
			var st unix.Stat_t
			file := filepath.Join(dir, name)
			if err := unix.Lstat(file, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
				return ctx.Err()
			}
			names := uint64(1) // of its own, and in the pool
			if _, ok := known[ino]; ok && here.Dev == there.Dev {
				names = 2
			}
			if uint64(st.Nlink) > names || time.Unix(st.Ctim.Unix()).After(oldest) {
				return ctx.Err()
			}
			c.Files++
			return errors.Join(os.Remove(file), ctx.Err())
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		_ = os.Remove(dir) // if it is empty now
	}
	return nil
}

// sweep removes what was dropped, and what jobs that were cut left half-made.
// Jobs that are under way keep what they have.
func (co *collector) sweep(ctx context.Context) error {
	overlays, err := co.layout.names()
	if err != nil {
		return err
	}
	var failed error // one that can't be swept must not keep the others
	for _, n := range overlays {
		err := func() error {
			co.records.mu.Lock()
			defer co.records.mu.Unlock()
			r, err := load(co.layout.overlay(n))
			if err != nil || !r.written && len(r.Revisions) == 0 {
				return err
			}
			return co.records.sweep(co.layout.overlay(n), r)
		}()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("sweep %s: %w", n, err))
		}
	}
	stale := func(dir, prefix string, jobs bool) error {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, e := range entries {
			id, ok := strings.CutPrefix(e.Name(), prefix)
			if !ok || jobs && co.active.has(left4me.JobID(id)) {
				continue
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
		return err
	}
	return errors.Join(failed, stale(filepath.Join(co.layout.dir, removedDir), "", false),
		stale(filepath.Join(co.layout.dir, newDir), "", true),
		stale(filepath.Join(co.layout.root, "tmp"), "overlay-", true))
}
