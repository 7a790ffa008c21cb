package overlays

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/durable"
	"github.com/left4me/left4me/internal/left4me"
)

// deletedDir contains deleted overlays as NAME-<unix seconds>.
const deletedDir = ".deleted"

// restorableFor is the period in which a deleted overlay can be restored.
const restorableFor = 7 * 24 * time.Hour

// trash manages deleted overlays until their restore period ends.
type trash struct {
	layout  *layout
	records *records
	usage   *usage
}

// deleted is a deleted overlay that can still be restored.
type deleted struct {
	name left4me.Name
	at   time.Time
	dir  string
}

func (d deleted) expires() time.Time { return d.at.Add(restorableFor) }

// deleted lists the deleted overlays, most recent first.
func (l *layout) deleted() ([]deleted, error) {
	top := filepath.Join(l.dir, deletedDir)
	entries, err := os.ReadDir(top)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []deleted
	for _, e := range entries {
		i := strings.LastIndexByte(e.Name(), '-')
		if i < 0 || !e.IsDir() {
			continue
		}
		at, err := strconv.ParseInt(e.Name()[i+1:], 10, 64)
		if n := left4me.Name(e.Name()[:i]); err == nil && n.Valid() {
			all = append(all, deleted{n, time.Unix(at, 0).UTC(), filepath.Join(top, e.Name())})
		}
	}
	slices.SortFunc(all, func(a, b deleted) int { return b.at.Compare(a.at) })
	return all, nil
}

// lastDeleted returns the highest revision number ever assigned in deleted overlays of a name.
func (l *layout) lastDeleted(n left4me.Name) int {
	all, err := l.deleted()
	last := 0
	for _, d := range all {
		if d.name == n && err == nil {
			if r, err := load(d.dir); err == nil {
				last = max(last, r.Last)
			}
		}
	}
	return last
}

// delete implements [Repository.Delete].
func (tr *trash) delete(n left4me.Name, used Used) (until time.Time, err error) {
	if !n.Valid() {
		return until, notFound(n, 0)
	}
	tr.records.mu.Lock()
	defer tr.records.mu.Unlock()
	dir := tr.layout.overlay(n)
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return until, nil
	}
	for ref, up := range used {
		if ref.Name == n && len(up) > 0 {
			return until, left4me.NewError(left4me.Busy, "overlay.in_use", "overlay", n, "servers", left4me.JoinNames(up))
		}
	}
	if err := tr.layout.makeDir(deletedDir); err != nil {
		return until, err
	}
	at := time.Now().UTC().Truncate(time.Second)
	for {
		to := filepath.Join(tr.layout.dir, deletedDir, fmt.Sprintf("%s-%d", n, at.Unix()))
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			if err := os.Rename(dir, to); err != nil {
				return until, err
			}
			tr.usage.changed()
			return at.Add(restorableFor), errors.Join(durable.SyncDir(filepath.Join(tr.layout.dir, deletedDir)),
				durable.SyncDir(tr.layout.dir))
		}
		at = at.Add(time.Second) // another overlay of this name was deleted in the same second
	}
}

// restore implements [Repository.Restore].
func (tr *trash) restore(n left4me.Name) (int, error) {
	tr.records.mu.Lock()
	defer tr.records.mu.Unlock()
	now, err := load(tr.layout.overlay(n))
	if err != nil || !n.Valid() {
		return 0, errors.Join(err, notFound(n, 0))
	}
	all, err := tr.layout.deleted()
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(all, func(d deleted) bool { return d.name == n })
	switch {
	case i < 0: // not deleted, or without any revision when it was deleted
		return now.Current, nil
	case now.Current > 0:
		return 0, left4me.NewError(left4me.Conflict, "overlay.another", "overlay", n)
	}
	if err := tr.layout.moveToRemoved(tr.layout.overlay(n)); err != nil { // contains no revisions
		return 0, err
	}
	if err := os.Rename(all[i].dir, tr.layout.overlay(n)); err != nil {
		return 0, err
	}
	tr.usage.changed()
	r, err := load(tr.layout.overlay(n))
	if err == nil && now.Last > r.Last {
		r.Last = now.Last
		err = tr.records.save(tr.layout.overlay(n), &r)
	}
	return r.Current, errors.Join(err, durable.SyncDir(tr.layout.dir))
}

// expire removes overlays whose restore period has ended.
func (tr *trash) expire(ctx context.Context, now time.Time) (names []left4me.Name, err error) {
	tr.records.mu.Lock()
	defer tr.records.mu.Unlock()
	all, err := tr.layout.deleted()
	for _, d := range all {
		if err != nil {
			break
		}
		if now.After(d.expires()) {
			err = errors.Join(tr.layout.moveToRemoved(d.dir), ctx.Err())
			names = append(names, d.name)
		}
	}
	if len(names) > 0 {
		tr.usage.changed()
	}
	return names, err
}
