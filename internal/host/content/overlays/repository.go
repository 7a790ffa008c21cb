// Package overlays keeps the overlays of a host: their revisions, which never
// change once they are published, and the pool in which files of the same
// content are one inode.
//
//	overlays/NAME/overlay.json   which revisions there are, and the current one
//	overlays/NAME/N/             a revision: left4dead2/... beneath
//	overlays/NAME/N.files        its manifest
//	overlays/NAME/N.json         what was found when it was made
//	overlays/.pool/ab/abcd…      contents, by SHA-256
//
// A revision is there when overlay.json names it, which is written last, so that
// whatever ends in between leaves the old state and nothing else. Directories
// that somebody laid there by hand are revisions all the same. Nobody else
// writes beneath overlays/. Nothing here starts or stops anything: the agent
// says what is mounted.
package overlays

import (
	"context"
	"path/filepath"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Repository is the overlays beneath a root. It is safe for concurrent use.
type Repository struct {
	layout    *layout
	pool      *pool
	usage     *usage
	records   *records
	manifests *manifests
	trash     *trash
	collector *collector
	active    *activeJobs
}

// Open makes the repository of a root. Nothing needs to be there yet. group is the
// one that game servers run with; -1: files keep ours.
func Open(root string, group int) *Repository {
	l := &layout{root: root, dir: filepath.Join(root, "overlays"), group: group}
	s := &Repository{layout: l, pool: newPool(l), active: &activeJobs{ids: map[left4me.JobID]bool{}}}
	s.usage = newUsage(l, s.pool)
	s.records = &records{layout: l, usage: s.usage}
	s.manifests = &manifests{layout: l, pool: s.pool, records: s.records, usage: s.usage}
	s.trash = &trash{layout: l, records: s.records, usage: s.usage}
	s.collector = &collector{layout: l, pool: s.pool, records: s.records, trash: s.trash, active: s.active}
	return s
}

// Manifest returns the files of a revision, and its number; 0 is the current
// one. That of one that was laid by hand is made when it is asked for first,
// which reads all of it. Errors: left4me.NotFound.
func (s *Repository) Manifest(ctx context.Context, n left4me.Name, number int) (int, Manifest, error) {
	return s.manifests.get(ctx, n, number)
}

// Delete sets an overlay aside, with all revisions; until the time that it
// returns it can be taken back. The caller holds off who would mount it. One
// that isn't there is no error; then the time is zero. Errors: left4me.Busy when
// a server has it.
func (s *Repository) Delete(n left4me.Name, used Used) (until time.Time, err error) {
	return s.trash.delete(n, used)
}

// Restore takes back what was set aside last under a name, and returns the
// revision that is current again. It may be called again. Errors:
// left4me.NotFound, and left4me.Conflict when there is one of that name.
func (s *Repository) Restore(n left4me.Name) (int, error) { return s.trash.restore(n) }

// Collect removes what nothing needs: revisions by age and, when the disk gets
// full, by space, but never one that is current, labelled, named by spec.Keep or
// in use; then contents and downloads that no revision has. A revision goes by
// remove, which calls drop unless somebody is about to mount it: then it returns
// left4me.Busy.
func (s *Repository) Collect(ctx context.Context, spec left4me.CollectSpec, used Used,
	remove func(r left4me.OverlayRef, drop func() error) error,
) (Collected, error) {
	return s.collector.collect(ctx, spec, used, remove)
}

// Sweep removes what was dropped, and what jobs that were cut left half-made.
// Jobs that are under way keep what they have.
func (s *Repository) Sweep(ctx context.Context) error { return s.collector.sweep(ctx) }

// Progress is told how far something is; it may be nil.
type Progress func(left4me.Progress)

// Meta is what is kept with a revision besides its files.
type Meta struct {
	By        string
	Job       left4me.JobID
	Note      string
	Origin    string // a commit, a tag, a version of a script
	Archive   *left4me.SentArchive
	Items     []left4me.WorkshopState
	Warnings  []left4me.Warning
	Campaigns []left4me.Campaign
}
