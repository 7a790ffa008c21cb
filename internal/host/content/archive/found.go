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

// Found is what an import would write. It holds files open: Close it. One
// goroutine uses it at a time.
type Found struct {
	options Options
	limits  Limits
	dir     *os.Root
	beneath *os.File // dir, for files to be opened by one call
	sources []*source
	budget  budget
	tree    *tree
	plan    left4me.Plan
	skipped int
}

// source is what is read in one go: an archive, or the files that were uploaded
// as they are.
type source struct {
	name   string     // for people; empty: files as they are
	parts  []*os.File // the archive, in the order of its parts
	tool   bool       // 7zz reads it
	format Format
	items  []item
}

// archive reports whether a source is one.
func (s *source) archive() bool { return len(s.parts) > 0 }

func (s *source) close() {
	for _, p := range s.parts {
		p.Close()
	}
}

// item is an entry that was checked.
type item struct {
	name string // as it was decoded, for people
	raw  string // as it stands in the archive
	path string // clean; empty for what was packed itself
	kind kind   // as the archive says; what it calls a file may be a directory
	dir  bool
	exec bool
	size int64
	sum  uint32 // see entry
	// plain is set when no repair of its encoding changes it. Unset says nothing.
	plain bool
	to    string // in the layer; empty: it isn't taken
	// nested is an archive in this one, which is read as one of its own.
	nested bool
}

// budget counts what an import takes.
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

// Open reads all files beneath a directory, and the archives among them, and
// decides where everything goes:
//
//   - An archive that lies at the top is unpacked; one in a directory, or in
//     another archive, only when there is nothing else for the game beside it. No
//     deeper ones are.
//   - Each file goes where package place says. Of several archives each counts as a
//     folder of its name.
//
// Errors: left4me.Invalid names what keeps all of it from being imported.
func Open(ctx context.Context, dir *os.Root, o Options) (*Found, error) {
	f := &Found{options: o, limits: o.Limits, dir: dir, tree: newTree()}
	if f.limits == (Limits{}) {
		f.limits = Usual
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
	if err := f.settle(ctx); err != nil {
		return err
	}
	slices.SortFunc(f.plan.Files, func(a, b left4me.PlanFile) int { return strings.Compare(a.Path, b.Path) })
	f.plan.Files = slices.Clone(f.plan.Files[:min(len(f.plan.Files), left4me.MaxPlanFiles)])
	if f.plan.Count == 0 {
		return &Nothing{
			Plan: f.Plan(),
			err:  left4me.NewError(left4me.Invalid, "archive.nothing_usable").InField("files"),
		}
	}
	return nil
}

// Nothing is the error of Open when no file is placed. It is left4me.Invalid.
type Nothing struct {
	Plan left4me.Plan // with the reasons
	err  *left4me.Error
}

func (n *Nothing) Error() string { return n.err.Error() }

// Unwrap returns what people are told.
func (n *Nothing) Unwrap() error { return n.err }

// check validates what people said.
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

// openFile opens a file beneath the directory, by no link. Root.OpenFile would
// open each directory on the way.
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
		case !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN): // a rename was under way: openat2(2)
			return nil, &fs.PathError{Op: "open", Path: p, Err: err}
		}
	}
}

// Close lets go of what is held open.
func (f *Found) Close() {
	f.beneath.Close()
	for _, s := range f.sources {
		s.close()
	}
}

// Plan says what Write will do.
func (f *Found) Plan() left4me.Plan {
	p := f.plan
	if more := f.skipped - maxSkipped; more > 0 {
		p.Skipped = append(append([]string(nil), p.Skipped...), fmt.Sprintf("and %d more", more))
	}
	return p
}

// Paths calls f with each file that Write will write, until it returns false.
func (f *Found) Paths(yield func(path string) bool) {
	for _, s := range f.sources {
		for _, it := range s.items {
			if it.to != "" && !it.dir && !yield(it.to) {
				return
			}
		}
	}
}
