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

// deletedDir holds overlays that were deleted, as NAME-<unix seconds>.
const deletedDir = ".deleted"

// keptFor is how long a deleted overlay can be taken back.
const keptFor = 7 * 24 * time.Hour

// deleted is an overlay that was set aside.
type deleted struct {
	name left4me.Name
	at   time.Time
	dir  string
}

func (d deleted) gone() time.Time { return d.at.Add(keptFor) }

// deleted lists what was set aside, the newest first.
func (s *Repository) deleted() ([]deleted, error) {
	top := filepath.Join(s.dir, deletedDir)
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

// lastDeleted is the highest number that was given away by overlays of a name
// that were set aside.
func (s *Repository) lastDeleted(n left4me.Name) int {
	all, err := s.deleted()
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

// Delete sets an overlay aside, with all revisions; until the time that it
// returns it can be taken back. The caller holds off who would mount it. One
// that isn't there is no error; then the time is zero. Errors: left4me.Busy when
// a server has it.
func (s *Repository) Delete(n left4me.Name, used Used) (until time.Time, err error) {
	if !n.Valid() {
		return until, notFound(n, 0)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	dir := s.overlay(n)
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return until, nil
	}
	for ref, up := range used {
		if ref.Name == n && len(up) > 0 {
			return until, left4me.Errorf(left4me.Busy, "overlay %s is in use by %s", n, names(up)).
				WithHint("stop it, or restart it without the overlay")
		}
	}
	if err := s.makeDir(deletedDir); err != nil {
		return until, err
	}
	at := time.Now().UTC().Truncate(time.Second)
	for {
		to := filepath.Join(s.dir, deletedDir, fmt.Sprintf("%s-%d", n, at.Unix()))
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			if err := os.Rename(dir, to); err != nil {
				return until, err
			}
			s.changed()
			return at.Add(keptFor), errors.Join(durable.SyncDir(filepath.Join(s.dir, deletedDir)), durable.SyncDir(s.dir))
		}
		at = at.Add(time.Second) // deleted twice within one
	}
}

// Restore takes back what was set aside last under a name, and returns the
// revision that is current again. It may be called again. Errors:
// left4me.NotFound, and left4me.Conflict when there is one of that name.
func (s *Repository) Restore(n left4me.Name) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, err := load(s.overlay(n))
	if err != nil || !n.Valid() {
		return 0, errors.Join(err, notFound(n, 0))
	}
	all, err := s.deleted()
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(all, func(d deleted) bool { return d.name == n })
	switch {
	case i < 0 && now.Current > 0:
		return now.Current, nil
	case i < 0:
		return 0, &left4me.Error{
			Kind:  left4me.NotFound,
			Field: "overlays",
			Text:  fmt.Sprintf("no deleted overlay %s is kept on this host", n),
			Hint:  "build it again",
		}
	case now.Current > 0:
		return 0, left4me.Errorf(left4me.Conflict, "there is another overlay %s", n).WithHint("delete it first")
	}
	if err := s.away(s.overlay(n)); err != nil { // nothing but notes
		return 0, err
	}
	if err := os.Rename(all[i].dir, s.overlay(n)); err != nil {
		return 0, err
	}
	s.changed()
	r, err := load(s.overlay(n))
	if err == nil && now.Last > r.Last {
		r.Last = now.Last
		err = s.save(s.overlay(n), &r)
	}
	return r.Current, errors.Join(err, durable.SyncDir(s.dir))
}

// expire removes what nobody can take back any more.
func (s *Repository) expire(ctx context.Context, now time.Time) (names []left4me.Name, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all, err := s.deleted()
	for _, d := range all {
		if err != nil {
			break
		}
		if now.After(d.gone()) {
			err = errors.Join(s.away(d.dir), ctx.Err())
			names = append(names, d.name)
		}
	}
	if len(names) > 0 {
		s.changed()
	}
	return names, err
}
