package archive

import (
	"fmt"
	"path"
	"strings"

	"github.com/left4me/left4me"
)

// settle decides where the files of a source go.
func (f *Found) settle(s *source) error {
	files := s.without(func(i int) bool { return s.items[i].nested })
	subdir, err := f.subdir(s, files)
	if err != nil {
		return err
	}
	s.place, err = f.placeOf(files, subdir)
	if err != nil {
		return err
	}
	if err := f.unique(s); err != nil {
		return err
	}
	for i := range s.items {
		it := &s.items[i]
		if it.path == "" || it.nested {
			continue
		}
		to, why := s.place.target(it.path)
		switch {
		case to == "" && !it.dir:
			f.skip(s, it, why)
			continue
		case to == "" || it.dir && (s.place.flat || !f.knownDir(to)):
			continue
		}
		it.to = to
		if err := f.take(s, it); err != nil {
			return err
		}
	}
	f.say(s.place)
	return nil
}

// knownDir reports whether an empty directory is one for the game: any that lies
// in one.
func (f *Found) knownDir(to string) bool { return strings.Contains(to, "/") }

// unique sees that an archive has nothing twice, whatever is taken of it.
func (f *Found) unique(s *source) error {
	if !s.archive() {
		return nil // a file system has seen to it
	}
	t := newTree()
	for _, it := range s.items {
		if it.path == "" {
			continue
		}
		if err := t.add(it.path, it.dir); err != nil {
			return err
		}
	}
	return nil
}

func (f *Found) placeOf(files []string, subdir string) (place, error) {
	o := f.options
	switch {
	case o.Exact:
		return place{root: o.Root, strip: subdir, exact: true}, nil
	case o.Root != "":
		return place{root: o.Root, strip: subdir, said: true}, nil
	}
	var inside []string
	for _, file := range files {
		if rest, ok := beneath(subdir, file); ok && !junk(rest) {
			inside = append(inside, rest)
		}
	}
	p, err := findPlace(inside)
	if subdir != "" && !p.flat {
		p.strip = path.Join(subdir, p.strip)
	} else if subdir != "" {
		p.within = subdir
	}
	return p, err
}

// subdir is where the part that is wanted lies: as it was said, or in the only
// directory of an archive, which is called after a version.
func (f *Found) subdir(s *source, files []string) (string, error) {
	want := f.options.Subdir
	if want == "" {
		return "", nil
	}
	top := ""
	one := true
	for i, file := range files {
		if _, ok := beneath(want, file); ok {
			return want, nil
		}
		first, _, _ := strings.Cut(file, "/")
		if i > 0 && first != top {
			one = false
		}
		top = first
	}
	if wrapped := path.Join(top, want); one {
		for _, file := range files {
			if _, ok := beneath(wrapped, file); ok {
				return wrapped, nil
			}
		}
	}
	if !s.archive() && len(f.sources) > 1 {
		return want, nil // it is meant for the archives
	}
	return "", &left4me.Error{Kind: left4me.Invalid, Field: "import.subdir", Text: fmt.Sprintf("there is no %q in it", shorten(want)), Hint: "look what is in the archive"}
}

// take adds a file or directory to the plan.
func (f *Found) take(s *source, it *item) error {
	if err := f.tree.add(it.to, it.dir); err != nil {
		return err
	}
	if it.dir {
		return nil
	}
	f.plan.Count++
	f.plan.Bytes += max(it.size, 0)
	pf := left4me.PlanFile{Path: it.to, Size: it.size}
	if from := path.Join(s.name, it.path); from != it.to {
		pf.From = from
	}
	f.plan.Files = append(f.plan.Files, pf)
	return nil
}

const maxSkipped = 200

func (f *Found) skip(s *source, it *item, why string) {
	if f.skipped++; f.skipped <= maxSkipped {
		f.plan.Skipped = append(f.plan.Skipped, shorten(path.Join(s.name, it.path))+": "+why)
	}
}

// say notes where a source goes: the plan has one place when all have the same.
func (f *Found) say(p place) {
	root, strip := p.root, p.strip
	if p.game {
		root, strip = gameDir, path.Join(p.strip, gameDir)
	}
	if p.flat {
		root, strip = "", ""
	}
	if f.from == nil {
		f.plan.Root, f.plan.Strip, f.from = root, strip, []string{root}
		return
	}
	if f.plan.Root != root {
		f.plan.Root = ""
	}
	if f.plan.Strip != strip {
		f.plan.Strip = ""
	}
}
