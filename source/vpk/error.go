package vpk

import (
	"errors"
	"fmt"
)

var (
	// ErrFormat is returned for a file that is no VPK, or whose tree can't be understood.
	ErrFormat = errors.New("not a VPK that can be read")
	// ErrVersion is returned for a VPK of a version that isn't known, Respawn's among them.
	ErrVersion = errors.New("unknown version")
	// ErrTruncated is returned when something lies behind the end of its file.
	ErrTruncated = errors.New("the file ends too early")
	// ErrTooLarge is returned for more entries than MaxEntries, for longer names than MaxName, and for an archive that
	// would become much larger when it is extracted.
	ErrTooLarge = errors.New("too large")
	// ErrMissing is returned when the file that has the data of an entry isn't there.
	ErrMissing = errors.New("a part of the archive is missing")
	// ErrSum is returned when a checksum is wrong.
	ErrSum = errors.New("wrong checksum")
	// ErrOverlap is returned when entries share a part of their data, but not all of it.
	ErrOverlap = errors.New("entries overlap")
	// ErrName is returned for a name that no file may have, or that two entries have.
	ErrName = errors.New("unsafe name")
)

// Error says where an archive is wrong. It wraps one of the errors of this package or that of a file that can't be read.
type Error struct {
	File   string // base name of the file that is wrong, "" if it has none
	Offset int64  // in File; -1 if it is about no place in particular
	Entry  string // path of the entry that it is about, may be empty
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
