package overlays

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/durable"
	"github.com/left4me/left4me/internal/left4me"
)

// Publish makes a revision of what was staged and has servers start with it from
// now on. When it is the same as the current revision nothing is made, and
// changed is false. Errors: left4me.Invalid names the entry that is refused,
// left4me.Unavailable says how many bytes are missing on a full disk.
//
// All of it is on the disk before overlay.json names it: whatever cuts it off
// leaves the old state, and what the next sweep removes.
func (s *Repository) Publish(ctx context.Context, st *Staging, m Meta, say Progress) (r left4me.Revision, changed bool, err error) {
	if _, err := st.Seal(ctx, say); err != nil {
		return r, false, err
	}
	number, before, err := s.manifests.get(ctx, st.overlay, 0)
	if err != nil && !errors.Is(err, left4me.NotFound) {
		return r, false, err
	}
	same := number > 0
	each(before, st.sealed.files, func(p pair) bool {
		switch {
		case p.from == nil:
			r.Added++
		case p.to == nil:
			r.Removed++
		default:
			r.Changed++
		}
		same = false
		return true
	})
	if same {
		rec, err := load(s.layout.overlay(st.overlay))
		if err != nil {
			return r, false, err
		}
		now, _ := rec.get(number)
		return now.Revision, now.Job != "" && now.Job == m.Job, nil
	}
	r.By, r.Job, r.Note, r.Origin, r.Archive = m.By, m.Job, m.Note, m.Origin, m.Archive
	r.Files, r.Bytes = st.sealed.files.size()
	r.Warned = len(m.Warnings)
	r.CreatedAt = time.Now().UTC().Truncate(time.Millisecond)
	r, err = s.commit(ctx, st, r, m)
	if err != nil {
		return left4me.Revision{}, false, s.layout.full(fmt.Errorf("publish %s: %w", st.overlay, err), 0)
	}
	return r, true, nil
}

// commit gives a sealed revision its number and its place.
func (s *Repository) commit(ctx context.Context, st *Staging, r left4me.Revision, m Meta) (left4me.Revision, error) {
	// Before the lock, since it takes longest: it has all files.
	if err := syncTree(st.sealed.dir, len(st.sealed.first)); err != nil {
		return r, err
	}
	s.records.mu.Lock()
	defer s.records.mu.Unlock()
	dir := s.layout.overlay(st.overlay)
	if err := s.layout.makeDir(string(st.overlay)); err != nil {
		return r, err
	}
	rec, err := load(dir)
	if err != nil {
		return r, err
	}
	rec.Last = max(rec.Last, s.layout.lastDeleted(st.overlay))
	if !rec.written { // else a revision without it would count as laid by hand
		if err := s.records.save(dir, &rec); err != nil {
			return r, err
		}
	}
	if err := s.records.sweep(dir, rec); err != nil {
		return r, err
	}
	r.Number = rec.Last + 1
	if err := s.prepare(st, rec, r, m); err != nil {
		return r, err
	}
	if err := ctx.Err(); err != nil {
		return r, err
	}
	private, name := s.layout.private(st.job), strconv.Itoa(r.Number)
	for _, suffix := range []string{notesSuffix, filesSuffix} {
		if err := os.Rename(filepath.Join(private, "revision"+suffix), filepath.Join(dir, name+suffix)); err != nil {
			return r, err
		}
	}
	if err := durable.SyncDir(dir); err != nil {
		return r, err
	}
	if err := os.Rename(st.sealed.dir, filepath.Join(dir, name)); err != nil {
		return r, err
	}
	if err := durable.SyncDir(dir); err != nil {
		return r, err
	}
	for k, p := range st.sealed.first {
		if err := s.pool.add(k, filepath.Join(dir, name, p), st.sealed.over[k]); err != nil {
			return r, err
		}
	}
	rec.Revisions = slices.Insert(rec.Revisions, 0, revision{Revision: r})
	rec.Current, rec.Last = r.Number, r.Number
	return r, s.records.save(dir, &rec)
}

// prepare writes what stands beside a revision, to where it can be renamed from.
func (s *Repository) prepare(st *Staging, rec record, r left4me.Revision, m Meta) error {
	n := notes{V: recordVersion, Revision: r}
	n.Warnings, n.Campaigns, n.Items = m.Warnings, m.Campaigns, m.Items
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	private := s.layout.private(st.job)
	if err := durable.WriteFile(filepath.Join(private, "revision"+notesSuffix), text, 0o644); err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(private, "revision"+filesSuffix),
		s.manifests.encode(s.layout.overlay(st.overlay), rec.Current, st.sealed.files), 0o644)
}

// syncTree brings a tree to the disk, of which so many files are new.
func syncTree(dir string, fresh int) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := unix.Syncfs(int(d.Fd())); err != nil {
		return &os.PathError{Op: "sync", Path: dir, Err: err}
	}
	return nil
}
