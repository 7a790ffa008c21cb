// Package uploads receives files from users in pieces, so that an upload of several gigabytes can
// resume after a lost connection.
//
// Received data is stored in tmp below the root, where only left4me can read it:
//
//	tmp/upload-ID/upload.log   owner and overlay, and a line for each file
//	tmp/upload-ID/parts/N      received data of the Nth file, while incomplete
//	tmp/upload-ID/files/...    complete files
//	tmp/upload-ID/moves.json   moves of its folders and files
//	tmp/sent-ID                a published upload, kept for a week to decode names in archives again
//
// An upload survives a restart of left4me. It is deleted when a job consumes it, when a user
// deletes it, and two days after its last piece. A complete file is on the disk; of an incomplete
// one, at most the last 16 MiB are not.
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

// Limits of uploads.
const (
	MaxOpen  = 20        // open uploads per user
	MaxFiles = 100_000   // per upload
	MaxBytes = 256 << 30 // per upload
	Keep     = 48 * time.Hour

	tmp        = "tmp" // relative to the root
	prefix     = "upload-"
	sentPrefix = "sent-" // published uploads
	idLength   = 26
	sweepEvery = 10 * time.Minute
)

// Upload is a set of files that a user is sending.
type Upload struct {
	ID        string
	By        string
	ByID      int64 // user id, since names can be reused; 0 for the host's own administrator, or for uploads of versions that stored no ids
	Overlay   left4me.Name
	CreatedAt time.Time
	TouchedAt time.Time // time of the last piece
	Files     []File    // in the order of their first pieces
	// Moves lists the folders and files that users have moved in the upload so far. A move with an
	// empty destination makes the overlay forget a remembered move.
	Moves []left4me.FolderMove
}

// Complete reports whether all files have been received completely.
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
	Path string // slash-separated, relative to the upload
	Size int64  // announced size; -1 while unknown
	Have int64  // bytes received
}

// Uploads manages uploads. It is safe for concurrent use.
type Uploads struct {
	host hostfs.FS
	log  *slog.Logger
	now  func() time.Time
	// free returns the free disk space, less the reserve.
	free func(ctx context.Context) (hostfs.Space, error)
	// names returns the overlay names: uploads store the host's name, which doesn't change.
	names Names

	mu   sync.Mutex
	open map[string]*upload // cache; the directory is authoritative

	changed store.Bell
}

// Names returns the names of overlays that differ on the host.
type Names func(context.Context) (left4me.OverlayNames, error)

// New returns the Uploads on a host. Run must run for abandoned uploads to be deleted.
func New(host hostfs.FS, names Names, log *slog.Logger) *Uploads {
	u := &Uploads{host: host, names: names, log: log, now: time.Now, open: map[string]*upload{}}
	u.free = u.space
	return u
}

// Create begins an upload for an overlay. Errors: left4me.Invalid, left4me.Busy if the user has too
// many open uploads.
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
		if up, err := u.load(ctx, id); err == nil && isOwner(by, up) {
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
		host:   u.host, dir: path.Join(tmp, prefix+id), byPath: map[string]*file{}, byLower: map[string]string{},
	}
	if err := up.create(ctx); err != nil {
		return Upload{}, fmt.Errorf("begin upload: %w", err)
	}
	u.open[up.ID] = up
	u.changed.Ring()
	return up.shown(names), nil
}

// Watch yields a value whenever an upload was created, has grown or was deleted, until ctx ends.
// Uploads that a job consumes are reported by the job. The sequence may be ranged over only once.
func (u *Uploads) Watch(ctx context.Context) iter.Seq[struct{}] {
	return store.Rings(ctx, u.changed.Listen(ctx), nil)
}

// List returns the open uploads that by may see, oldest first.
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

// Get returns an upload. Only its owner and administrators may see it. Errors: left4me.NotFound.
func (u *Uploads) Get(ctx context.Context, by accounts.Actor, id string) (Upload, error) {
	up, err := u.find(ctx, by, id)
	if err != nil {
		return Upload{}, err
	}
	names, err := u.names(ctx)
	return up.shown(names), err
}

// Target returns the overlay of any user's upload, because actions on an upload need rights on that
// overlay. Errors: left4me.NotFound, also if by may not see the overlay.
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
	target := left4me.OnOverlay(up.shown(names).Overlay)
	if accounts.Allow(by, accounts.See, target) != nil {
		return left4me.Target{}, notFound(id)
	}
	return target, nil
}

// Ready returns a complete upload for the given overlay and extends its retention, because it is
// about to be previewed or published. Errors: left4me.NotFound, left4me.Invalid naming what is
// missing.
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

// Move records where folders and files of an upload go when it is published, replacing earlier
// moves of the same ones. It doesn't validate moves; see overlays.CheckMoves. Errors:
// left4me.NotFound, also if the upload has been published; left4me.DiskFull.
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

// Assign changes the overlay that an upload is for. Errors: left4me.NotFound, also if the upload has
// been published; left4me.DiskFull.
func (u *Uploads) Assign(ctx context.Context, by accounts.Actor, id string, overlay left4me.Name) error {
	up, err := u.find(ctx, by, id)
	if err != nil {
		return err
	}
	names, err := u.names(ctx)
	if err != nil {
		return err
	}
	if err := up.assign(ctx, names.OnHost(overlay)); err != nil {
		return err
	}
	u.changed.Ring()
	return nil
}

// Delete deletes an upload and its data. Errors: left4me.NotFound.
func (u *Uploads) Delete(ctx context.Context, by accounts.Actor, id string) error {
	up, err := u.find(ctx, by, id)
	if err != nil {
		return err
	}
	return u.drop(ctx, up)
}

// Run deletes abandoned uploads until ctx ends.
func (u *Uploads) Run(ctx context.Context) error {
	periodic.Run(ctx, periodic.Schedule{Every: sweepEvery, AtOnce: true}, u.sweep)
	return nil
}

// mayUse reports whether by may see and change an upload: its own, or any with SiteRight.
func mayUse(by accounts.Actor, up *upload) bool {
	return isOwner(by, up) || accounts.Allow(by, accounts.SiteRight, left4me.Site) == nil
}

// isOwner reports whether by began an upload. An upload without a user id belongs to the host's own
// administrator and to no user of the same name. The same applies to uploads of versions that
// stored no ids; administrators reach those with SiteRight.
func isOwner(by accounts.Actor, up *upload) bool {
	return by.Name != "" && by.Name == up.By && by.UserID == up.ByID
}

// validID reports whether id has the form of an upload id and is thus safe in a file name.
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
