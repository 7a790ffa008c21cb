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
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/left4me/left4me/internal/left4me"
)

// Repository is the overlays beneath a root. It is safe for concurrent use.
type Repository struct {
	root  string // LEFT4ME_ROOT
	dir   string // overlays/
	group int    // that game servers run with; -1: files keep ours

	blocks sync.Pool // buffers to read with

	mu     sync.Mutex // held while overlay.json of any overlay is written
	active map[left4me.JobID]bool

	cache   sync.Mutex // of what follows
	turn    uint64     // counts changes
	counted *uses
	onDisk  map[uint64]int64 // bytes that contents take, by the first bytes of their hash

	weights sync.Mutex
	weighed map[string]weight // of what was laid by hand, by its directory
}

// Open makes the repository of a root. Nothing needs to be there yet.
func Open(root string, group int) *Repository {
	s := &Repository{
		root:    root,
		dir:     filepath.Join(root, "overlays"),
		group:   group,
		active:  map[left4me.JobID]bool{},
		onDisk:  map[uint64]int64{},
		weighed: map[string]weight{},
	}
	s.blocks.New = func() any { b := make([]byte, readBlock); return &b }
	return s
}

func (s *Repository) buffer() *[]byte { return s.blocks.Get().(*[]byte) } //nolint:forcetypeassert // nothing else is put there

// overlay is the directory of an overlay.
func (s *Repository) overlay(n left4me.Name) string { return filepath.Join(s.dir, string(n)) }

// makeDir makes a directory of ours beneath overlays/.
func (s *Repository) makeDir(name string) error {
	if err := os.MkdirAll(s.dir, 0o751); err != nil {
		return err
	}
	err := os.Mkdir(filepath.Join(s.dir, name), 0o750)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// changed forgets what was counted.
func (s *Repository) changed() {
	s.cache.Lock()
	s.turn++
	s.cache.Unlock()
}

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
