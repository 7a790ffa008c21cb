package place

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

// resolveLoose places the files whose directories don't determine a place.
func (t *tree) resolveLoose() {
	programs := t.programs()
	asks := map[string]int{} // index of the question by directory and places
	for _, i := range t.loose {
		f := &t.files[i]
		if t.results[i].To != "" && f.kind == text { // already placed in addons
			if name, _, ok := root(f.Head); !ok || name != "games" && name != "phrases" {
				continue
			}
		}
		r, places := t.placeByContent(i, programs)
		if len(places) > 1 {
			key := f.in.path + "\x00" + strings.Join(places, "\x00")
			n, ok := asks[key]
			if !ok {
				t.asks = append(t.asks, Ask{Text: r.Why})
				n = len(t.asks)
				asks[key] = n
			}
			r.Asked = n
			t.asks[n-1].Files = append(t.asks[n-1].Files, i)
			for c, p := range places {
				if len(t.asks[n-1].Choices) <= c {
					t.asks[n-1].Choices = append(t.asks[n-1].Choices, Choice{Text: p})
				}
				m := left4me.FolderMove{From: t.relative(f.Path), To: p}
				t.asks[n-1].Choices[c].Moves = append(t.asks[n-1].Choices[c].Moves, m)
			}
		}
		t.results[i] = r
	}
	for n := range t.asks {
		a := &t.asks[n]
		out := Choice{Text: "leave out"}
		for _, i := range a.Files {
			out.Moves = append(out.Moves, left4me.FolderMove{From: t.relative(t.files[i].Path), To: LeaveOut})
		}
		a.Choices = append(a.Choices, out)
	}
}

// relative returns a path relative to Top, as moves use it.
func (t *tree) relative(p string) string {
	if rest, ok := beneath(t.only, p); ok && rest != "" {
		return rest
	}
	return p
}

// programs returns the programs that .vdf files load, by file name.
func (t *tree) programs() map[string]Program {
	all := map[string]Program{}
	for _, i := range t.loose {
		if f := &t.files[i]; f.kind == vdfFile {
			if p, ok := ReadProgram(f.Head); ok && p.Path != "" {
				all[path.Base(p.Path)] = p
			}
		}
	}
	return all
}

// placeByContent places a file by its kind and content. If several directories are equally likely,
// it returns them, the chosen one first.
func (t *tree) placeByContent(i int, programs map[string]Program) (r Result, places []string) {
	f := &t.files[i]
	base := path.Base(f.Path)
	at := func(dir, why string) (Result, []string) { return Result{To: path.Join(dir, base), Why: why}, nil }
	if dir, ok := byFile[f.base]; ok {
		if dir == cfgDir+"/sourcemod" && f.in.name == "sourcemod" || f.kind != unknown {
			return at(dir, "known by its name")
		}
	}
	switch f.kind {
	case plugin:
		dir := home[plugin]
		if n := f.in.name; n == "disabled" || n == "optional" {
			dir += "/" + n // SourceMod doesn't load plugins from these
		}
		return at(dir, whyHome[plugin])
	case source, include:
		return t.script(i)
	case phrases:
		return at(t.language(f, home[phrases]), whyHome[phrases])
	case pack, mapFile, vscript, particle, geo:
		return Result{To: path.Join(home[f.kind], GameName(base)), Why: whyHome[f.kind]}, nil
	case extension:
		if program64(f.Head) {
			return Result{Why: why64}, nil
		}
		return at(home[extension], whyHome[extension])
	case program:
		return t.program(i, programs)
	case vdfFile:
		p, ok := ReadProgram(f.Head)
		switch {
		case ok && p.Metamod:
			return at(mm, "names a plugin of Metamod")
		case ok:
			return at(addons, "names a plugin of the game")
		}
		return Result{Why: whyNothing}, nil
	case text, config, settings:
		return t.placeText(i)
	case sound:
		return Result{To: path.Join(game+"/sound", base), Why: "a sound; plugins name its directory"}, []string{game + "/sound"}
	}
	return Result{Why: f.kind.whyNot()}, nil
}

// language returns the directory for a translation, including the subdirectory of its language, if
// any.
func (t *tree) language(f *entry, dir string) string {
	if languages[f.in.name] {
		return dir + "/" + f.in.name
	}
	return dir
}

// script places source code. Folders of sources that other sources include, and folders of include
// files, stay together.
func (t *tree) script(i int) (Result, []string) {
	f := &t.files[i]
	to, rest := home[f.kind], path.Base(f.Path)
	pieces := func(d *dir) bool {
		return !d.placed && d.parent != nil && d.parent.parent != nil && !d.has(plugin, phrases, config, people, pack) && d.has(source) &&
			t.directly(d.parent, source)
	}
	from := f.in
	for pieces(from) {
		rest = path.Join(path.Base(from.path), rest)
		from = from.parent
	}
	switch {
	case from != f.in:
		return Result{To: path.Join(home[source], rest), Why: "a piece of the source code beside it"}, nil
	case f.kind == include && !f.in.placed && f.in.parent != nil && f.in.name != "includes" &&
		!f.in.has(source, plugin, text, config, people) && f.in.parent.parent != nil:
		return Result{To: path.Join(to, path.Base(f.in.path), rest), Why: "a folder of include files"}, nil
	}
	return Result{To: path.Join(to, rest), Why: whyHome[f.kind]}, nil
}

// program places a .so file.
func (t *tree) program(i int, programs map[string]Program) (Result, []string) {
	f := &t.files[i]
	base := path.Base(f.Path)
	name := strings.TrimSuffix(f.base, ".so")
	if p, ok := programs[name]; ok {
		return Result{To: p.Path + ".so", Why: "a .vdf names it"}, nil
	}
	if p, ok := programs[strings.TrimSuffix(name, "_i486")]; ok {
		return Result{To: path.Join(path.Dir(p.Path), base), Why: "a .vdf names it"}, nil
	}
	switch {
	case program64(f.Head):
		return Result{Why: why64}, nil
	case strings.HasPrefix(name, "sourcemod"), strings.HasPrefix(name, "sourcepawn"):
		return Result{To: path.Join(sm+"/bin", base), Why: "a program of SourceMod"}, nil
	case strings.HasPrefix(name, "metamod"):
		return Result{To: path.Join(mm+"/bin", base), Why: "a program of Metamod"}, nil
	}
	switch beside := t.kindsOf(f.in, name); {
	case beside[vdfFile]:
		return Result{To: path.Join(addons, base), Why: "beside its .vdf"}, nil
	case beside[extension]:
		return Result{To: path.Join(sm+"/extensions", base), Why: "beside its .autoload"}, nil
	}
	return Result{To: path.Join(addons, base), Why: "a program that no .vdf names"}, []string{addons, sm + "/extensions"}
}

// placeText places texts: by their beginning, or else by mentions in files next to them.
func (t *tree) placeText(i int) (Result, []string) {
	f := &t.files[i]
	base := path.Base(f.Path)
	at := func(dir, why string) (Result, []string) { return Result{To: path.Join(dir, base), Why: why}, nil }
	name, _, kv := root(f.Head)
	switch {
	case kv && name == "games":
		if strings.HasSuffix(f.in.name, ".games") {
			return at(sm+"/gamedata/"+path.Base(f.in.path), "game data of a plugin")
		}
		return at(sm+"/gamedata", "game data of a plugin")
	case kv && name == "phrases":
		return at(t.language(f, sm+"/translations"), whyHome[phrases])
	case kv && name == "mission":
		return at(game+"/missions", "a mission")
	case kv && name == "addoninfo", f.base == "addoninfo.txt", f.base == "addonimage.txt":
		return Result{Why: whyAbout}, nil
	case strings.Contains(strings.ToLower(string(plain(f.Head))), "source scramble"):
		return at(sm+"/configs/sourcescramble", "patches of Source Scramble")
	case kv && name == "weapondata":
		return at(game+"/scripts", "a weapon of the game")
	case kv && name == "lang":
		return at(game+"/resource", "texts of the game")
	case stripper(f.Head):
		return at(addons+"/stripper/maps", "rules of Stripper")
	}
	if to, why := t.mentioned(f); to != "" {
		return Result{To: path.Join(to, base), Why: why}, nil
	}
	switch {
	case f.in.placed && !f.in.strong && f.in.to != "" && f.kind == text: // a text in a directory such as plugins/
		return Result{Why: whyText}, nil
	case (kv || f.kind == settings) && !t.mayBelongToPlugin(f):
		return Result{Why: whyAlone}, nil
	case f.kind == config && len(f.Head) == HeadBytes && onlyComments(f.Head):
		return Result{To: path.Join(sm+"/configs", base), Why: "a text that begins with a long comment"}, []string{
			sm + "/configs",
			sm + "/data", cfgDir + "/sourcemod",
		}
	case kv:
		return Result{
			To:  path.Join(sm+"/data", base),
			Why: "data of a plugin, which reads it from data or from configs",
		}, []string{sm + "/data", sm + "/configs"}
	case f.kind == config && isINI(f.Head):
		return Result{Why: whyNothing}, nil
	case f.kind == config && strings.Contains(strings.ToLower(string(f.Head)), "auto-generated by sourcemod"):
		return at(cfgDir+"/sourcemod", "settings that SourceMod wrote for a plugin")
	case f.kind == config && f.in.name == "sourcemod":
		return at(cfgDir+"/sourcemod", whyDir("sourcemod"))
	case f.kind == config && t.hasPlugin(f):
		return at(cfgDir+"/sourcemod", "settings of the plugin of that name")
	case f.kind == config:
		return at(cfgDir, "a configuration of the server")
	case f.kind == settings:
		return Result{
			To:  path.Join(sm+"/configs", base),
			Why: "settings of a plugin, which reads them from configs or from data",
		}, []string{sm + "/configs", sm + "/data"}
	}
	return Result{Why: whyText}, nil
}

// mayBelongToPlugin reports whether settings may belong to a plugin: files of one are nearby, or no files of
// other programs are.
func (t *tree) mayBelongToPlugin(f *entry) bool {
	d := f.in
	for range 2 {
		switch {
		case d.has(plugin, source, phrases):
			return true
		case d.has(code) || t.directly(d, windows):
			return false
		case d.parent == nil:
			return true
		}
		d = d.parent
	}
	return !d.has(code, windows) || d.has(plugin, source)
}

// hasPlugin reports whether a plugin of the same name is in the same directory.
func (t *tree) hasPlugin(f *entry) bool {
	k := t.kindsOf(f.in, stem(f.base))
	return k[plugin] || k[source]
}

// kindsOf returns the kinds of files in a directory with the given name, ignoring extensions.
func (t *tree) kindsOf(d *dir, name string) [kinds]bool {
	if d.stems == nil {
		d.stems = make(map[string][kinds]bool, len(d.files))
		for _, i := range d.files {
			f := &t.files[i]
			k := d.stems[stem(f.base)]
			k[f.kind] = true
			d.stems[stem(f.base)] = k
		}
	}
	return d.stems[name]
}

func stem(base string) string { return strings.TrimSuffix(base, path.Ext(base)) }

// mentioned searches source code and documentation near a file for a path that ends in its name,
// and returns that path's directory.
func (t *tree) mentioned(f *entry) (to, why string) {
	for _, d := range []*dir{f.in, f.in.parent} {
		if d == nil || d.placed {
			continue
		}
		for _, i := range t.mentioningFiles(d) {
			o := &t.files[i]
			if t.search -= len(o.Head); t.search < 0 {
				return "", ""
			}
			if to = mention(strings.ToLower(string(plain(o.Head))), f.base); to != "" {
				return to, path.Base(o.Path) + " names this place"
			}
		}
	}
	return "", ""
}

// mentioningFiles returns the files of a directory that may mention others, source code first.
func (t *tree) mentioningFiles(d *dir) []int {
	if d.mentioningFiles == nil {
		d.mentioningFiles = []int{}
		for _, k := range []kind{source, people} {
			for _, i := range d.files {
				if len(d.mentioningFiles) >= maxBeside {
					break
				}
				if f := &t.files[i]; f.kind == k && len(f.Head) > 0 {
					d.mentioningFiles = append(d.mentioningFiles, i)
				}
			}
		}
	}
	return d.mentioningFiles
}

// Bounds on the search for mentions: texts per directory, and bytes in total.
const (
	maxBeside = 200
	maxSearch = 16 << 20
)

// mention searches a text for a path that ends in base and returns the place of its directory. Both
// must be in lower case.
func mention(text, base string) string {
	for from := 0; ; {
		n := strings.Index(text[from:], base)
		if n < 0 {
			return ""
		}
		end := from + n
		from = end + len(base)
		begin := end
		for begin > 0 &&
			(text[begin-1] == '/' || text[begin-1] == '\\' || text[begin-1] == '_' || text[begin-1] == '-' || text[begin-1] == '.' ||
				text[begin-1] >= '0' && text[begin-1] <= '9' || text[begin-1] >= 'a' && text[begin-1] <= 'z') && end-begin < 200 {
			begin--
		}
		dir := strings.ReplaceAll(text[begin:end], `\`, "/")
		if !strings.HasSuffix(dir, "/") {
			continue
		}
		parts := strings.Split(strings.Trim(dir, "/"), "/")
		for j, p := range parts {
			to, ok := byName[p]
			if !ok || p == "bin" || p == "sourcemod" && j+1 < len(parts) || p == "addons" && j+1 < len(parts) || p == game {
				continue
			}
			if p == "sourcemod" && j > 0 && parts[j-1] == "cfg" {
				return cfgDir + "/sourcemod"
			}
			if full := path.Join(append([]string{to[0]}, parts[j+1:]...)...); overlays.CheckPath(full) == nil {
				return full
			}
		}
	}
}

// collisions decides which of several files with the same place is used: a file of a content tree
// takes precedence over a single file, and a shallow file over a deep one.
func (t *tree) collisions() {
	first := make(map[string]int, len(t.files))
	which := map[[2]*dir]int{} // number of the question by the folders in conflict
	order := make([]int, 0, len(t.files))
	rank := make([]int, len(t.files))
	for i := range t.files {
		if f := &t.files[i]; !f.Dir && t.results[i].To != "" {
			order = append(order, i)
			for w := f.in.wrapper(); w != nil; w = w.parent {
				rank[i]++
			}
			if !f.in.placed || !f.in.strong {
				rank[i] += 1 << 20
			}
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if rank[a] != rank[b] {
			return rank[a] - rank[b]
		}
		return newer(t.files[a].in.wrapper(), t.files[b].in.wrapper())
	})
	t.unifySpelling(order)
	for _, i := range order {
		key := overlays.Fold(t.results[i].To)
		o, taken := first[key]
		if !taken {
			first[key] = i
			continue
		}
		f, other, to := &t.files[i], &t.files[o], t.results[i].To
		mine, theirs := f.in.wrapper(), other.in.wrapper()
		same := f.Size == other.Size && f.Size >= 0 && to == t.results[o].To && (f.Sum == other.Sum || f.Sum == 0 || other.Sum == 0)
		if f.kind == source && !same && rank[i] == rank[o] && mine.parent != nil {
			// Only people read source code, so both files can be placed.
			to := path.Join(sm+"/scripting", path.Base(mine.path), path.Base(f.Path))
			if k := overlays.Fold(to); overlays.CheckPath(to) == nil {
				if _, taken := first[k]; !taken {
					first[k] = i
					t.results[i] = Result{To: to, Why: "source code; another of that name is there"}
					continue
				}
			}
		}
		switch {
		case same:
			t.results[i] = Result{Why: fmt.Sprintf("the same as %s, which goes to the same place", shorten(other.Path))}
		case rank[i] != rank[o]:
			t.results[i] = Result{Why: fmt.Sprintf("%s goes to the same place and comes first", shorten(other.Path))}
		default:
			t.results[i] = Result{Why: fmt.Sprintf("%s goes to the same place", shorten(other.Path))}
			n, ok := which[[2]*dir{theirs, mine}]
			if !ok || mine == theirs {
				one, two := theirs.path, mine.path
				if mine == theirs {
					one, two = other.Path, f.Path
				}
				t.asks = append(t.asks,
					Ask{
						Text:    "both have files for the same places",
						Choices: []Choice{{Text: at(t.relative(one))}, {Text: at(t.relative(two))}},
					})
				n = len(t.asks)
				which[[2]*dir{theirs, mine}] = n
			}
			a := &t.asks[n-1]
			a.Files = append(a.Files, i)
			a.Choices[0].Moves = append(a.Choices[0].Moves, left4me.FolderMove{From: t.relative(f.Path), To: LeaveOut})
			a.Choices[1].Moves = append(a.Choices[1].Moves, left4me.FolderMove{From: t.relative(other.Path), To: LeaveOut})
			t.results[i].Asked = n
		}
	}
	free := map[string]bool{} // directories without a file at their path or at a parent's path
	for _, i := range order { // a file at the path of a directory
		dir := path.Dir(t.results[i].To)
		for up := dir; t.results[i].To != "" && !free[up] && up != "."; up = path.Dir(up) {
			if o, taken := first[overlays.Fold(up)]; taken {
				t.results[i] = Result{Why: fmt.Sprintf("%s goes where its directory would be", shorten(t.files[o].Path))}
				break
			}
		}
		if t.results[i].To != "" {
			free[dir] = true
		}
	}
}

// unifySpelling unifies directories that differ only by case or Unicode form to the first spelling,
// because a layer can't have both.
func (t *tree) unifySpelling(order []int) {
	spelt := map[string]string{} // spellings by folded path
	done := map[string]string{}
	var spell func(dir string) string
	spell = func(dir string) string {
		if dir == "." {
			return dir
		}
		if as, ok := done[dir]; ok {
			return as
		}
		as := path.Join(spell(path.Dir(dir)), path.Base(dir))
		key := overlays.Fold(as)
		if before, ok := spelt[key]; ok {
			as = before
		} else {
			spelt[key] = as
		}
		done[dir] = as
		return as
	}
	for _, i := range order {
		r := &t.results[i]
		if as := path.Join(spell(path.Dir(r.To)), path.Base(r.To)); as != r.To {
			r.To, r.Why = as, "its directory is there in another spelling"
		}
	}
}

// wrapper returns the innermost directory around d that has no place of its own.
func (d *dir) wrapper() *dir {
	for d.parent != nil && d.placed {
		d = d.parent
	}
	return d
}

// newer compares two folders whose names contain versions; the higher version sorts first.
func newer(a, b *dir) int {
	if a == b || a.parent != b.parent {
		return 0
	}
	x, y := a.versionInName(), b.versionInName()
	if x == nil || y == nil {
		return 0
	}
	return slices.Compare(y, x)
}

// versionInName returns the version in the name of a folder, or nil.
func (d *dir) versionInName() []uint64 {
	if d.versionParsed {
		return d.version
	}
	d.versionParsed = true
	for part := range strings.SplitSeq(versionOf().FindString(d.name), ".") {
		n, err := strconv.ParseUint(part, 10, 64)
		if err != nil {
			d.version = nil
			break
		}
		d.version = append(d.version, n)
	}
	return d.version
}

var versionOf = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`[0-9]+(\.[0-9]+)+`)
})

func at(p string) string {
	if p == "" {
		return "keep what lies at the top"
	}
	return "keep " + p
}

func shorten(s string) string {
	const most = 120
	if r := []rune(s); len(r) > most {
		return "…" + string(r[len(r)-most:])
	}
	return s
}
