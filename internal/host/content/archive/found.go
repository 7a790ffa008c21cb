package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/content/place"
	"github.com/left4me/left4me/internal/left4me"
)

// Found is a scanned upload with the plan of its import. It holds files open until Close. It is not
// safe for concurrent use.
type Found struct {
	options Options
	limits  Limits
	dir     *os.Root
	beneath *os.File // dir, for openat2
	sources []*source
	budget  budget
	tree    *tree
	plan    left4me.Plan
	skipped int
}

// source is read in one pass: an archive, or all files that were uploaded unpacked.
type source struct {
	name   string     // display name; empty for unpacked files
	parts  []*os.File // the archive's parts, in order
	tool   bool       // needs 7-Zip
	format Format
	items  []item
}

// archive reports whether the source is an archive.
func (s *source) archive() bool { return len(s.parts) > 0 }

func (s *source) close() {
	for _, p := range s.parts {
		p.Close()
	}
}

// item is a validated entry.
type item struct {
	name string // decoded, for messages
	raw  string // undecoded, as in the archive
	path string // clean; empty for the archive's root directory
	kind kind   // as declared by the archive, which may declare a directory as a file; see dir
	dir  bool
	exec bool
	size int64
	sum  uint32 // see entry.Sum
	// plain is set if the text is known to need no encoding repair. If unset, the text may still
	// need none.
	plain bool
	to    string // destination in the layer; empty if left out
	// nested marks an archive inside this source. It is read as a source of its own.
	nested bool
}

// budget counts the entries and bytes of an import.
type budget struct {
	limits  Limits
	entries int
	bytes   int64
}

func (b *budget) entry(size int64) error {
	if b.entries++; b.entries > b.limits.Entries {
		return left4me.NewError(left4me.Invalid, "archive.too_many_files", "limit", b.limits.Entries)
	}
	if size > 0 {
		b.bytes += size
	}
	if b.bytes > b.limits.Bytes || b.bytes < 0 {
		return left4me.NewError(left4me.Invalid, "archive.too_large", "limit", left4me.Bytes(b.limits.Bytes))
	}
	return nil
}

// Open reads all files in a directory and the archives among them, and decides where each file
// goes:
//
//   - An archive at the top level is unpacked. An archive in a subdirectory or in another archive
//     is unpacked only if nothing else there is useful to the game. Archives nested deeper are not
//     unpacked.
//   - Each file goes where package place decides. With several archives, each counts as a folder
//     of its name.
//
// Errors: left4me.Invalid names the reason why the upload can't be imported.
func Open(ctx context.Context, dir *os.Root, o Options) (*Found, error) {
	f := &Found{options: o, limits: o.Limits, dir: dir, tree: newTree()}
	if f.limits == (Limits{}) {
		f.limits = DefaultLimits
	}
	f.budget.limits = f.limits
	var err error
	if f.beneath, err = dir.Open("."); err != nil {
		return nil, err
	}
	if err := f.open(ctx); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *Found) open(ctx context.Context) error {
	f.options.Moves = slices.Clone(f.options.Moves)
	if err := f.options.check(); err != nil {
		return err
	}
	if err := f.scan(ctx); err != nil {
		return err
	}
	if err := f.placeFiles(ctx); err != nil {
		return err
	}
	slices.SortFunc(f.plan.Files, func(a, b left4me.PlanFile) int { return strings.Compare(a.Path, b.Path) })
	f.plan.Files = slices.Clone(f.plan.Files[:min(len(f.plan.Files), left4me.MaxPlanFiles)])
	if f.plan.Count == 0 {
		return &NothingUsableError{
			Plan: f.Plan(),
			err:  left4me.NewError(left4me.Invalid, "archive.nothing_usable").InField("files"),
		}
	}
	return nil
}

// NothingUsableError is returned by Open if no file can be placed. It wraps a left4me.Invalid error.
type NothingUsableError struct {
	Plan left4me.Plan // with the reasons for leaving files out
	err  *left4me.Error
}

func (n *NothingUsableError) Error() string { return n.err.Error() }

// Unwrap returns the error to show to users.
func (n *NothingUsableError) Unwrap() error { return n.err }

// check validates and cleans the options that users set.
func (o *Options) check() error {
	if o.Names != "" {
		if _, err := nameEncoding(o.Names); err != nil {
			return err
		}
	}
	for i, m := range o.Moves {
		from, err1 := clean(m.From, false)
		to, err2 := m.To, error(nil)
		if to != place.LeaveOut {
			to, err2 = clean(m.To, false)
		}
		if err := errors.Join(err1, err2); err != nil || from == "" || to == "" {
			return left4me.NewError(left4me.Invalid, "archive.move_invalid", "from", shorten(m.From), "to",
				shorten(m.To)).InField("import.moves")
		}
		o.Moves[i] = left4me.FolderMove{From: from, To: to}
	}
	for _, v := range []struct {
		field string
		value *string
	}{{"import.subdir", &o.Subdir}, {"import.root", &o.Root}} {
		p, err := clean(*v.value, false)
		if e, ok := left4me.Public(err); ok {
			moved := *e
			moved.Field = v.field
			return &moved
		}
		*v.value = p
	}
	return nil
}

// openFile opens a file below the directory without following links. Root.OpenFile would open every
// directory on the path.
func (f *Found) openFile(p string) (*os.File, error) {
	how := unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
	}
	for {
		fd, err := unix.Openat2(int(f.beneath.Fd()), p, &how)
		switch {
		case err == nil:
			return os.NewFile(uintptr(fd), p), nil
		case !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN): // EAGAIN: raced with a rename, see openat2(2)
			return nil, &fs.PathError{Op: "open", Path: p, Err: err}
		}
	}
}

// Close closes the open files.
func (f *Found) Close() {
	f.beneath.Close()
	for _, s := range f.sources {
		s.close()
	}
}

// Plan returns what Write will do.
func (f *Found) Plan() left4me.Plan {
	p := f.plan
	if more := f.skipped - maxSkipped; more > 0 {
		p.Skipped = append(append([]string(nil), p.Skipped...), fmt.Sprintf("and %d more", more))
	}
	return p
}

// Paths iterates over the paths of all files that Write will write.
func (f *Found) Paths(yield func(path string) bool) {
	for _, s := range f.sources {
		for _, it := range s.items {
			if it.to != "" && !it.dir && !yield(it.to) {
				return
			}
		}
	}
}
