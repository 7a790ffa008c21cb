// Package archive understands what people upload and what builders download:
// archives of all common formats, single files and directories. It says what an
// import would write, and writes exactly that.
//
// Formats are recognised by their first bytes, never by a name. Nothing that is
// read is trusted: names that lead out, links, devices and set-user-id files are
// refused with the whole import, and named; so is what unpacks to more than its
// size can explain, what is cut off or encrypted. Decoders run in a process of
// their own, where one is given, so that none can take more memory than it has.
//
// What is found is put where the game looks for it: see Open and package place. All
// other packages that import something use this one.
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

// Limits bound an import. They are for what is unpacked.
type Limits struct {
	Entries int   // files and directories
	Bytes   int64 // of all files
	File    int64 // of one file
	Ratio   int64 // of an archive's contents to its size
	Small   int64 // what an archive may unpack to in any case
}

// Usual are the limits of imports.
var Usual = Limits{Entries: 1_000_000, Bytes: 256 << 30, File: 64 << 30, Ratio: 250, Small: 64 << 20}

// Options say how an import is done.
type Options struct {
	left4me.Import
	Limits  Limits // the zero value: Usual
	Scratch string // a directory for archives in archives; nothing stays there
	// Decoder is the command line of a process that calls Decode with its standard
	// input and output. Empty: decoders run in this one.
	Decoder []string
	// Plan says that Texts is called: which texts are plain is found while an archive
	// is listed, where that needs no second pass.
	Plan bool
}

// entry is one entry of an archive as it says itself. None of it is checked.
type entry struct {
	Name    []byte // as it stands there
	UTF8    bool   // the archive says so
	Kind    kind
	Exec    bool
	Windows bool   // made on Windows: \ is a separator there
	Size    int64  // -1: not known
	Slashed bool   // each \ in the name was made / by the decoder
	Tool    string // how it is packed, when only 7zz reads that
	Sum     uint32 // CRC-32 of what is in it, where the archive says it
	Plain   bool   // howPlan: no repair of its encoding changes how it begins
}

// how is what an archive is read for.
type how string

const (
	howList how = "list" // names only
	howPlan how = "plan" // names, and of a zip whether texts begin as plain ones
	howRead how = "read"
	howText how = "text" // the small texts in it: others come empty, or aren't read
)

// kind is what an entry is.
type kind string

const (
	regular   kind = "file"
	directory kind = "directory"
	symlink   kind = "symbolic link"
	hardlink  kind = "hard link"
	special   kind = "device or pipe"
	setid     kind = "set-user-id file"
)

// refused is the error of an entry that no layer can have.
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

// visit is called for each entry of an archive, with what is in it when it is
// read and not only listed. It may read as much of it as it likes.
type visit func(e entry, body io.Reader) error

// walk reads an archive in a format. It is in one file, or in several parts, in
// their order. tool is the program 7zz, if it is there: it reads what our decoders
// don't know. Errors: left4me.Invalid when it can't be read; those of visit come
// as they are.
func walk(ctx context.Context, parts []*os.File, format Format, what how, tool string, limits Limits, v visit) (err error) {
	// Decoders read what they don't expect, and not all of them look before they leap.
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

// mode is how much of an archive is read: all, only what is in it, or how some of
// its files begin.
type mode struct {
	list  bool
	plan  bool  // a list with entry.Plain
	heads []int // the entries of which only the beginning is read, in order: no others are given; nil: all of all
}

// opener tells of which entries the contents are read, one after the other.
type opener struct {
	mode
	n    int // entries so far
	next int // in heads
}

// opens reports whether the contents of the next entry are read.
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

// enough reports whether nothing more is read.
func (o *opener) enough() bool {
	return o.heads != nil && (len(o.heads) == 0 || o.n > o.heads[len(o.heads)-1])
}

// errEnough ends a walk early.
var errEnough = errors.New("enough")

type walker struct {
	ctx   context.Context
	parts []*os.File
	in    io.ReaderAt // all parts, one after the other
	size  int64       // of all of them
	opener
	tool   string
	limits Limits
	visit  visit
	texts  int    // howPlan: of which the beginning was inspected
	head   []byte // for them
}

// visited wraps an error of visit, so that it isn't taken for one of a decoder.
type visited struct{ error }

func (v visited) Unwrap() error { return v.error }

func (w *walker) give(e entry, body io.Reader) error {
	if err := w.ctx.Err(); err != nil {
		return visited{err}
	}
	if w.heads != nil && body == nil {
		return w.ended()
	}
	if err := w.visit(e, body); err != nil {
		var b bodyError
		if errors.As(err, &b) {
			return err
		}
		return visited{err}
	}
	return w.ended()
}

// ended is errEnough when nothing more is read.
func (w *walker) ended() error {
	if w.enough() {
		return visited{errEnough}
	}
	return nil
}

// bodyError marks what reading an entry failed with.
type bodyError struct{ error }

func (b bodyError) Unwrap() error { return b.error }

// fail makes of what a decoder failed with an error for people.
func (w *walker) fail(err error) error {
	var v visited
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

// within says in which archive something is wrong.
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
