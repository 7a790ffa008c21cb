package archive

import (
	"context"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/left4me/left4me/internal/host/content/place"
	"github.com/left4me/left4me/internal/left4me"
)

// maxHeads is the maximum number of files whose beginnings are inspected.
const maxHeads = 20_000

// at refers to an item of a source.
type at struct {
	source *source
	item   int
}

func (a at) it() *item { return &a.source.items[a.item] }

// placeFiles decides where all files go.
func (f *Found) placeFiles(ctx context.Context) error {
	n := 0
	for _, s := range f.sources {
		n += len(s.items)
	}
	all, files := make([]at, 0, n), make([]place.File, 0, n)
	f.plan.Files = make([]left4me.PlanFile, 0, n)
	for _, s := range f.sources {
		if err := f.unique(s); err != nil {
			return within(s.name, err)
		}
		subdir, err := f.subdir(s)
		if err != nil {
			return within(s.name, err)
		}
		for i := range s.items {
			it := &s.items[i]
			if it.path == "" || it.nested {
				continue
			}
			rest, ok := beneath(subdir, it.path)
			switch {
			case !ok && !it.dir:
				f.skip(path.Join(s.name, it.path), left4me.NewNote("placement.outside_subdir", "directory", subdir))
			case !ok || rest == "":
			case f.options.Exact || f.options.Root != "":
				if err := f.placeInRoot(s, it, rest); err != nil {
					return err
				}
			default:
				p := rest
				if len(f.sources) > 1 {
					p = path.Join(s.name, rest)
				}
				all = append(all, at{s, i})
				files = append(files, place.File{Path: p, Dir: it.dir, Size: it.size, Sum: it.sum})
			}
		}
	}
	if f.options.Exact || f.options.Root != "" {
		f.plan.Root, f.plan.Strip = f.options.Root, f.options.Subdir
		return nil
	}
	if err := f.heads(ctx, all, files); err != nil {
		return err
	}
	return f.applyPlacing(all, files, place.Place(files, f.options.Moves))
}

// placeInRoot places a file in the directory that the user set for all files.
func (f *Found) placeInRoot(s *source, it *item, rest string) error {
	if !f.options.Exact && place.Junk(it.path) {
		if !it.dir {
			f.skip(path.Join(s.name, it.path), left4me.NewNote("placement.junk"))
		}
		return nil
	}
	to := path.Join(f.options.Root, rest)
	if !f.options.Exact {
		to = path.Join(path.Dir(to), place.GameName(path.Base(to)))
	}
	if it.dir && !strings.Contains(to, "/") {
		return nil
	}
	return f.take(s, it, to, left4me.Note{})
}

// applyPlacing applies a placing to the items.
func (f *Found) applyPlacing(all []at, files []place.File, p place.Placing) error {
	for i, r := range p.Files {
		it := all[i].it()
		switch {
		case it.dir && (r.To == "" || !strings.Contains(r.To, "/")):
			// The game doesn't use this directory, so it needs no mention in the plan.
		case r.To == "":
			f.skip(files[i].Path, r.Why)
		default:
			if err := f.take(all[i].source, it, r.To, r.Why); err != nil {
				return err
			}
		}
	}
	f.outline(all, files, p)
	f.questions(files, p)
	return nil
}

// heads reads the beginnings of files whose content affects their placing.
func (f *Found) heads(ctx context.Context, all []at, files []place.File) error {
	wanted := place.Wanted(files, f.options.Moves)
	wanted = wanted[:min(len(wanted), maxHeads)]
	for len(wanted) > 0 {
		s := all[wanted[0]].source
		n := 1
		for n < len(wanted) && all[wanted[n]].source == s {
			n++
		}
		if err := f.headsIn(ctx, s, all, wanted[:n], files); err != nil {
			return within(s.name, err)
		}
		wanted = wanted[n:]
	}
	return nil
}

// headsIn is heads for one source. wanted contains indexes of all and files.
func (f *Found) headsIn(ctx context.Context, s *source, all []at, wanted []int, files []place.File) error {
	if !s.archive() {
		for _, i := range wanted {
			if err := ctx.Err(); err != nil {
				return err
			}
			file, err := f.openFile(all[i].it().path)
			if err != nil {
				return err
			}
			head := make([]byte, min(place.HeadBytes, max(0, all[i].it().size)))
			n, err := file.ReadAt(head, 0)
			file.Close()
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			files[i].Head = head[:n]
		}
		return nil
	}
	entries := make([]int, len(wanted))
	for n, i := range wanted {
		entries[n] = all[i].item
	}
	n := 0
	return f.walk(ctx, s, headsOf(entries), func(_ entry, body io.Reader) error {
		if body == nil || n >= len(wanted) {
			return nil
		}
		head := make([]byte, min(place.HeadBytes, uint64(all[wanted[n]].it().size))) // an unknown size, -1, becomes the maximum
		size, err := io.ReadFull(bodyReader{body}, head)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		files[wanted[n]].Head = head[:size]
		n++
		return nil
	})
}

// unique verifies that no path in an archive occurs twice, including files that are left out.
func (f *Found) unique(s *source) error {
	if !s.archive() {
		return nil // the file system guarantees it
	}
	seen := make(map[string]bool, len(s.items)) // false for directories
	for _, it := range s.items {
		if it.path == "" {
			continue
		}
		if was, known := seen[it.path]; known && (was || !it.dir) {
			return left4me.NewError(left4me.Invalid, "archive.entry_twice", "path", shorten(it.path)).InField("files")
		}
		seen[it.path] = !it.dir
	}
	for _, it := range s.items {
		for up := dirOf(it.path); up != "."; up = dirOf(up) {
			if seen[up] {
				return left4me.NewError(left4me.Invalid, "archive.entry_file_and_directory", "path", shorten(up)).InField("files")
			}
		}
	}
	return nil
}

// dirOf is path.Dir for clean, relative paths.
func dirOf(p string) string {
	if i := strings.LastIndexByte(p, '/'); i > 0 {
		return p[:i]
	}
	return "."
}

// baseOf is path.Base for clean, relative paths that are not empty.
func baseOf(p string) string { return p[strings.LastIndexByte(p, '/')+1:] }

// under is path.Join for clean, relative paths, of which either may be empty.
func under(dir, p string) string {
	if dir == "" || p == "" {
		return dir + p
	}
	return dir + "/" + p
}

// beneath returns the part of a path after a directory, and whether the path is in that directory.
func beneath(dir, p string) (string, bool) {
	if dir == "" {
		return p, true
	}
	return strings.CutPrefix(p, dir+"/")
}

// subdir returns the path of the requested subdirectory in a source. It may also be in the only
// top-level directory of an archive, which is often named after a version.
func (f *Found) subdir(s *source) (string, error) {
	want := f.options.Subdir
	if want == "" {
		return "", nil
	}
	top := ""
	one, first := true, true
	for _, it := range s.items {
		if it.dir || it.nested {
			continue
		}
		if _, ok := beneath(want, it.path); ok {
			return want, nil
		}
		begin, _, _ := strings.Cut(it.path, "/")
		one = one && (first || begin == top)
		top, first = begin, false
	}
	if wrapped := path.Join(top, want); one {
		for _, it := range s.items {
			if _, ok := beneath(wrapped, it.path); ok && !it.dir {
				return wrapped, nil
			}
		}
	}
	if !s.archive() && len(f.sources) > 1 {
		return want, nil // it applies to the archives
	}
	return "", left4me.NewError(left4me.Invalid, "archive.no_such_directory", "dir", shorten(want)).InField("import.subdir")
}

// take adds a file or directory to the plan.
func (f *Found) take(s *source, it *item, to string, why left4me.Note) error {
	if err := f.tree.add(to, it.dir); err != nil {
		return err
	}
	it.to = to
	if it.dir {
		return nil
	}
	f.plan.Count++
	f.plan.Bytes += max(it.size, 0)
	pf := left4me.PlanFile{Path: to, Size: it.size, Why: why.Text, Reason: why}
	if from := under(s.name, it.path); from != to {
		pf.From = from
	}
	f.plan.Files = append(f.plan.Files, pf)
	return nil
}

const maxSkipped = 200

// skip adds an excluded file to the plan.
func (f *Found) skip(p string, why left4me.Note) {
	if f.skipped++; f.skipped <= maxSkipped {
		f.plan.Skipped = append(f.plan.Skipped, shorten(p)+": "+why.Text)
	}
	f.leave(p, why)
}
