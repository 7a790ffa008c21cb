// Package uploads takes files from people in pieces, so that one of several
// gigabytes goes on where a connection was cut. What has come lies in tmp of the
// root, in upload-ID/files, until a job takes it or it is too old.
package uploads

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/left4me/left4me"
)

// Upload is what somebody is sending.
type Upload struct {
	ID        string
	By        string
	Overlay   left4me.Name
	CreatedAt time.Time
	Files     []File // in the order in which they were begun
}

// File is one file of an upload.
type File struct {
	Path string // with slashes, beneath the upload
	Size int64  // as it was announced; -1: its end is not known yet
	Have int64  // that has come
}

// Uploads is the list of uploads. It is safe for concurrent use.
type Uploads struct {
	root string
	log  *slog.Logger
}

// New makes the list of uploads in a root.
func New(root string, log *slog.Logger) *Uploads { return &Uploads{root: root, log: log} }

// Create begins an upload for an overlay.
func (u *Uploads) Create(ctx context.Context, by string, overlay left4me.Name) (Upload, error) {
	return Upload{}, errors.ErrUnsupported
}

// Get returns an upload; only who began it and administrators see it. Errors:
// left4me.NotFound.
func (u *Uploads) Get(ctx context.Context, id string) (Upload, error) {
	return Upload{}, errors.ErrUnsupported
}

// Write adds a piece to a file, which begins with its first one. offset must be
// what has come of it so far; size is the whole file's, or -1 while it isn't
// known. Errors: left4me.Invalid for a path, left4me.Conflict with where to go
// on for an offset, left4me.Unavailable when the disk is almost full.
func (u *Uploads) Write(ctx context.Context, id, path string, offset, size int64, r io.Reader) (File, error) {
	return File{}, errors.ErrUnsupported
}

// Delete drops an upload and all that has come.
func (u *Uploads) Delete(ctx context.Context, id string) error { return errors.ErrUnsupported }

// Run drops what nobody went on with, until ctx ends.
func (u *Uploads) Run(ctx context.Context) error { <-ctx.Done(); return nil }
