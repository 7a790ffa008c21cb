package inspect

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/left4me/left4me/internal/charset"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/source/addon"
	"github.com/left4me/left4me/source/vpk"
)

// gameDirs lists the game's content directories in search order.
var gameDirs = []string{"update", "left4dead2_dlc3", "left4dead2_dlc2", "left4dead2_dlc1", "left4dead2"}

const (
	base      = "left4dead2"
	addonsDir = base + "/addons"
)

// part matches the name of a data file of a multi-file VPK.
var part = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)_[0-9]{3}\.vpk$`)
})

// view is a layer under inspection.
type view struct {
	Layer
	root           *os.Root
	warn           *list
	files          []string // all files, sorted
	packs          []*pack
	missions       []mission
	hidden         map[string]bool // maps whose mission the game can't read
	encodingWarned map[string]bool // loose missions with a warning about their encoding
	texts          int64           // remaining bytes of texts to read
	names          *int            // remaining number of packed files to record
}

// pack is a VPK. Its archive is closed after reading the directory, since thousands of them would
// exceed the limit of open files.
type pack struct {
	layer   *view
	path    string // path in the layer
	addon   bool   // the file is in a directory of add-ons
	entries []packed
	hash    uint64   // hash of all names, sizes and checksums
	maps    []string // lower-case names without directory and extension
	picture string
	modes   []string          // game modes that the mission defines
	named   map[string]string // paths of pictures, scripts and cfgs by lower-case path
}

// packed is a file in a VPK that may conflict with files of others.
type packed struct {
	path string // in lower case
	size int64
	crc  uint32
}

// mission is a campaign and where it was found.
type mission struct {
	addon.MissionFile
	pack *pack // nil for a loose file
	fix  bool  // a text repair makes the file readable for the game
}

// open lists the files of a layer and reads the directories of its VPKs. names is the maximum
// number of packed files to record; open decreases it.
func open(ctx context.Context, l Layer, w *list, names *int) (*view, error) {
	root, err := os.OpenRoot(l.Dir)
	if err != nil {
		return nil, err
	}
	v := &view{Layer: l, root: root, warn: w, texts: maxTexts, names: names}
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case d.Type().IsRegular():
			v.files = append(v.files, name)
		}
		return nil
	})
	if err == nil {
		err = v.read(ctx)
	}
	if err != nil {
		root.Close()
		return nil, fmt.Errorf("look at %s: %w", l.Dir, err)
	}
	return v, nil
}

func (v *view) close() { v.root.Close() }

// read reads missions and VPKs. VPKs outside of the add-on directories are read, too, because those
// of the game contain maps and missions.
func (v *view) read(ctx context.Context) error {
	slices.Sort(v.files)
	for _, f := range v.files {
		if err := ctx.Err(); err != nil {
			return err
		}
		dir, name := path.Split(strings.ToLower(f))
		dir = strings.TrimSuffix(dir, "/")
		switch {
		case strings.HasSuffix(name, ".vpk"):
			v.pack(f, isAddonsDir(dir))
		case path.Ext(name) == ".txt" && path.Base(dir) == "missions" && slices.Contains(gameDirs, path.Dir(dir)):
			m := addon.MissionFile{Path: f}
			b, err := v.text(f)
			if err == nil {
				m.Mission, m.Problems, err = addon.ParseMission(b, v.decoder)
			}
			m.Err = err
			v.mission(mission{MissionFile: m, fix: repairable(f, m.Problems, b)})
		}
	}
	return nil
}

// decoder returns a decoder for titles in a file that is not UTF-8.
func (v *view) decoder(file []byte) func([]byte) string { return charset.Values(file, v.Hint) }

func isAddonsDir(dir string) bool { return dir == addonsDir || dir == addonsDir+"/workshop" }

// text reads a small file.
func (v *view) text(name string) ([]byte, error) {
	f, err := v.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.Size() > maxText || v.texts < st.Size() {
		return nil, fmt.Errorf("%d bytes: %w", st.Size(), errTooLong)
	}
	v.texts -= st.Size()
	b := make([]byte, st.Size())
	n, err := f.ReadAt(b, 0)
	if int64(n) < st.Size() {
		return nil, err
	}
	return b, nil
}

var errTooLong = errors.New("too long")

// pack reads the directory of a VPK.
func (v *view) pack(name string, isAddon bool) {
	if part().MatchString(name) {
		dir := part().ReplaceAllString(name, "_dir.vpk")
		if _, found := slices.BinarySearch(v.files, dir); found || !isAddon {
			return
		}
		// The name may look like a multi-file VPK without being one.
	}
	a, err := vpk.OpenFS(v.root.FS(), name)
	if err != nil {
		v.unreadable(name, err)
		return
	}
	defer a.Close()
	p := &pack{layer: v, path: name, addon: isAddon, named: map[string]string{}}
	v.packs = append(v.packs, p)
	v.parts(name, a)
	v.entries(p, a)
	if a.WrongDataOffset() {
		if v.hidden == nil {
			v.hidden = map[string]bool{}
		}
		for _, m := range p.maps {
			v.hidden[m] = true
		}
	}
	if v.faults(name, a, isAddon) {
		return
	}
	if isAddon {
		v.info(name, a)
	}
	if isAddon || v.Name == "" {
		for _, m := range addon.ReadMissions(a, v.decoder) {
			v.mission(mission{MissionFile: m, pack: p})
		}
	}
}

// faults warns about a VPK that can be opened but whose content the game finds only in part. all means
// that other checks of it are pointless.
func (v *view) faults(name string, a *vpk.Archive, isAddon bool) (all bool) {
	if a.WrongDataOffset() {
		v.warn.add(left4me.NewWarning(left4me.WarnBroken, name, "addon.directory_size_wrong", "declared", a.Declared, "actual", a.TreeSize))
		return true
	}
	if !isAddon {
		return false
	}
	if v.hollow(name, a) {
		return true
	}
	if !a.HasSums() {
		v.warn.add(left4me.NewWarning(left4me.WarnUnchecked, name, "addon.no_checksums"))
	}
	if len(a.Overlaps()) > 0 {
		v.warn.add(left4me.NewWarning(left4me.WarnBroken, name, "addon.files_overlap"))
	}
	return false
}

// unreadable warns about a VPK that can't be read.
func (v *view) unreadable(name string, err error) {
	switch {
	case part().MatchString(name) && errors.Is(err, vpk.ErrFormat):
		v.warn.add(left4me.NewWarning(left4me.WarnIncomplete, name, "addon.part_without_directory",
			"directory", path.Base(part().ReplaceAllString(name, "_dir.vpk"))))
	case errors.Is(err, vpk.ErrVersion):
		v.warn.add(left4me.NewWarning(left4me.WarnOtherGame, name, "addon.version_unsupported"))
	case errors.Is(err, vpk.ErrTruncated):
		offset, reason := cause(err)
		v.warn.add(left4me.NewWarning(left4me.WarnBroken, name, "addon.truncated", "offset", offset, "reason", reason))
	default:
		offset, reason := cause(err)
		v.warn.add(left4me.NewWarning(left4me.WarnBroken, name, "addon.unreadable", "offset", offset, "reason", reason))
	}
}

// cause returns where and why a VPK cannot be read, as arguments of a warning; both are nil for an
// error of the file system.
func cause(err error) (offset, reason any) {
	var at *vpk.Error
	if !errors.As(err, &at) {
		return nil, nil
	}
	return at.Offset, fmt.Sprintf("%s: %v", at.Text, at.Err)
}

// parts warns about missing data files of a multi-file VPK.
func (v *view) parts(name string, a *vpk.Archive) {
	w, found := missingParts(name, a.Parts(), func(p string) bool {
		_, found := slices.BinarySearch(v.files, p)
		return found
	})
	if found {
		v.warn.add(w)
	}
}

// missingParts returns a warning about data files of a VPK that has says are not in the layer.
func missingParts(name string, parts []string, has func(p string) bool) (w left4me.Warning, found bool) {
	var missing []string
	for _, other := range parts {
		if !has(path.Join(path.Dir(name), other)) {
			missing = append(missing, other)
		}
	}
	if len(missing) == 0 {
		return w, false
	}
	names, more := some(missing)
	return left4me.NewWarning(left4me.WarnIncomplete, name, "addon.parts_missing", "names", names, "more", more), true
}

// entries records the files of a VPK for comparison with other add-ons.
func (v *view) entries(p *pack, a *vpk.Archive) {
	sum := fnv.New64a()
	for _, e := range a.Entries() {
		name := strings.ToLower(e.Path)
		fmt.Fprintf(sum, "%s\x00%d\x00%d\x00", name, e.Size, e.CRC)
		dir, file := path.Split(name)
		switch {
		case dir == "maps/" && path.Ext(file) == ".bsp":
			p.maps = append(p.maps, strings.TrimSuffix(file, ".bsp"))
		case dir == "" && (file == "addonimage.jpg" || file == "addonimage.png") && p.picture == "":
			p.picture = e.Path
		case dir == "modes/" && path.Ext(file) == ".txt":
			p.modes = append(p.modes, strings.TrimSuffix(file, ".txt"))
		}
		if ext := path.Ext(file); ext == ".jpg" || ext == ".png" || ext == ".nut" || ext == ".cfg" {
			p.named[name] = e.Path
		}
		if *v.names > 0 && p.addon {
			*v.names--
			p.entries = append(p.entries, packed{name, e.Size, e.CRC})
		}
	}
	p.hash = sum.Sum64()
}

// addons returns the VPKs that the game uses as add-ons.
func (v *view) addons() []*pack {
	var all []*pack
	for _, p := range v.packs {
		if p.addon {
			all = append(all, p)
		}
	}
	return all
}
