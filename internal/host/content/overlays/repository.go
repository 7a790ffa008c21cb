// Package overlays stores the overlays of a host: their revisions, which never change once
// published, and a pool in which files with equal content share an inode.
//
//	overlays/NAME/overlay.json   list of revisions, and which one is current
//	overlays/NAME/N/             files of revision N: left4dead2/...
//	overlays/NAME/N.files        its manifest
//	overlays/NAME/N.json         its details
//	overlays/.pool/ab/abcd…      file contents by SHA-256
//
// A revision exists once overlay.json mentions it. Publishing writes overlay.json last, so an
// interrupted publish leaves the previous state. Directories that were installed by hand are
// revisions, too. No other package writes to overlays/. This package doesn't start or stop servers;
// callers tell it which revisions are mounted.
package overlays

import (
	"context"
	"path/filepath"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Repository manages the overlays below a root. It is safe for concurrent use.
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

// Open returns the repository of a root, which need not exist yet. group is the group of the game
// servers; -1 leaves the group of files unchanged.
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

// Manifest returns the number and the files of a revision; number 0 means the current one. The
// first call for a revision that was installed by hand reads all of its files. Errors:
// left4me.NotFound.
func (s *Repository) Manifest(ctx context.Context, n left4me.Name, number int) (int, Manifest, error) {
	return s.manifests.get(ctx, n, number)
}

// Delete moves an overlay with all revisions to the trash, from which it can be restored before
// until. The caller must prevent new mounts of the overlay during the call. If the overlay doesn't
// exist, until is zero and err is nil. Errors: left4me.Busy if a server uses the overlay.
func (s *Repository) Delete(n left4me.Name, used Used) (until time.Time, err error) {
	return s.trash.delete(n, used)
}

// Restore restores the most recently deleted overlay of a name and returns its current revision; 0 if it
// has none or no files of it exist. Repeated calls succeed. Errors: left4me.NotFound for an invalid name;
// left4me.Conflict if another overlay has the name.
func (s *Repository) Restore(n left4me.Name) (int, error) { return s.trash.restore(n) }

// Collect removes unneeded content: deleted overlays whose restore period has ended; revisions
// older than spec.Age days, and younger ones while less than spec.MaxFree bytes are free; then
// unused pool files and downloads. It keeps revisions that are current, labelled, in use, in
// spec.Keep or among the spec.Newest newest of their overlay. It calls remove for each revision;
// remove calls drop, or returns left4me.Busy if the revision is about to be mounted.
func (s *Repository) Collect(ctx context.Context, spec left4me.CollectSpec, used Used,
	remove func(r left4me.OverlayRef, drop func() error) error,
) (Collected, error) {
	return s.collector.collect(ctx, spec, used, remove)
}

// Sweep deletes the files of dropped revisions and the remains of interrupted jobs. It doesn't
// touch files of running jobs.
func (s *Repository) Sweep(ctx context.Context) error { return s.collector.sweep(ctx) }

// Progress receives progress reports; it may be nil.
type Progress func(left4me.Progress)

// Meta contains the details of a revision that are stored with it.
type Meta struct {
	By        string
	Job       left4me.JobID
	Note      string
	Origin    string // a commit, a tag or the version of a script
	Archive   *left4me.SentArchive
	Items     []left4me.WorkshopState
	Warnings  []left4me.Warning
	Campaigns []left4me.Campaign
}
