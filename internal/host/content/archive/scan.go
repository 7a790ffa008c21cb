package archive

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/charset"
	"github.com/left4me/left4me/internal/host/content/place"
	"github.com/left4me/left4me/internal/left4me"
)

// scan lists the uploaded files and finds the archives among them.
func (f *Found) scan(ctx context.Context) error {
	single := &source{}
	err := fs.WalkDir(f.dir.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if p == "." {
			return nil
		}
		if d.IsDir() && d.Name() == ".git" && !f.options.Exact {
			return fs.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		e := entry{Name: []byte(p), UTF8: true, Kind: kindOf(info.Mode()), Exec: info.Mode()&0o111 != 0 && !d.IsDir(), Size: info.Size()}
		if d.IsDir() {
			e.Size = 0
		}
		if err := f.budget.entry(e.Size); err != nil {
			return err
		}
		it, err := f.item(e, charset.Encoding{})
		if err != nil {
			return err
		}
		single.items = append(single.items, it)
		return nil
	})
	if err != nil {
		return err
	}
	if f.options.Exact {
		f.sources = append(f.sources, single)
		return nil
	}
	return f.unpackable(ctx, single)
}

// unpackable finds and lists the archives among the uploaded files.
func (f *Found) unpackable(ctx context.Context, single *source) error {
	found := map[int]*source{}
	parted := grouped(single.items)
	for i, it := range single.items {
		if it.dir || it.path == "" || parted.part(i) || parted.wrong[i] != nil {
			continue
		}
		s, err := f.recognised(single.items, append([]int{i}, parted.behind(i)...))
		if err != nil {
			return err
		}
		if s != nil {
			f.sources = append(f.sources, s)
			found[i] = s
		}
	}
	archived := func(i int) bool {
		if parted.part(i) {
			i = parted.first(i)
		}
		return found[i] != nil || parted.wrong[i] != nil
	}
	plain := single.without(archived)
	useful := f.useful(plain)
	for i, err := range parted.wrong {
		if !strings.Contains(single.items[i].path, "/") || !useful {
			return err
		}
	}
	for i, s := range found {
		if strings.Contains(s.name, "/") && useful {
			s.close() // treated as an ordinary file
			continue
		}
		for _, n := range append([]int{i}, parted.behind(i)...) {
			single.items[n].nested = true
		}
	}
	f.sources = nil
	for i, it := range single.items { // keeps the sources sorted by name
		if it.nested && found[i] != nil {
			f.sources = append(f.sources, found[i])
		}
	}
	for _, s := range append([]*source(nil), f.sources...) {
		if err := f.list(ctx, s); err != nil {
			return within(s.name, err)
		}
		if err := f.nested(ctx, s); err != nil {
			return err
		}
	}
	if len(plain) > 0 || useful {
		f.sources = append(f.sources, single)
	}
	return nil
}

// recognised opens a file, given by the indexes of its parts, as a source. It returns nil if it is
// not an archive.
func (f *Found) recognised(items []item, parts []int) (*source, error) {
	s := &source{name: items[parts[0]].path}
	for _, n := range parts {
		file, err := f.openFile(items[n].path)
		if err != nil {
			s.close()
			return nil, err
		}
		s.parts = append(s.parts, file)
	}
	in, size, err := joined(s.parts)
	if err == nil {
		s.format, err = recognise(in, size)
	}
	if err != nil || s.format == None {
		s.close()
		return nil, err
	}
	return s, nil
}

// without returns the paths of all files except those for which left returns true.
func (s *source) without(left func(int) bool) (paths []string) {
	for i, it := range s.items {
		if !it.dir && !left(i) {
			paths = append(paths, it.path)
		}
	}
	return paths
}

// useful reports whether any of the files is useful to the game.
func (f *Found) useful(files []string) bool { return slices.ContainsFunc(files, place.Useful) }

// list reads and validates the entries of an archive.
func (f *Found) list(ctx context.Context, s *source) error {
	var all []entry
	what := purposeList
	if f.options.Plan && f.options.Texts != left4me.TextsAsIs {
		what = purposePlan
	}
	err := f.walk(ctx, s, what, func(e entry, _ io.Reader) error {
		if err := f.budget.entry(e.Size); err != nil {
			return err
		}
		if e.Tool != "" {
			if s.tool = true; FindTool() == "" {
				return noTool(string(e.Name), e.Tool)
			}
		}
		all = append(all, e)
		return nil
	})
	if err != nil {
		return err
	}
	names, err := f.namesOf(ctx, s, all)
	if err != nil {
		return err
	}
	encoding, _ := charset.Find(names) // the zero value leaves names undecoded
	s.items = make([]item, 0, len(all))
	var bytes int64
	most := f.limits.maxUnpacked(s.size())
	for _, e := range all {
		it, err := f.item(e, encoding)
		if err != nil {
			return err
		}
		if bytes += max(it.size, 0); bytes > most {
			return bombError()
		}
		s.items = append(s.items, it)
	}
	return nil
}

func (s *source) size() int64 {
	_, size, err := joined(s.parts)
	if err != nil {
		return 0
	}
	return size
}

// item validates an entry. encoding applies to names that are not declared to be UTF-8. Names are
// decoded before separators are interpreted, because in some encodings \ occurs as the second byte
// of a character.
func (f *Found) item(e entry, encoding charset.Encoding) (item, error) {
	it := item{raw: string(e.Name), kind: e.Kind, dir: e.Kind == directory, exec: e.Exec, size: e.Size, sum: e.Sum, plain: e.Plain}
	var err error
	if it.name, err = e.decoded(encoding); err != nil {
		return it, left4me.NewError(left4me.Invalid, "archive.entry_other_encoding", "path", shorten(it.name), "encoding",
			encoding.Name).InField("files")
	}
	if e.Windows && e.Kind == regular && strings.HasSuffix(it.name, `\`) {
		it.dir, it.size = true, 0
	}
	switch e.Kind {
	case regular, directory:
	default:
		return it, e.Kind.refused(it.name)
	}
	if err := f.limits.tooLarge(it.name, e.Size); err != nil {
		return it, err
	}
	it.path, err = clean(it.name, e.Windows)
	return it, err
}

// nested finds the archives in an archive that contains nothing else of use.
func (f *Found) nested(ctx context.Context, s *source) error {
	if f.options.Subdir != "" || f.useful(s.without(func(int) bool { return false })) {
		return nil
	}
	opened := map[int]*source{}
	err := f.read(ctx, s, func(i int, it *item, body io.Reader) error {
		if it.dir || place.Junk(it.path) {
			return nil
		}
		file, format, err := f.spool(it, io.LimitReader(body, f.limits.maxUnpacked(s.size())))
		if err != nil || file == nil {
			return err
		}
		opened[i] = &source{name: s.name + "/" + it.path, parts: []*os.File{file}, format: format}
		f.sources = append(f.sources, opened[i])
		return nil
	})
	if err != nil {
		return within(s.name, err)
	}
	for i := range s.items {
		if n := opened[i]; n != nil {
			s.items[i].nested = true
			if err := f.list(ctx, n); err != nil {
				return within(n.name, err)
			}
		}
	}
	return nil
}

// spool copies a nested archive to a temporary file. It returns a nil file if the item is not an
// archive.
func (f *Found) spool(it *item, body io.Reader) (*os.File, Format, error) {
	head := make([]byte, 64<<10)
	n, err := io.ReadFull(body, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, None, err
	}
	if !begins(head[:n]) {
		return nil, None, nil
	}
	file, err := f.unnamed(io.MultiReader(bytes.NewReader(head[:n]), body))
	if err != nil {
		return nil, None, err
	}
	format, err := Recognise(file)
	if err != nil || format == None {
		file.Close()
		return nil, None, err
	}
	return file, format, nil
}

// begins reports whether a file may be an archive, given its first bytes.
func begins(head []byte) bool {
	for _, m := range magics {
		if strings.HasPrefix(string(head), m.magic) {
			return true
		}
	}
	return isTar(head)
}
