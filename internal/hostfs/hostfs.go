// Package hostfs defines how control accesses files on a host. On a single machine, host/localfs
// implements it by direct calls. Control never opens files of a host itself, so that a host may be
// another machine.
package hostfs

import (
	"context"
	"io"
	"time"
)

// FS accesses the files of a host that control may use: those under the root of left4me.
//
// Paths are relative to that root and valid for fs.ValidPath. Symbolic links are not followed,
// except for directories directly under the root. Only regular files are opened; other files and
// paths through links return fs.ErrInvalid. All methods return when ctx ends and may be called
// concurrently. Their errors work with errors.Is for fs.ErrNotExist, fs.ErrInvalid and the errors
// of a full disk, as those of package os do.
type FS interface {
	// Stat returns information about a file or directory.
	Stat(ctx context.Context, path string) (Info, error)
	// List returns information about the entries of a directory, in no particular order.
	List(ctx context.Context, dir string) ([]Info, error)
	// Open opens a file for reading. The caller closes it.
	Open(ctx context.Context, path string) (Reader, error)
	// OpenWriter opens a file for writing at any offset and creates it if necessary. The caller
	// closes it.
	OpenWriter(ctx context.Context, path string) (Writer, error)
	// Append appends data to a file, creating the file if necessary, and syncs it to disk.
	Append(ctx context.Context, path string, data []byte) error
	// Put replaces a file atomically: after an interruption, the file has either the old or the new
	// content.
	Put(ctx context.Context, path string, data []byte) error
	// MakeDir creates a directory and its parents. It succeeds if the directory exists.
	MakeDir(ctx context.Context, path string) error
	// Rename moves a file or directory within one top-level directory of the root, and creates the
	// parents of the new path.
	Rename(ctx context.Context, from, to string) error
	// Remove removes a file, or a directory with its content. It succeeds if the path does not
	// exist.
	Remove(ctx context.Context, path string) error
	// Touch sets the modification time of a file.
	Touch(ctx context.Context, path string, at time.Time) error
	// Space returns the free and total space of a directory's file system.
	Space(ctx context.Context, dir string) (Space, error)
}

// Space is the space of a file system, in bytes.
type Space struct {
	Free  int64 // available to left4me
	Total int64
	Path  string // path of the requested directory on the host
}

// Info is information about a file or directory.
type Info struct {
	Name       string // last element of the path
	Size       int64  // in bytes; regular files only
	ModTime    time.Time
	Dir        bool
	Regular    bool
	Executable bool // executable by its owner
}

// Reader is a file opened for reading.
type Reader interface {
	io.ReadSeekCloser
	io.ReaderAt
	// Info returns information about the opened file, even if its path has since been replaced.
	Info() Info
}

// Writer is a file opened for writing.
type Writer interface {
	io.WriterAt
	io.Closer
	// Sync syncs the written data to disk.
	Sync() error
}
