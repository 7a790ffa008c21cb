// Package uploads takes files from people in pieces, so that one of several
// gigabytes goes on where a connection was cut.
//
// What has come lies in tmp of the root, where nobody but left4me sees it:
//
//	tmp/upload-ID/upload.log   who began it, and a line for each file
//	tmp/upload-ID/parts/N      what has come of the Nth file, while more is to come
//	tmp/upload-ID/files/...    the files that have come completely
//	tmp/upload-ID/moves.json   which of its folders people moved
//	tmp/sent-ID                one that was published, kept for a week: names in its archives may be read otherwise
//
// An upload survives left4me. It goes when a job took it, when somebody drops it,
// and two days after its last piece. A file that has come completely is
// on the disk; of one that hasn't, at most its last 16 MiB aren't.
package uploads

import (
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"log/slog"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/hostfs"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/periodic"
	"github.com/left4me/left4me/internal/store"
)

// Bounds of uploads.
const (
	MaxOpen  = 20        // uploads that one person may have at a time
	MaxFiles = 100_000   // of an upload
	MaxBytes = 256 << 30 // of an upload
	Keep     = 48 * time.Hour

	tmp        = "tmp" // where they lie beneath the root
	prefix     = "upload-"
	sentPrefix = "sent-" // of those that were published and are kept
	idLength   = 26
	sweepEvery = 10 * time.Minute
)

// Upload is what somebody is sending.
type Upload struct {
	ID        string
	By        string
	ByID      int64 // of the user, whose name the next one may have; 0 of the machine's own administrator, or of a build that kept no ids
	Overlay   left4me.Name
	CreatedAt time.Time
	TouchedAt time.Time // its last piece came
	Files     []File    // in the order in which they were begun
	// Moves are folders and files that people moved in it so far. One that goes
	// nowhere lets the overlay forget what it remembers.
	Moves []left4me.FolderMove
}

// Complete reports whether all that was begun has come.
func (u Upload) Complete() bool {
	for _, f := range u.Files {
		if f.Have != f.Size {
			return false
		}
	}
	return true
}

// File is one file of an upload.
type File struct {
	Path string // with slashes, beneath the upload
	Size int64  // as it was announced; -1: its end is not known yet
	Have int64  // that has come
}

// Uploads is the list of uploads. It is safe for concurrent use.
type Uploads struct {
	host hostfs.FS
	log  *slog.Logger
	now  func() time.Time
	// free returns the room on the disk, without what must stay free.
	free func(ctx context.Context) (hostfs.Space, error)
	// names are those of overlays: an upload notes the one on the host, which stays.
	names Names

	mu   sync.Mutex
	open map[string]*upload // those that were read; the directory decides which there are

	changed store.Bell
}

// Names tell which overlays their host calls otherwise than people do.
type Names func(context.Context) (left4me.OverlayNames, error)

// New makes the list of uploads on a host. Run must run for old ones to go.
func New(host hostfs.FS, names Names, log *slog.Logger) *Uploads {
	u := &Uploads{host: host, names: names, log: log, now: time.Now, open: map[string]*upload{}}
	u.free = u.space
	return u
}

// Create begins an upload for an overlay. Errors: left4me.Invalid,
// left4me.Busy when somebody has too many.
func (u *Uploads) Create(ctx context.Context, by accounts.Actor, overlay left4me.Name) (Upload, error) {
	if !overlay.Valid() {
		_, err := left4me.ParseName(string(overlay))
		return Upload{}, err
	}
	names, err := u.names(ctx)
	if err != nil {
		return Upload{}, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	ids, err := u.ids(ctx)
	if err != nil {
		return Upload{}, err
	}
	mine := 0
	for _, id := range ids {
		if up, err := u.load(ctx, id); err == nil && own(by, up) {
			mine++
		}
	}
	if mine >= MaxOpen {
		return Upload{}, left4me.NewError(left4me.Busy, "upload.too_many_open", "user", by.Name, "count", mine)
	}
	now := u.now().UTC().Truncate(time.Millisecond)
	id := strings.ToLower(rand.Text())
	up := &upload{
		Upload: Upload{ID: id, By: by.Name, ByID: by.UserID, Overlay: names.OnHost(overlay), CreatedAt: now, TouchedAt: now},
		host:   u.host, dir: path.Join(tmp, prefix+id), byPath: map[string]*file{}, low: map[string]string{},
	}
	if err := up.create(ctx); err != nil {
		return Upload{}, fmt.Errorf("begin upload: %w", err)
	}
	u.open[up.ID] = up
	u.changed.Ring()
	return up.shown(names), nil
}

// Watch gives a value whenever an upload was begun, has grown or went, until ctx
// ends. A job that takes an upload tells so itself. It must be ranged over once.
func (u *Uploads) Watch(ctx context.Context) iter.Seq[struct{}] {
	return store.Rings(ctx, u.changed.Listen(ctx), nil)
}

// List returns the uploads that somebody may see, oldest first.
func (u *Uploads) List(ctx context.Context, by accounts.Actor) ([]Upload, error) {
	names, err := u.names(ctx)
	if err != nil {
		return nil, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	ids, err := u.ids(ctx)
	if err != nil {
		return nil, err
	}
	var all []Upload
	for _, id := range ids {
		if up, err := u.load(ctx, id); err == nil && mayUse(by, up) {
			all = append(all, up.shown(names))
		}
	}
	return all, nil
}

// Get returns an upload; only who began it and administrators see it. Errors:
// left4me.NotFound.
func (u *Uploads) Get(ctx context.Context, by accounts.Actor, id string) (Upload, error) {
	up, err := u.find(ctx, by, id)
	if err != nil {
		return Upload{}, err
	}
	names, err := u.names(ctx)
	return up.shown(names), err
}

// Target is the overlay that an upload is for, whoever began it: what is done with the
// upload needs rights on that. Errors: left4me.NotFound, also when by may not see the
// overlay.
func (u *Uploads) Target(ctx context.Context, by accounts.Actor, id string) (left4me.Target, error) {
	if !validID(id) {
		return left4me.Target{}, notFound(id)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	up, err := u.load(ctx, id)
	if err != nil {
		return left4me.Target{}, err
	}
	names, err := u.names(ctx)
	if err != nil {
		return left4me.Target{}, err
	}
	target := left4me.OnOverlay(names.Shown(up.Overlay))
	if accounts.Allow(by, accounts.See, target) != nil {
		return left4me.Target{}, notFound(id)
	}
	return target, nil
}

// Ready returns an upload of which all has come, for the overlay that it was
// begun for, and keeps it for another while: it is about to be looked at or
// published. Errors: left4me.NotFound, left4me.Invalid with what is missing.
func (u *Uploads) Ready(ctx context.Context, by accounts.Actor, overlay left4me.Name, id string) (Upload, error) {
	up, err := u.find(ctx, by, id)
	if err != nil {
		return Upload{}, err
	}
	names, err := u.names(ctx)
	if err != nil {
		return Upload{}, err
	}
	v := up.shown(names)
	switch {
	case v.Overlay != overlay:
		return Upload{}, left4me.NewError(left4me.Invalid, "upload.other_overlay", "upload", id, "overlay", v.Overlay).InField("upload")
	case len(v.Files) == 0:
		return Upload{}, left4me.NewError(left4me.Invalid, "upload.empty").InField("upload")
	}
	for _, f := range v.Files {
		if f.Have != f.Size {
			return Upload{}, left4me.NewError(left4me.Invalid, "upload.incomplete", "path", f.Path, "have", f.Have).InField("upload")
		}
	}
	up.touch(ctx, u.now())
	return v, nil
}

// Move says where folders and files of an upload go, over what was said before, until
// it is published. What they say is not looked at: see content.CheckMoves. Errors:
// left4me.NotFound, also when it was published meanwhile; left4me.DiskFull.
func (u *Uploads) Move(ctx context.Context, by accounts.Actor, id string, moves []left4me.FolderMove) error {
	up, err := u.find(ctx, by, id)
	if err != nil {
		return err
	}
	if err := up.remember(ctx, moves); err != nil {
		return err
	}
	up.touch(ctx, u.now())
	u.changed.Ring()
	return nil
}

// Delete drops an upload and all that has come. Errors: left4me.NotFound.
func (u *Uploads) Delete(ctx context.Context, by accounts.Actor, id string) error {
	up, err := u.find(ctx, by, id)
	if err != nil {
		return err
	}
	return u.drop(ctx, up)
}

// Run drops what nobody went on with, until ctx ends.
func (u *Uploads) Run(ctx context.Context) error {
	periodic.Run(ctx, periodic.Schedule{Every: sweepEvery, AtOnce: true}, u.sweep)
	return nil
}

// mayUse reports whether somebody may see and change an upload: its own, or all for
// whoever has the right to the site.
func mayUse(by accounts.Actor, up *upload) bool {
	return own(by, up) || accounts.Allow(by, accounts.SiteRight, left4me.Site) == nil
}

// own reports whether by began an upload. An upload without the id of a user is of the
// machine's own administrator, who has none, and of no user of the same name. So is one
// of a build that kept no ids: administrators have it by their right to the site.
func own(by accounts.Actor, up *upload) bool {
	return by.Name != "" && by.Name == up.By && by.UserID == up.ByID
}

// validID reports whether an id can be a part of a file name.
func validID(id string) bool {
	for _, c := range []byte(id) {
		if (c < '2' || c > '7') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return len(id) == idLength
}

func notFound(id string) error {
	return left4me.NewError(left4me.NotFound, "upload.unknown", "upload", shorten(id))
}

func shorten(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
