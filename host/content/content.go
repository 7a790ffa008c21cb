// Package content keeps the overlays of a host: their revisions, which never
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
package content

import (
	"context"
	"path/filepath"

	"github.com/left4me/left4me"
)

// Shelf is the overlays beneath a root. It is safe for concurrent use.
type Shelf struct {
	root  string // LEFT4ME_ROOT
	dir   string // overlays/
	group int    // that game servers run with; -1: files keep ours
}

// Open makes the shelf of a root. Nothing needs to be there yet.
func Open(root string, group int) *Shelf {
	return &Shelf{root: root, dir: filepath.Join(root, "overlays"), group: group}
}

// Progress is told how far something is; it may be nil.
type Progress func(left4me.Progress)

// Meta is what is kept with a revision besides its files.
type Meta struct {
	By        string
	Job       left4me.JobID
	Note      string
	Origin    string // a commit, a tag, a version of a script
	Items     []left4me.WorkshopState
	Warnings  []left4me.Warning
	Campaigns []left4me.Campaign
}

// Publish makes a revision of what was staged and has servers start with it from
// now on. When it is the same as the current revision nothing is made, and
// changed is false. Errors: left4me.Invalid names the entry that is refused,
// left4me.Unavailable says how many bytes are missing on a full disk.
func (s *Shelf) Publish(ctx context.Context, st *Staging, m Meta, say Progress) (r left4me.Revision, changed bool, err error) {
	if _, err := st.Seal(ctx, say); err != nil {
		return r, false, err
	}
	return r, false, left4me.Errorf(left4me.Unavailable, "revisions can't be published yet", "")
}
