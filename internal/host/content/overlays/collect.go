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

// cacheFor is how long an unused download stays in workshop_cache.
const cacheFor = 24 * time.Hour

// Collected is the result of Collect.
type Collected struct {
	Revisions []left4me.OverlayRef
	Overlays  []left4me.Name // deleted overlays whose restore period has ended
	Files     int            // files of the pool and cached downloads
	Bytes     int64          // increase of free disk space; other writers affect it
}

// collector removes unneeded revisions, pool files and downloads.
type collector struct {
	layout  *layout
	pool    *pool
	records *records
	trash   *trash
	active  *activeJobs
}

// candidate is a revision that may be removed.
type candidate struct {
	left4me.OverlayRef
	at time.Time
}

// collect implements [Repository.Collect].
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

// files removes files that only removed revisions used.
func (co *collector) files(ctx context.Context, spec left4me.CollectSpec, c *Collected) error {
	return errors.Join(co.sweep(ctx), co.downloads(ctx, spec, c), co.pool.collect(ctx, c))
}

// candidates returns the removable revisions, oldest first, including ones that may be mounted.
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

// dropUnused drops a revision unless it has been labelled or made current in the meantime.
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

// collect removes pool files that have no other link. A build that links one at the same time keeps
// its link.
func (po *pool) collect(ctx context.Context, c *Collected) error {
	return po.each(func(name string, k key, _ uint64) error {
		var st unix.Stat_t
		if err := errors.Join(ctx.Err(), unix.Lstat(name, &st)); err != nil {
			return ctx.Err() // removed in the meantime
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

// downloads removes files in workshop_cache that no revision contains.
func (co *collector) downloads(ctx context.Context, spec left4me.CollectSpec, c *Collected) error {
	top := filepath.Join(co.layout.root, "workshop_cache")
	var here, there unix.Stat_t
	if unix.Stat(top, &here) != nil || unix.Stat(co.layout.dir, &there) != nil {
		return nil //nolint:nilerr // no workshop_cache or no overlays
	}
	oldest := time.Now().Add(-cacheFor)
	if here.Dev != there.Dev { // revisions have copies, so link counts mean nothing
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
			names := uint64(1) // links of an unused file: in the cache and, if pooled, in the pool
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
		_ = os.Remove(dir) // fails unless empty
	}
	return nil
}

// sweep implements [Repository.Sweep].
func (co *collector) sweep(ctx context.Context) error {
	overlays, err := co.layout.names()
	if err != nil {
		return err
	}
	var failed error // an overlay that can't be swept must not prevent sweeping the others
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
