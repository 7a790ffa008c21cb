// Package archive reads uploads and downloaded content: archives of all common formats, single
// files and directories. It plans what an import would write, and then writes exactly that.
//
// Formats are detected by content, never by file name. Input is untrusted: an import is refused as
// a whole, with the offending entry named, if it contains paths that escape the directory, links,
// devices or set-user-id files, if it unpacks to more than its size can explain, or if it is
// truncated or encrypted. Decoders run in a separate process where a command is configured, which
// bounds their memory.
//
// Files are placed where the game looks for them; see Open and package place. Every other package
// that imports files uses this one.
package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// Limits bounds an import. All sizes are unpacked sizes in bytes.
type Limits struct {
	Entries int   // files and directories
	Bytes   int64 // all files
	File    int64 // one file
	Ratio   int64 // maximum of unpacked size divided by archive size
	Small   int64 // allowed regardless of Ratio
}

// DefaultLimits applies if Options.Limits is zero.
var DefaultLimits = Limits{Entries: 1_000_000, Bytes: 256 << 30, File: 64 << 30, Ratio: 250, Small: 64 << 20}

// Options configures an import.
type Options struct {
	left4me.Import
	Limits  Limits // zero value: DefaultLimits
	Scratch string // directory for temporary files, which are unnamed and vanish when closed
	// Decoder is the command line of a process that calls Decode on its standard input and output.
	// If empty, decoders run in this process.
	Decoder []string
	// Plan announces a later call of Texts. Listing a zip then also checks which texts need no
	// repair, which saves Texts a second pass over them.
	Plan bool
}

// entry describes one entry as the archive declares it. Nothing in it has been validated.
type entry struct {
	Name    []byte // raw bytes from the archive
	UTF8    bool   // Name is declared to be UTF-8
	Kind    kind
	Exec    bool
	Windows bool   // packed on Windows, where \ is a separator
	Size    int64  // bytes; -1 if unknown
	Slashed bool   // the decoder replaced each \ in Name by /
	Tool    string // compression method, if only 7-Zip supports it
	Sum     uint32 // CRC-32 of the content; 0 if the archive has none
	Plain   bool   // purposePlan: the beginning needs no encoding repair
}

// purpose determines how much of an archive is read.
type purpose string

const (
	purposeList purpose = "list" // names only
	purposePlan purpose = "plan" // names; for zips also entry.Plain
	purposeRead purpose = "read" // names and contents
	purposeText purpose = "text" // contents of small texts; other files are empty or not read
)

// kind is the type of an entry.
type kind string

const (
	regular   kind = "file"
	directory kind = "directory"
	symlink   kind = "symbolic link"
	hardlink  kind = "hard link"
	special   kind = "device or pipe"
	setid     kind = "set-user-id file"
)

// refused returns the error for an entry type that is not allowed in a layer.
func (k kind) refused(name string) error {
	path := shorten(name)
	var e *left4me.Error
	switch k {
	case symlink:
		e = left4me.NewError(left4me.Invalid, "archive.entry_symlink", "path", path)
	case hardlink:
		e = left4me.NewError(left4me.Invalid, "archive.entry_hardlink", "path", path)
	case setid:
		e = left4me.NewError(left4me.Invalid, "archive.entry_setid", "path", path)
	default:
		e = left4me.NewError(left4me.Invalid, "archive.entry_special", "path", path)
	}
	return e.InField("files")
}

// visit is called for each entry of an archive. body is nil unless the content is being read; visit
// may read as much of it as it needs.
type visit func(e entry, body io.Reader) error

// walk reads an archive, given as one file or as several parts in order. tool is the path of 7-Zip
// or empty; it unpacks methods that our decoders don't support. walk returns left4me.Invalid if the
// archive is unreadable, and errors from v unchanged.
func walk(ctx context.Context, parts []*os.File, format Format, what purpose, tool string, limits Limits, v visit) (err error) {
	// Malformed input can make third-party decoders panic.
	defer func() {
		if p := recover(); p != nil {
			err = damaged(fmt.Errorf("%v", p))
		}
	}()
	in, size, err := joined(parts)
	if err != nil {
		return err
	}
	m, err := modeOf(what)
	if err != nil {
		return err
	}
	w := walker{ctx: ctx, parts: parts, in: in, size: size, opener: opener{mode: m}, tool: tool, limits: limits, visit: v}
	switch format {
	case Zip:
		err = w.zip()
	case SevenZip:
		err = w.sevenZip()
	case Rar:
		err = w.rar()
	case Tar, TarGz, TarBz2, TarXz, TarZst:
		err = w.tar(format)
	case None:
		return fmt.Errorf("%q is no format", format)
	}
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// mode selects how much of an archive is read: everything, only the list of entries, or the
// beginnings of some files.
type mode struct {
	list  bool
	plan  bool  // with list: also determine entry.Plain
	heads []int // sorted indexes of entries whose beginnings are read, skipping all others; nil: read everything
}

// opener decides for each entry in turn whether its content is read.
type opener struct {
	mode
	n    int // number of entries seen
	next int // index into heads
}

// opens reports whether the content of the next entry is read.
func (o *opener) opens(k kind) bool {
	n := o.n
	o.n++
	switch {
	case o.list || k != regular:
		return false
	case o.heads == nil:
		return true
	}
	for o.next < len(o.heads) && o.heads[o.next] < n {
		o.next++
	}
	return o.next < len(o.heads) && o.heads[o.next] == n
}

// enough reports whether all requested beginnings have been read.
func (o *opener) enough() bool {
	return o.heads != nil && (len(o.heads) == 0 || o.n > o.heads[len(o.heads)-1])
}

// errEnough ends a walk early without an error.
var errEnough = errors.New("enough")

type walker struct {
	ctx   context.Context
	parts []*os.File
	in    io.ReaderAt // all parts concatenated
	size  int64       // total bytes of all parts
	opener
	tool   string
	limits Limits
	visit  visit
	texts  int    // purposePlan: number of texts inspected
	head   []byte // purposePlan: buffer for the beginnings of texts
}

// visitError wraps an error from visit to distinguish it from a decoder error.
type visitError struct{ error }

func (v visitError) Unwrap() error { return v.error }

func (w *walker) give(e entry, body io.Reader) error {
	if err := w.ctx.Err(); err != nil {
		return visitError{err}
	}
	if w.heads != nil && body == nil {
		return w.ended()
	}
	if err := w.visit(e, body); err != nil {
		var b bodyError
		if errors.As(err, &b) {
			return err
		}
		return visitError{err}
	}
	return w.ended()
}

// ended returns errEnough if nothing more needs to be read.
func (w *walker) ended() error {
	if w.enough() {
		return visitError{errEnough}
	}
	return nil
}

// bodyError wraps an error from reading the content of an entry.
type bodyError struct{ error }

func (b bodyError) Unwrap() error { return b.error }

// fail converts a decoder error to one that can be shown to users.
func (w *walker) fail(err error) error {
	var v visitError
	if errors.As(err, &v) {
		return v.error
	}
	if _, ok := left4me.Public(err); ok {
		return err
	}
	return damaged(err)
}

func damaged(err error) error {
	return left4me.NewError(left4me.Invalid, "archive.damaged").InField("files").Because(err)
}

func encrypted() error {
	return left4me.NewError(left4me.Invalid, "archive.encrypted").InField("files")
}

func inParts() error {
	return left4me.NewError(left4me.Invalid, "archive.in_parts").InField("files")
}

// within adds the name of the archive to an error.
func within(archive string, err error) error {
	e, ok := left4me.Public(err)
	if !ok || archive == "" {
		return err
	}
	return left4me.NewError(e.Kind, "archive.of_several", "archive", shorten(archive), "error", e).InField(e.Field).Because(err)
}

func shorten(s string) string {
	const most = 200
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
