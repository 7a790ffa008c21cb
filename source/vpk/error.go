package vpk

import (
	"errors"
	"fmt"
)

var (
	// ErrFormat is returned for a file that is not a VPK archive, or whose tree is invalid.
	ErrFormat = errors.New("not a VPK that can be read")
	// ErrVersion is returned for an unsupported version of the format, including Respawn's.
	ErrVersion = errors.New("unknown version")
	// ErrTruncated is returned if a part of the archive lies beyond the end of its file.
	ErrTruncated = errors.New("the file ends too early")
	// ErrTooLarge is returned for more than MaxEntries entries, for names longer than MaxName, and for
	// an archive that would expand to much more than its own size.
	ErrTooLarge = errors.New("too large")
	// ErrMissing is returned if the file that contains the data of an entry does not exist.
	ErrMissing = errors.New("a part of the archive is missing")
	// ErrSum is returned for a wrong checksum.
	ErrSum = errors.New("wrong checksum")
	// ErrOverlap is returned if entries share a part of their data, but not all of it.
	ErrOverlap = errors.New("entries overlap")
	// ErrName is returned for a name that is unsafe for a file, or that two entries share.
	ErrName = errors.New("unsafe name")
)

// Error describes the location of a problem in an archive. It wraps one of the errors of this package,
// or the error of a file that could not be read.
type Error struct {
	File   string // base name of the affected file, "" if unknown
	Offset int64  // position in File; -1 if none
	Entry  string // path of the affected entry; may be empty
	Text   string
	Err    error
}

func (e *Error) Error() string {
	s := "vpk: "
	if e.File != "" {
		s = "vpk: " + fmt.Sprintf("%.100q", e.File) + ": "
	}
	if e.Offset >= 0 {
		s += fmt.Sprintf("at offset %d: ", e.Offset)
	}
	if e.Entry != "" {
		s += fmt.Sprintf("%.200q: ", e.Entry)
	}
	if e.Text != "" {
		s += e.Text + ": "
	}
	return s + e.Err.Error()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }
