// Package hostfs is how control reaches files on a host. On one machine it is a
// direct call of host/localfs; control never opens a path of a host itself, so
// that a host may be another machine.
package hostfs

import (
	"context"
	"io"
	"time"
)

// FS is the part of a host's files that control may use: what lies beneath the
// root of left4me there.
//
// Paths are relative to that root and valid for fs.ValidPath. No symbolic link is
// followed, except where a directory right beneath the root is one. Only regular
// files are opened; anything else, or what lies behind a link, gives fs.ErrInvalid.
// All methods end with ctx, may be called at once, and return errors for which
// errors.Is(err, fs.ErrNotExist), fs.ErrInvalid and those of a full disk hold as they
// do for package os.
type FS interface {
	// Stat describes a file or directory.
	Stat(ctx context.Context, path string) (Info, error)
	// List describes what is in a directory, in no order.
	List(ctx context.Context, dir string) ([]Info, error)
	// Open opens a file for reading. The caller closes it.
	Open(ctx context.Context, path string) (Reader, error)
	// OpenWriter opens a file for writing at any offset, and makes it if it isn't
	// there. The caller closes it.
	OpenWriter(ctx context.Context, path string) (Writer, error)
	// Append adds data to the end of a file, which it makes if it isn't there, and
	// brings it to the disk.
	Append(ctx context.Context, path string, data []byte) error
	// Put replaces a file as a whole: whatever interrupts it, either the old or the
	// new content is there.
	Put(ctx context.Context, path string, data []byte) error
	// MakeDir makes a directory with those above it. One that is there is a success.
	MakeDir(ctx context.Context, path string) error
	// Rename moves a file or directory within one directory beneath the root, and
	// makes the directories above its new place.
	Rename(ctx context.Context, from, to string) error
	// Remove removes a file, or a directory with all that is in it. What isn't there
	// is a success.
	Remove(ctx context.Context, path string) error
	// Touch sets when a file was changed last.
	Touch(ctx context.Context, path string, at time.Time) error
	// Space says how much room the file system of a directory has.
	Space(ctx context.Context, dir string) (Space, error)
}

// Space is the room on a file system, in bytes.
type Space struct {
	Free  int64 // for left4me
	Total int64
	Path  string // of the directory that was asked for, as people on the host know it
}

// Info describes a file or directory.
type Info struct {
	Name       string // the last part of its path
	Size       int64  // bytes of a regular file
	ModTime    time.Time
	Dir        bool
	Regular    bool
	Executable bool // by its owner
}

// Reader is an open file.
type Reader interface {
	io.ReadSeekCloser
	io.ReaderAt
	// Info describes the file that is open, whatever is at its path by now.
	Info() Info
}

// Writer is a file that is being written.
type Writer interface {
	io.WriterAt
	io.Closer
	// Sync brings what was written to the disk.
	Sync() error
}
