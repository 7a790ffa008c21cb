package place

import (
	"path"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// dir is a directory of the upload.
type dir struct {
	parent *dir
	path   string
	name   string // in lower case
	kids   map[string]*dir
	order  []*dir
	files  []int
	count  [kinds]int32 // number of files by kind, including subdirectories
	// to is the path in the layer. placed distinguishes the root of the layer, "", from an unplaced
	// directory.
	to     string
	placed bool
	strong bool         // placed by left4dead2, addons or sourcemod rather than a single directory
	why    left4me.Note // reason for the place
	moved  bool         // moved by the user
	site   bool         // part of a web site
	win    bool         // the Windows variant of another directory
	linux  bool         // a subdirectory has linux in its name

	mentioningFiles []int                  // cache of tree.mentioningFiles; nil until needed
	stems           map[string][kinds]bool // cache of tree.kindsOf, by name without extension
	version         []uint64               // cache of versionInName
	versionParsed   bool                   // version is set
}

// entry is a file of the upload with derived values.
type entry struct {
	File
	in   *dir
	base string // in lower case
	kind kind
}

// tree is the state of one call of Place.
type tree struct {
	files   []entry
	top     *dir
	only    string            // see Top
	moves   map[string]string // targets by path in the upload
	results []Result
	loose   []int // files whose directories don't determine a place
	search  int   // remaining bytes for the search for mentions
	asks    []Ask
}

// newTree builds the tree of an upload.
func newTree(files []File, moves []left4me.FolderMove) *tree {
	t := &tree{
		files:   make([]entry, len(files)),
		top:     &dir{},
		results: make([]Result, len(files)),
		moves:   map[string]string{},
		search:  maxSearch,
	}
	t.only = Top(files)
	for _, m := range moves {
		t.moves[path.Join(t.only, m.From)] = m.To
	}
	byPath := map[string]*dir{"": t.top, ".": t.top}
	var at func(p string) *dir
	at = func(p string) *dir {
		if d := byPath[p]; d != nil {
			return d
		}
		up, name := "", p
		if i := strings.LastIndexByte(p, '/'); i >= 0 {
			up, name = p[:i], p[i+1:]
		}
		parent := at(up)
		d := &dir{parent: parent, path: p, name: strings.ToLower(name)}
		byPath[p] = d
		parent.order = append(parent.order, d)
		parent.linux = parent.linux || strings.Contains(d.name, "linux")
		if parent.kids == nil {
			parent.kids = map[string]*dir{}
		}
		if parent.kids[d.name] == nil {
			parent.kids[d.name] = d
		}
		return d
	}
	for i, f := range files {
		e := &t.files[i]
		e.File = f
		if f.Dir {
			e.in = at(f.Path)
			continue
		}
		up, base := "", f.Path
		if j := strings.LastIndexByte(f.Path, '/'); j >= 0 {
			up, base = f.Path[:j], f.Path[j+1:]
		}
		e.in, e.base = at(up), strings.ToLower(base)
		if e.kind = kindOf(e.base); Junk(f.Path) {
			e.kind = junk
		}
		e.in.files = append(e.in.files, i)
		for d := e.in; d != nil; d = d.parent {
			d.count[e.kind]++
		}
	}
	return t
}

// has reports whether the directory or a subdirectory contains a file of one of these kinds.
func (d *dir) has(of ...kind) bool {
	for _, k := range of {
		if d.count[k] > 0 {
			return true
		}
	}
	return false
}

// forGame reports whether the directory or a subdirectory contains a file that a server may read.
func (d *dir) forGame() bool {
	for k, n := range d.count {
		if n > 0 && kind(k).forGame() {
			return true
		}
	}
	return false
}

// directly reports whether a directory itself contains a file of one of these kinds.
func (t *tree) directly(d *dir, of ...kind) bool {
	for _, i := range d.files {
		if slices.Contains(of, t.files[i].kind) {
			return true
		}
	}
	return false
}

// kidsOf counts the subdirectories with the given names that contain files for a server.
func (d *dir) kidsOf(names []string) (n int) {
	for _, name := range names {
		if k := d.kids[name]; k != nil && (k.forGame() || k.has(unknown)) {
			n++
		}
	}
	return n
}

// placeDirs places directories and their files from the top down. It is iterative because paths may be
// deep.
func (t *tree) placeDirs(from *dir) {
	for todo := []*dir{from}; len(todo) > 0; {
		d := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if d.parent != nil {
			t.placeDir(d)
		}
		t.placeFiles(d)
		todo = append(todo, d.order...)
	}
	slices.Sort(t.loose)
	// Place empty directories with known names.
	for i := range t.files {
		f := &t.files[i]
		if !f.Dir {
			continue
		}
		switch d := f.in; {
		case d.moved && d.to == LeaveOut:
			t.results[i] = Result{Why: whyLeft()}
		case d.placed && d.to != "" && len(d.files) == 0:
			t.results[i] = Result{To: d.to, Why: d.why}
		case !d.any() && !d.moved && !Junk(f.Path):
			t.results[i] = emptyDir(f.Path)
		}
	}
}

// emptyDir places an empty directory by its outermost known name.
func emptyDir(p string) Result {
	parts := strings.Split(p, "/")
	for i, part := range parts {
		at, ok := byName[strings.ToLower(part)]
		if !ok || strings.EqualFold(part, "bin") {
			continue
		}
		to := at[0]
		for _, below := range parts[i+1:] {
			if low := path.Join(to, strings.ToLower(below)); lower[low] {
				to = low
			} else {
				to = path.Join(to, below)
			}
		}
		return Result{To: to, Why: whyDir(strings.ToLower(part))}
	}
	return Result{}
}

// any reports whether the directory or a subdirectory contains a file.
func (d *dir) any() bool { return d.count != [kinds]int32{} }

func whyDir(name string) left4me.Note {
	return left4me.NewNote("placement.directory", "directory", name)
}

// placeDir places a directory.
func (t *tree) placeDir(d *dir) {
	p := d.parent
	if to, ok := t.moves[d.path]; ok {
		d.to, d.placed, d.strong, d.moved, d.why = to, true, true, true, whyMoved()
		return
	}
	d.site = p.site || !p.placed && d.count[code] > 0 && t.isSite(d)
	d.win = p.win || !p.placed && !p.moved && d.forWindows()
	if d.site || d.win {
		return
	}
	if p.moved {
		d.moved, d.placed, d.strong, d.why, d.to = true, true, true, whyMoved(), p.to
		if p.to != LeaveOut {
			d.to = path.Join(p.to, path.Base(d.path))
		}
		return
	}
	if !p.placed {
		t.anchor(d)
		return
	}
	inside := path.Join(p.to, d.name)
	if !lower[inside] {
		inside = path.Join(p.to, path.Base(d.path))
	}
	switch {
	case lower[p.to] && d.name == path.Base(p.to) && d.name != "bin" && !lower[inside] && t.fits(d, p.to):
		d.to, d.why = p.to, left4me.NewNote("placement.doubled_directory", "directory", d.name+"/"+d.name)
		d.placed, d.strong = true, p.strong
		return
	case !lower[inside] && t.placeElsewhere(d):
		return
	}
	d.to, d.placed, d.strong, d.why = inside, true, p.strong, p.why
}

// placeElsewhere places a known directory independently of its parent if it can't belong there,
// like addons/sourcemod in plugins. It reports whether it did.
func (t *tree) placeElsewhere(d *dir) bool {
	in := d.parent.to
	to, known := byName[d.name]
	if !known || d.name == "bin" {
		return false
	}
	move := false
	switch d.name {
	case game:
		move = in != "" && d.kidsOf(underGame) > 0
	case "addons":
		move = d.kidsOf([]string{"sourcemod", "metamod", "stripper"}) > 0 || t.directly(d, pack, vdfFile)
	case "sourcemod":
		move = in != cfgDir && d.kidsOf(underSM) > 0
	default:
		// Other known directories move only if the parent is a directory of the game, or a
		// SourceMod directory for files of one kind.
		switch in {
		case "", game, addons, sm:
			move = t.fits(d, to[0])
		default:
			pure := in == sm+"/plugins" || in == sm+"/gamedata" || in == sm+"/translations" || in == sm+"/extensions" ||
				strings.HasPrefix(in, sm+"/plugins/") && slices.Contains(underSM, d.name)
			move = pure && strings.HasPrefix(to[0], sm+"/") && t.fits(d, to[0])
		}
	}
	if !move {
		return false
	}
	d.to, d.placed, d.why = to[0], true, whyDir(d.name)
	d.strong = d.name == game || d.name == "addons" || d.name == "sourcemod"
	return true
}

// anchor places a directory by its name if its content fits.
func (t *tree) anchor(d *dir) {
	low := d.name
	p := d.parent
	if gameSiblings[low] && low != "bin" && p.kids[game] != nil {
		d.to, d.placed, d.strong, d.why = low, true, true, whyGame()
		return
	}
	if low == "bin" {
		t.anchorBin(d)
		return
	}
	for _, to := range byName[low] {
		if !t.fits(d, to) {
			continue
		}
		d.to, d.placed, d.why = to, true, whyDir(low)
		d.strong = low == game || low == "addons" || low == "sourcemod" && to == sm
		return
	}
	// A folder with another name that contains server.cfg is a cfg directory.
	if !d.has(plugin, pack, mapFile, source) && d.kidsOf(underSM)+d.kidsOf(underGame) == 0 && t.named(d, "server.cfg") {
		d.to, d.placed, d.why = cfgDir, true, left4me.NewNote("placement.next_to_server_cfg")
	}
}

// named reports whether a directory contains a file with the given name.
func (t *tree) named(d *dir, base string) bool {
	return slices.ContainsFunc(d.files, func(i int) bool { return t.files[i].base == base })
}

// anchorBin places a directory named bin, which may belong to SourceMod, Metamod or the game.
func (t *tree) anchorBin(d *dir) {
	begins := func(prefixes ...string) bool {
		for _, x := range append([]*dir{d}, d.order...) {
			for _, i := range x.files {
				for _, b := range prefixes {
					if strings.HasPrefix(t.files[i].base, b) && t.files[i].kind != code {
						return true
					}
				}
			}
		}
		return false
	}
	switch {
	case begins("sourcemod", "sourcepawn", "libsourcepawn"):
		d.to, d.why = sm+"/bin", whySourceMod()
	case begins("metamod"):
		d.to, d.why = mm+"/bin", whyMetamod()
	case d.parent.kids[game] != nil && d.has(program, windows):
		d.to, d.why = "bin", whyGame()
	default:
		return
	}
	d.placed = true
}

// fits reports whether the content of a directory fits a place.
func (t *tree) fits(d *dir, to string) bool {
	switch to {
	case game:
		return d.kidsOf(underGame) > 0 || d.kids[game] != nil || t.directly(d, config, text, vdfFile, settings, unknown)
	case addons, mm, addons + "/l4dtoolz", addons + "/stripper":
		return d.forGame() || d.has(windows, unknown)
	case cfgDir:
		return d.has(config)
	case cfgDir + "/sourcemod":
		return d.has(config) && !d.has(plugin, source, include, phrases)
	case sm:
		return d.kidsOf(underSM) > 0 || d.has(plugin, source, include, phrases) || t.directly(d, text)
	case sm + "/plugins":
		return d.has(plugin)
	case sm + "/gamedata":
		return d.has(text) && !d.has(plugin)
	case sm + "/translations":
		return d.has(phrases, text)
	case sm + "/extensions":
		return d.has(extension, program)
	case sm + "/scripting":
		return d.has(source, include)
	case sm + "/scripting/include":
		return d.has(include)
	case sm + "/configs", sm + "/data":
		if !d.has(config, text, settings, vdfFile, geo, phrases) || d.has(code, pack, plugin, mapFile, include) {
			return false
		}
		// Other programs have directories with these names, too.
		p := d.parent
		return (p.parent == nil || p.path == t.only) && !t.directly(p, code) || p.placed || p.kidsOf(underSM) > 1 ||
			t.directly(p, plugin, source, phrases) || d.name == "configs" && !p.has(code)
	case maps:
		return d.has(mapFile)
	case game + "/scripts":
		return d.has(vscript) || d.has(text) && !d.has(source, plugin, code) && d.parent.kidsOf(underGame) > 1
	case game + "/scripts/vscripts":
		return d.has(vscript)
	case game + "/missions", game + "/missions.cache", game + "/modes":
		return d.has(text) && !d.has(source, plugin, code)
	case game + "/materials":
		return d.has(material)
	case game + "/models":
		return d.has(model)
	case game + "/sound":
		return d.has(sound)
	case game + "/particles":
		return d.has(particle)
	case game + "/resource":
		return d.has(resource) || d.has(text) && d.parent.kidsOf(underGame) > 1
	case game + "/media":
		return d.has(video)
	case game + "/scenes", game + "/expressions":
		return d.has(scene)
	case game + "/ems":
		return d.has(vscript, config, text)
	}
	return false
}

// forWindows reports whether a directory is the Windows variant of a Linux directory next to it.
func (d *dir) forWindows() bool {
	n := d.name
	if n != "win" && n != "win32" && n != "win64" && !strings.Contains(n, "windows") {
		return false
	}
	if len(n) <= len("windows") {
		return d.parent.linux
	}
	return d.parent.kids[strings.ReplaceAll(n, "windows", "linux")] != nil
}

// isSite reports whether a directory contains a web site.
func (t *tree) isSite(d *dir) bool {
	if d.kidsOf(underSM)+d.kidsOf(underGame) > 0 {
		return false
	}
	return slices.ContainsFunc(d.files, func(i int) bool { return path.Ext(t.files[i].base) == ".php" })
}

// placeFiles places the files of a directory or adds them to loose.
func (t *tree) placeFiles(d *dir) {
	for _, i := range d.files {
		f := &t.files[i]
		if to, ok := t.moves[f.Path]; ok {
			t.results[i] = moved(to, path.Base(f.Path))
			continue
		}
		switch {
		case d.moved:
			t.results[i] = moved(d.to, path.Base(f.Path))
		case f.kind == junk:
			t.results[i] = Result{Why: whyJunk()}
		case d.site:
			t.results[i] = Result{Why: whySite()}
		case d.win:
			t.results[i] = Result{Why: whyWindows()}
		case !d.placed:
			t.loose = append(t.loose, i)
		default:
			t.placeWithin(d, i)
		}
	}
}

// moved returns the place of a file that the user moved.
func moved(to, base string) Result {
	if to == LeaveOut {
		return Result{Why: whyLeft()}
	}
	return Result{To: path.Join(to, GameName(base)), Why: whyMoved()}
}

// placeWithin places a file of a placed directory.
func (t *tree) placeWithin(d *dir, i int) {
	f := &t.files[i]
	to := path.Join(d.to, GameName(path.Base(f.Path)))
	why := d.why
	if d.strong {
		// The file keeps its place, unless files of its kind are not read from there.
		switch d.to {
		case "":
			if f.kind == people || f.kind == code {
				t.results[i] = Result{Why: f.kind.whyNot()}
				return
			}
		case game, addons, sm:
			if f.kind == pack && (d.to == addons || isGamePak(f.base)) {
				break
			}
			if at, ok := home[f.kind]; ok && !(f.kind == pack && d.to == game && isGamePak(f.base)) {
				to, why = path.Join(at, GameName(path.Base(f.Path))), f.kind.whyHome()
			}
			if f.kind == text && d.to != game && f.base != "addonlist.txt" {
				t.loose = append(t.loose, i)
				t.results[i] = Result{To: to, Why: why}
				return
			}
		}
		t.results[i] = Result{To: to, Why: why}
		return
	}
	keep := true
	switch d.to {
	case sm + "/plugins":
		keep = f.kind == plugin
	case sm + "/gamedata":
		keep = f.kind == text
	case sm + "/translations":
		keep = f.kind == text || f.kind == phrases
	case sm + "/extensions":
		keep = f.kind == program || f.kind == extension || f.kind == windows
	default:
		switch f.kind {
		case plugin:
			keep = strings.HasPrefix(d.to, sm+"/plugins/")
		case pack, phrases:
			keep = strings.HasPrefix(d.to, sm+"/translations/") || f.kind == pack && strings.HasPrefix(d.to, addons)
		case people:
			keep = false
		case windows, database:
			keep = strings.HasPrefix(d.to, addons) && (d.to != sm+"/scripting" || d.has(windows))
		case code, logFile, demo:
			keep = strings.HasPrefix(d.to, sm+"/scripting") || strings.HasPrefix(d.to, sm+"/data") || strings.HasPrefix(d.to, sm+"/configs")
			if f.kind == code && path.Ext(f.base) == ".py" {
				keep = false
			}
		}
	}
	if !keep {
		t.loose = append(t.loose, i)
		return
	}
	t.results[i] = Result{To: to, Why: why}
}

// isGamePak reports whether a VPK belongs to the game itself.
func isGamePak(base string) bool { return strings.HasPrefix(base, "pak0") }

func sortedUnique(all []int) []int {
	slices.Sort(all)
	return slices.Compact(all)
}
