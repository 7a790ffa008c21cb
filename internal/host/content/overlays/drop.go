package overlays

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/durable"
	"github.com/left4me/left4me/internal/left4me"
)

// goneDir is where what is being removed is: out of the way at once.
const goneDir = ".gone"

// Used says which revisions servers have mounted, or are about to mount, and
// which servers.
type Used map[left4me.OverlayRef][]left4me.Name

// by names who has a revision.
func (u Used) by(n left4me.Name, number int) []left4me.Name {
	return u[left4me.OverlayRef{Name: n, Revision: number}]
}

// Drop removes a revision: out of the way at once, and from the disk with
// [Repository.Sweep]. The caller holds off who would mount it meanwhile. Errors:
// left4me.NotFound, and left4me.Busy when it is the current one or in use.
func (s *Repository) Drop(n left4me.Name, number int, used Used) error {
	_, v, err := s.find(n, number)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	dir := s.overlay(n)
	r, err := load(dir)
	if err != nil {
		return err
	}
	switch up := used.by(n, v.Number); {
	case r.Current == v.Number:
		return left4me.Errorf(left4me.Busy, "revision %d of %s is the current one", v.Number, n).WithHint("use another one first")
	case len(up) > 0:
		return left4me.Errorf(left4me.Busy, "revision %d of %s is in use by %s", v.Number, n, names(up)).
			WithHint("restart or stop it first")
	}
	return s.drop(dir, &r, v.Number)
}

func names(all []left4me.Name) string {
	var b strings.Builder
	for i, n := range all {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(n))
	}
	return b.String()
}

// drop takes a revision out of overlay.json, and then away. s.mu is held.
func (s *Repository) drop(dir string, r *record, number int) error {
	i := r.index(number)
	if i < 0 {
		return nil
	}
	if r.Revisions[i].Hand { // else it would be taken again
		text, err := json.Marshal(notes{V: recordVersion, Dropped: true, Revision: left4me.Revision{Number: number}})
		if err == nil {
			err = durable.WriteFile(filepath.Join(dir, strconv.Itoa(number)+notesSuffix), text, 0o644)
		}
		if err != nil {
			return s.full(err, 0)
		}
	}
	r.Revisions = append(r.Revisions[:i:i], r.Revisions[i+1:]...)
	if err := s.save(dir, r); err != nil {
		return err
	}
	return s.sweepRevisions(dir, *r)
}

// sweepRevisions takes away what overlay.json doesn't name: what was being
// published or dropped when something ended. s.mu is held.
func (s *Repository) sweepRevisions(dir string, r record) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var unnamed []string // manifests
	for _, e := range entries {
		name := e.Name()
		stem, isNotes := cutSuffix(name, notesSuffix)
		files, isFiles := cutSuffix(name, filesSuffix)
		switch {
		case strings.HasPrefix(name, ".new-"):
			err = os.Remove(filepath.Join(dir, name))
		case isNotes:
			n, ok := number(stem)
			if !ok || r.index(n) >= 0 {
				continue
			}
			// The directory first: without notes it would count as laid by hand.
			if err = s.away(filepath.Join(dir, stem)); err == nil {
				err = os.Remove(filepath.Join(dir, name))
			}
		case isFiles:
			if n, ok := number(files); ok && r.index(n) < 0 {
				unnamed = append(unnamed, files)
			}
		}
		if err != nil {
			return err
		}
	}
	if len(unnamed) == 0 {
		return nil
	}
	needed := map[string]bool{}
	for _, v := range r.Revisions {
		if p, err := readFiles(dir, v.Number); err == nil {
			needed[strconv.Itoa(p.base)] = true
		}
	}
	for _, stem := range unnamed {
		if !needed[stem] {
			if err := os.Remove(filepath.Join(dir, stem+filesSuffix)); err != nil {
				return err
			}
		}
	}
	return nil
}

// away takes a directory out of the way at once; one that isn't there is no
// error.
func (s *Repository) away(dir string) error {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := s.makeDir(goneDir); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Join(s.dir, goneDir), "")
	if err != nil {
		return err
	}
	return os.Rename(dir, filepath.Join(tmp, filepath.Base(dir)))
}

// Sweep removes what was dropped, and what jobs that were cut left half-made.
// Jobs that are under way keep what they have.
func (s *Repository) Sweep(ctx context.Context) error {
	overlays, err := s.names()
	if err != nil {
		return err
	}
	var failed error // one that can't be swept must not keep the others
	for _, n := range overlays {
		err := func() error {
			s.mu.Lock()
			defer s.mu.Unlock()
			r, err := load(s.overlay(n))
			if err != nil || !r.written && len(r.Revisions) == 0 {
				return err
			}
			return s.sweepRevisions(s.overlay(n), r)
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
			if !ok || jobs && s.isActive(left4me.JobID(id)) {
				continue
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
		return err
	}
	return errors.Join(failed, stale(filepath.Join(s.dir, goneDir), "", false), stale(filepath.Join(s.dir, newDir), "", true),
		stale(filepath.Join(s.root, "tmp"), "overlay-", true))
}

func (s *Repository) isActive(id left4me.JobID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active[id]
}

// names are the overlays that have a directory.
func (s *Repository) names() ([]left4me.Name, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []left4me.Name
	for _, e := range entries {
		if n := left4me.Name(e.Name()); n.Valid() && e.IsDir() {
			all = append(all, n)
		}
	}
	return all, nil
}
