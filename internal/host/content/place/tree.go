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
	count  [kinds]int32 // of all files beneath
	// to is where it goes in the layer. placed tells "" of the layer itself from
	// nowhere in particular.
	to     string
	placed bool
	strong bool   // left4dead2, addons or sourcemod say it, not one directory alone
	why    string // why it goes there
	moved  bool   // somebody said so
	site   bool   // part of a web site
	win    bool   // the half of an archive that is for Windows
	linux  bool   // one of its directories is named after Linux

	telling []int                  // its files that may mention others, sources first; nil: not looked for yet
	stems   map[string][kinds]bool // kinds of its files by names without endings
	version []uint64               // that its name says
	sought  bool
}

// entry is a file as it is inspected.
type entry struct {
	File
	in   *dir
	base string // in lower case
	kind kind
}

// tree is one placing under way.
type tree struct {
	files   []entry
	top     *dir
	only    string            // see Top
	moves   map[string]string // by the path in the upload
	results []Result
	loose   []int // files that no directory places
	search  int   // bytes of texts that may yet be searched for names
	asks    []Ask
}

// grow makes the tree.
func grow(files []File, moves []left4me.FolderMove) *tree {
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

// has reports whether there is any file of one of these kinds beneath.
func (d *dir) has(of ...kind) bool {
	for _, k := range of {
		if d.count[k] > 0 {
			return true
		}
	}
	return false
}

// forGame reports whether anything beneath may be for a server.
func (d *dir) forGame() bool {
	for k, n := range d.count {
		if n > 0 && kind(k).forGame() {
			return true
		}
	}
	return false
}

// directly reports whether a file of one of these kinds lies in it.
func (t *tree) directly(d *dir, of ...kind) bool {
	for _, i := range d.files {
		if slices.Contains(of, t.files[i].kind) {
			return true
		}
	}
	return false
}

// kidsOf counts the directories of some names in it that have something for a server.
func (d *dir) kidsOf(names []string) (n int) {
	for _, name := range names {
		if k := d.kids[name]; k != nil && (k.forGame() || k.has(unknown)) {
			n++
		}
	}
	return n
}

// settle decides where a directory and what is in it goes. It goes down without
// recursion: paths may be deep.
func (t *tree) settle(from *dir) {
	for todo := []*dir{from}; len(todo) > 0; {
		d := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if d.parent != nil {
			t.direct(d)
		}
		t.put(d)
		todo = append(todo, d.order...)
	}
	slices.Sort(t.loose)
	// Empty directories, where they are known.
	for i := range t.files {
		f := &t.files[i]
		if !f.Dir {
			continue
		}
		switch d := f.in; {
		case d.moved && d.to == LeaveOut:
			t.results[i] = Result{Why: whyLeft}
		case d.placed && d.to != "" && len(d.files) == 0:
			t.results[i] = Result{To: d.to, Why: d.why}
		case !d.any() && !d.moved && !Junk(f.Path):
			t.results[i] = emptyDir(f.Path)
		}
	}
}

// emptyDir places a directory with no file beneath, by the outermost known one.
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

// any reports whether there is any file beneath.
func (d *dir) any() bool { return d.count != [kinds]int32{} }

func whyDir(name string) string { return "directory " + name }

// direct decides where a directory goes.
func (t *tree) direct(d *dir) {
	p := d.parent
	if to, ok := t.moves[d.path]; ok {
		d.to, d.placed, d.strong, d.moved, d.why = to, true, true, true, whyMoved
		return
	}
	d.site = p.site || !p.placed && d.count[code] > 0 && t.isSite(d)
	d.win = p.win || !p.placed && !p.moved && d.forWindows()
	if d.site || d.win {
		return
	}
	if p.moved {
		d.moved, d.placed, d.strong, d.why, d.to = true, true, true, whyMoved, p.to
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
		d.to, d.why = p.to, "doubled directory "+d.name+"/"+d.name
		d.placed, d.strong = true, p.strong
		return
	case !lower[inside] && t.elsewhere(d):
		return
	}
	d.to, d.placed, d.strong, d.why = inside, true, p.strong, p.why
}

// elsewhere anchors a directory anew that lies in a placed one where it can't be
// meant, like addons/sourcemod in plugins.
func (t *tree) elsewhere(d *dir) bool {
	in := d.parent.to
	to, known := byName[d.name]
	if !known || d.name == "bin" {
		return false
	}
	anew := false
	switch d.name {
	case game:
		anew = in != "" && d.kidsOf(underGame) > 0
	case "addons":
		anew = d.kidsOf([]string{"sourcemod", "metamod", "stripper"}) > 0 || t.directly(d, pack, vdfFile)
	case "sourcemod":
		anew = in != cfgDir && d.kidsOf(underSM) > 0
	default:
		// Beside what the game has there, and in SourceMod's directories that have
		// nothing but files of one kind.
		switch in {
		case "", game, addons, sm:
			anew = t.fits(d, to[0])
		default:
			pure := in == sm+"/plugins" || in == sm+"/gamedata" || in == sm+"/translations" || in == sm+"/extensions" ||
				strings.HasPrefix(in, sm+"/plugins/") && slices.Contains(underSM, d.name)
			anew = pure && strings.HasPrefix(to[0], sm+"/") && t.fits(d, to[0])
		}
	}
	if !anew {
		return false
	}
	d.to, d.placed, d.why = to[0], true, whyDir(d.name)
	d.strong = d.name == game || d.name == "addons" || d.name == "sourcemod"
	return true
}

// anchor places a directory by its name, when what is in it agrees.
func (t *tree) anchor(d *dir) {
	low := d.name
	p := d.parent
	if besides[low] && low != "bin" && p.kids[game] != nil {
		d.to, d.placed, d.strong, d.why = low, true, true, "directory of the game"
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
	// A folder of another name that is the game's for configurations.
	if !d.has(plugin, pack, mapFile, source) && d.kidsOf(underSM)+d.kidsOf(underGame) == 0 && t.named(d, "server.cfg") {
		d.to, d.placed, d.why = cfgDir, true, "configurations beside server.cfg"
	}
}

// named reports whether a file of a name lies in a directory.
func (t *tree) named(d *dir, base string) bool {
	return slices.ContainsFunc(d.files, func(i int) bool { return t.files[i].base == base })
}

// anchorBin tells the directories that are called bin from each other.
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
		d.to, d.why = sm+"/bin", "programs of SourceMod"
	case begins("metamod"):
		d.to, d.why = mm+"/bin", "programs of Metamod"
	case d.parent.kids[game] != nil && d.has(program, windows):
		d.to, d.why = "bin", "directory of the game"
	default:
		return
	}
	d.placed = true
}

// fits reports whether what is in a directory agrees with a place.
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
		// Other programs have directories of these names, too.
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

// forWindows reports whether a directory is the half of an archive that is for
// Windows: one like it beside is for Linux.
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

// isSite reports whether a directory is a web site's.
func (t *tree) isSite(d *dir) bool {
	if d.kidsOf(underSM)+d.kidsOf(underGame) > 0 {
		return false
	}
	return slices.ContainsFunc(d.files, func(i int) bool { return path.Ext(t.files[i].base) == ".php" })
}

// put places the files of a directory, as far as the directory says where.
func (t *tree) put(d *dir) {
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
			t.results[i] = Result{Why: whyJunk}
		case d.site:
			t.results[i] = Result{Why: whySite}
		case d.win:
			t.results[i] = Result{Why: whyWindows}
		case !d.placed:
			t.loose = append(t.loose, i)
		default:
			t.within(d, i)
		}
	}
}

// moved is where somebody said that a file goes.
func moved(to, base string) Result {
	if to == LeaveOut {
		return Result{Why: whyLeft}
	}
	return Result{To: path.Join(to, GameName(base)), Why: whyMoved}
}

// within places a file of a directory that has a place.
func (t *tree) within(d *dir, i int) {
	f := &t.files[i]
	to := path.Join(d.to, GameName(path.Base(f.Path)))
	why := d.why
	if d.strong {
		// It stays where it is, unless it lies where nothing of its kind is looked for.
		switch d.to {
		case "":
			if f.kind == people || f.kind == code {
				t.results[i] = Result{Why: f.kind.whyNot()}
				return
			}
		case game, addons, sm:
			if f.kind == pack && (d.to == addons || paks(f.base)) {
				break
			}
			if at, ok := home[f.kind]; ok && !(f.kind == pack && d.to == game && paks(f.base)) {
				to, why = path.Join(at, GameName(path.Base(f.Path))), whyHome[f.kind]
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

// paks reports whether a VPK is a part of the game itself.
func paks(base string) bool { return strings.HasPrefix(base, "pak0") }

func sortedUnique(all []int) []int {
	slices.Sort(all)
	return slices.Compact(all)
}
