package overlays

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/bus"
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

// candidate is a revision that may go.
type candidate struct {
	left4me.OverlayRef
	at time.Time
}

// Collect removes what nothing needs: revisions by age and, when the disk gets
// full, by space, but never one that is current, labelled, named by spec.Keep or
// in use; then contents and downloads that no revision has. A revision goes by
// remove, which calls drop unless somebody is about to mount it: then it returns
// left4me.Busy.
func (s *Repository) Collect(ctx context.Context, spec bus.CollectSpec, used Used,
	remove func(r left4me.OverlayRef, drop func() error) error,
) (c Collected, err error) {
	free, err := disk.Free(s.root)
	if err != nil {
		return c, err
	}
	defer func() {
		if now, serr := disk.Free(s.root); serr == nil {
			c.Bytes = max(0, now-free)
		}
	}()
	if c.Overlays, err = s.expire(ctx, time.Now()); err != nil {
		return c, err
	}
	all, err := s.candidates(spec)
	if err != nil {
		return c, err
	}
	young := time.Now().Add(-time.Duration(spec.Age) * 24 * time.Hour)
	drop := func(v candidate) error {
		gone := false
		err := ctx.Err()
		if err == nil && len(used.by(v.Name, v.Revision)) == 0 {
			err = remove(v.OverlayRef, func() (err error) {
				gone, err = s.dropUnused(v)
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
	if err := s.collectFiles(ctx, spec, &c); err != nil {
		return c, err
	}
	for _, v := range later {
		now, err := disk.Free(s.root)
		if err != nil || now >= spec.MaxFree {
			return c, err
		}
		if err := drop(v); err != nil {
			return c, err
		}
		if err := s.collectFiles(ctx, spec, &c); err != nil {
			return c, err
		}
	}
	return c, nil
}

// collectFiles gives back what revisions that went had alone.
func (s *Repository) collectFiles(ctx context.Context, spec bus.CollectSpec, c *Collected) error {
	return errors.Join(s.Sweep(ctx), s.collectDownloads(ctx, spec, c), s.collectPool(ctx, c))
}

// candidates are the revisions that may go for all that is known without asking
// what is mounted, the oldest first.
func (s *Repository) candidates(spec bus.CollectSpec) ([]candidate, error) {
	names, err := s.names()
	if err != nil {
		return nil, err
	}
	var all []candidate
	for _, n := range names {
		r, err := load(s.overlay(n))
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
func (s *Repository) dropUnused(v candidate) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	dir := s.overlay(v.Name)
	r, err := load(dir)
	if err != nil {
		return false, err
	}
	if now, ok := r.get(v.Revision); !ok || now.Label != "" || r.Current == v.Revision {
		return false, nil
	}
	return true, s.drop(dir, &r, v.Revision)
}

// collectPool removes contents that have no name but that in the pool. One that
// a build links at that moment keeps what it linked.
func (s *Repository) collectPool(ctx context.Context, c *Collected) error {
	return s.eachPooled(func(name string, k key, _ uint64) error {
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

// collectDownloads removes files of workshop_cache that no revision has.
func (s *Repository) collectDownloads(ctx context.Context, spec bus.CollectSpec, c *Collected) error {
	top := filepath.Join(s.root, "workshop_cache")
	var here, there unix.Stat_t
	if unix.Stat(top, &here) != nil || unix.Stat(s.dir, &there) != nil {
		return nil //nolint:nilerr // there is none
	}
	oldest := time.Now().Add(-cacheFor)
	if here.Dev != there.Dev { // links can't tell
		oldest = time.Now().Add(-max(cacheFor, time.Duration(spec.Age)*24*time.Hour))
	}
	known, err := s.inodes()
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
