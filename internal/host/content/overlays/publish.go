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

// Publish publishes the staged files as a revision and makes it current. If they equal the current
// revision, no revision is created and changed is false. Errors: left4me.Invalid names the rejected
// entry, left4me.DiskFull states the missing space.
//
// All files are synced before overlay.json mentions the revision. An interrupted call leaves the
// previous revision current, and the next sweep removes the remains.
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
		return left4me.Revision{}, false, s.layout.diskFull(fmt.Errorf("publish %s: %w", st.overlay, err), 0)
	}
	return r, true, nil
}

// commit assigns a number to a sealed revision and moves it to its final path.
func (s *Repository) commit(ctx context.Context, st *Staging, r left4me.Revision, m Meta) (left4me.Revision, error) {
	// Sync before taking the lock: it takes longest and covers all files.
	if err := syncTree(st.sealed.dir); err != nil {
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
	if !rec.written { // a revision without overlay.json would count as installed by hand
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

// prepare writes the notes and the manifest of a revision next to its tree.
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

// syncTree syncs the file system of a tree.
func syncTree(dir string) error {
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
