package inspect

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/host/content/place"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	smDir     = addonsDir + "/sourcemod"
	extension = smDir + "/extensions"
)

// maxHeads limits the number of texts whose beginnings are read.
const maxHeads = 20_000

// checkPlaces warns about files where nothing reads them: plugins, phrases and game data outside of
// their directories, and doubled or capitalised directories.
func (v *view) checkPlaces(ctx context.Context) error {
	checked, heads := map[string]bool{}, maxHeads
	for _, f := range v.files {
		if err := ctx.Err(); err != nil {
			return err
		}
		v.checkDirs(path.Dir(f), checked)
		base := strings.ToLower(path.Base(f))
		beneath := func(dir string) bool { return strings.HasPrefix(f, dir+"/") }
		switch {
		case strings.HasSuffix(base, ".smx"):
			if !beneath(smDir + "/plugins") {
				v.warn.add(left4me.NewWarning(left4me.WarnPlace, f, "plugin.misplaced", "directory", smDir+"/plugins"))
			}
		case strings.HasSuffix(base, ".phrases.txt"):
			if !beneath(smDir + "/translations") {
				v.warn.add(left4me.NewWarning(left4me.WarnPlace, f, "phrases.misplaced", "directory", smDir+"/translations"))
			}
		case path.Ext(base) == ".txt" && heads > 0 && !beneath(smDir+"/gamedata") && !beneath(smDir+"/translations") &&
			!beneath("left4dead2/missions"):
			heads--
			if v.head(f) == "games" {
				v.warn.add(left4me.NewWarning(left4me.WarnPlace, f, "gamedata.misplaced", "directory", smDir+"/gamedata"))
			}
		}
	}
	return nil
}

// head returns the name of the first block of a text.
func (v *view) head(name string) string {
	root, _ := place.Root(v.beginning(name))
	return root
}

// beginning returns the first bytes of a file, or nil if it can't be read.
func (v *view) beginning(name string) []byte {
	f, err := v.root.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	b := make([]byte, place.HeadBytes)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil
	}
	return b[:n]
}

// checkDirs checks a directory and its parents, each once.
func (v *view) checkDirs(dir string, checked map[string]bool) {
	for ; dir != "." && !checked[dir]; dir = path.Dir(dir) {
		checked[dir] = true
		name, parent := path.Base(dir), path.Dir(dir)
		switch {
		case parent != "." && strings.EqualFold(name, path.Base(parent)) && place.Known(strings.ToLower(parent)) &&
			!place.Known(strings.ToLower(dir)):
			v.warn.add(left4me.NewWarning(left4me.WarnPlace, dir, "directory.doubled", "directory", name))
		case place.Known(strings.ToLower(dir)) && dir != strings.ToLower(dir):
			v.warn.add(left4me.NewWarning(left4me.WarnName, dir, "directory.not_lower_case", "name", strings.ToLower(dir)))
		}
	}
}

// checkPrograms warns about files that load a program which is missing for Linux.
func (v *view) checkPrograms() {
	has := func(p string) bool {
		_, ok := slices.BinarySearch(v.files, p)
		return ok
	}
	for _, f := range v.files {
		dir, base := path.Dir(f), path.Base(f)
		switch {
		case strings.HasSuffix(base, ".vdf") && (dir == addonsDir || dir == addonsDir+"/metamod"):
			p, ok := place.ReadProgram(v.beginning(f))
			if !ok || p.Path == "" || base == "metamod_x64.vdf" && has(addonsDir+"/metamod.vdf") {
				continue // every Metamod release includes this file for 64-bit games
			}
			v.program(f, p.Path, []string{p.Path + ".so", p.Path + "_i486.so"}, []string{p.Path + ".dll"}, nil)
		case strings.HasSuffix(base, ".autoload") && dir == extension:
			name := strings.TrimSuffix(base, ".autoload")
			v.program(f, path.Join(extension, name+".ext"), v.ending(extension, name, ".so"), v.ending(extension, name, ".dll"),
				v.ending(extension+"/x64", name, ".so"))
		}
	}
}

// ending returns the files of an extension in a directory that have the given suffix.
func (v *view) ending(dir, name, end string) (all []string) {
	from, _ := slices.BinarySearch(v.files, dir+"/"+name+".ext.")
	for _, f := range v.files[from:] {
		if !strings.HasPrefix(f, dir+"/"+name+".ext.") {
			break
		}
		if strings.HasSuffix(f, end) {
			all = append(all, f)
		}
	}
	return all
}

// program warns if the program that a file loads is missing or is not a 32-bit program for Linux.
func (v *view) program(by, name string, linux, windows, other []string) {
	there := func(all []string) (found []string) {
		for _, p := range all {
			if _, ok := slices.BinarySearch(v.files, p); ok {
				found = append(found, p)
			}
		}
		return found
	}
	want := path.Base(name) + ".so"
	is64 := func(p string) bool { b := v.beginning(p); return len(b) > 4 && string(b[:4]) == "\x7fELF" && b[4] == 2 }
	found := there(linux)
	switch {
	case len(found) > 0 && !slices.ContainsFunc(found, func(p string) bool { return !is64(p) }), len(found) == 0 && len(there(other)) > 0:
		v.warn.add(left4me.NewWarning(left4me.WarnIncomplete, by, "program.only_64_bit", "program", name, "file", want))
	case len(found) > 0:
	case len(there(windows)) > 0:
		v.warn.add(left4me.NewWarning(left4me.WarnIncomplete, by, "program.only_windows", "program", name,
			"found", path.Base(there(windows)[0]), "file", want))
	default:
		v.warn.add(left4me.NewWarning(left4me.WarnIncomplete, by, "program.missing", "program", name, "file", want))
	}
}

// warnSpellings warns about files and directories in different layers that differ only by case or
// Unicode form. On Linux both exist, and the game finds only one of them.
func warnSpellings(views []*view, w *list) {
	type spelt struct {
		as  string
		who left4me.Name
	}
	first, warned := map[string]spelt{}, map[string]bool{}
	for _, v := range views {
		seen := map[string]bool{}
		for _, f := range v.files {
			for p := f; p != "." && !seen[p]; p = path.Dir(p) {
				seen[p] = true
				key := overlays.Fold(p)
				o, ok := first[key]
				switch {
				case !ok:
					first[key] = spelt{p, v.Name}
				case path.Base(o.as) == path.Base(p) || warned[key]:
				case o.who != v.Name:
					warned[key] = true
					w.add(left4me.NewWarning(left4me.WarnName, p, "file.differs_in_case", "overlay", o.who, "other", o.as))
				}
			}
		}
	}
}

// warnMissingDependencies warns about requirements of plugins that a stack lacks: SourceMod, Metamod, and an
// enabler for tick rates above 30. below contains the directories of the game, where they may be
// installed, too.
func warnMissingDependencies(views []*view, below []Layer, tickrate int, w *list) {
	first := func(all []*view, is func(f string) bool) (string, bool) {
		for _, v := range all {
			for _, f := range v.files {
				if is(f) {
					return f, true
				}
			}
		}
		return "", false
	}
	in := func(dir string) func(string) bool {
		return func(f string) bool { return path.Dir(f) == dir && strings.HasSuffix(f, ".so") }
	}
	installed := func(dir string, is func(f string) bool) bool {
		if _, ok := first(views, is); ok {
			return true
		}
		for _, l := range below {
			entries, _ := os.ReadDir(filepath.Join(l.Dir, dir)) // a missing directory counts as empty
			if slices.ContainsFunc(entries, func(e os.DirEntry) bool { return is(path.Join(dir, e.Name())) }) {
				return true
			}
		}
		return false
	}
	plugin, plugins := first(views, func(f string) bool {
		rest, ok := strings.CutPrefix(f, smDir+"/plugins/")
		return ok && strings.HasSuffix(f, ".smx") && !strings.HasPrefix(rest, "disabled/")
	})
	sourcemod := installed(smDir+"/bin", in(smDir+"/bin"))
	metamod := installed(addonsDir+"/metamod/bin", in(addonsDir+"/metamod/bin"))
	if plugins && !sourcemod {
		w.add(left4me.NewWarning(left4me.WarnNoSourceMod, plugin, "stack.no_sourcemod"))
	}
	by, needed := first(views, func(f string) bool { return path.Dir(f) == addonsDir+"/metamod" && path.Ext(f) == ".vdf" })
	if !needed {
		by, needed = first(views, in(smDir+"/bin"))
	}
	if needed && !metamod {
		w.add(left4me.NewWarning(left4me.WarnNoMetamod, by, "stack.no_metamod"))
	}
	enabler := installed(addonsDir, func(f string) bool {
		base := strings.ToLower(path.Base(f))
		ext := path.Ext(base)
		return f == addonsDir+"/l4dtoolz.so" || strings.Contains(base, "tickrate") && (ext == ".so" || ext == ".smx")
	})
	if tickrate > defaultTick && !enabler {
		w.add(left4me.NewWarning(left4me.WarnTickrate, "", "stack.tick_rate", "tick", tickrate, "limit", defaultTick))
	}
}

// defaultTick is the tick rate of the game without an enabler.
const defaultTick = 30
