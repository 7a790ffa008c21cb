package place

import (
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
				t.asks = append(t.asks, Ask{Question: r.Why})
				n = len(t.asks)
				asks[key] = n
			}
			r.Asked = n
			t.asks[n-1].Files = append(t.asks[n-1].Files, i)
			for c, p := range places {
				if len(t.asks[n-1].Choices) <= c {
					t.asks[n-1].Choices = append(t.asks[n-1].Choices,
						Choice{Label: left4me.NewNote("placement.choice_directory", "directory", p)})
				}
				m := left4me.FolderMove{From: t.relative(f.Path), To: p}
				t.asks[n-1].Choices[c].Moves = append(t.asks[n-1].Choices[c].Moves, m)
			}
		}
		t.results[i] = r
	}
	for n := range t.asks {
		a := &t.asks[n]
		out := Choice{Label: left4me.NewNote("placement.choice_exclude")}
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
	at := func(dir string, why left4me.Note) (Result, []string) {
		return Result{To: path.Join(dir, base), Why: why}, nil
	}
	if dir, ok := byFile[f.base]; ok {
		if dir == cfgDir+"/sourcemod" && f.in.name == "sourcemod" || f.kind != unknown {
			return at(dir, left4me.NewNote("placement.known_name"))
		}
	}
	switch f.kind {
	case plugin:
		dir := home[plugin]
		if n := f.in.name; n == "disabled" || n == "optional" {
			dir += "/" + n // SourceMod doesn't load plugins from these
		}
		return at(dir, plugin.whyHome())
	case source, include:
		return t.script(i)
	case phrases:
		return at(t.language(f, home[phrases]), phrases.whyHome())
	case pack, mapFile, vscript, particle, geo:
		return Result{To: path.Join(home[f.kind], GameName(base)), Why: f.kind.whyHome()}, nil
	case extension:
		if program64(f.Head) {
			return Result{Why: why64()}, nil
		}
		return at(home[extension], extension.whyHome())
	case program:
		return t.program(i, programs)
	case vdfFile:
		p, ok := ReadProgram(f.Head)
		switch {
		case ok && p.Metamod:
			return at(mm, left4me.NewNote("placement.metamod_vdf"))
		case ok:
			return at(addons, left4me.NewNote("placement.game_vdf"))
		}
		return Result{Why: whyNothing()}, nil
	case text, config, settings:
		return t.placeText(i)
	case sound:
		return Result{To: path.Join(game+"/sound", base), Why: left4me.NewNote("placement.sound")}, []string{game + "/sound"}
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
		return Result{To: path.Join(home[source], rest), Why: left4me.NewNote("placement.source_part")}, nil
	case f.kind == include && !f.in.placed && f.in.parent != nil && f.in.name != "includes" &&
		!f.in.has(source, plugin, text, config, people) && f.in.parent.parent != nil:
		return Result{To: path.Join(to, path.Base(f.in.path), rest), Why: left4me.NewNote("placement.include_folder")}, nil
	}
	return Result{To: path.Join(to, rest), Why: f.kind.whyHome()}, nil
}

// program places a .so file.
func (t *tree) program(i int, programs map[string]Program) (Result, []string) {
	f := &t.files[i]
	base := path.Base(f.Path)
	name := strings.TrimSuffix(f.base, ".so")
	if p, ok := programs[name]; ok {
		return Result{To: p.Path + ".so", Why: whyVDF()}, nil
	}
	if p, ok := programs[strings.TrimSuffix(name, "_i486")]; ok {
		return Result{To: path.Join(path.Dir(p.Path), base), Why: whyVDF()}, nil
	}
	switch {
	case program64(f.Head):
		return Result{Why: why64()}, nil
	case strings.HasPrefix(name, "sourcemod"), strings.HasPrefix(name, "sourcepawn"):
		return Result{To: path.Join(sm+"/bin", base), Why: whySourceMod()}, nil
	case strings.HasPrefix(name, "metamod"):
		return Result{To: path.Join(mm+"/bin", base), Why: whyMetamod()}, nil
	}
	switch beside := t.kindsOf(f.in, name); {
	case beside[vdfFile]:
		return Result{To: path.Join(addons, base), Why: left4me.NewNote("placement.next_to_vdf")}, nil
	case beside[extension]:
		return Result{To: path.Join(sm+"/extensions", base), Why: left4me.NewNote("placement.next_to_autoload")}, nil
	}
	return Result{To: path.Join(addons, base), Why: left4me.NewNote("placement.program_unnamed")}, []string{addons, sm + "/extensions"}
}

// placeText places texts: by their beginning, or else by mentions in files next to them.
func (t *tree) placeText(i int) (Result, []string) {
	f := &t.files[i]
	base := path.Base(f.Path)
	at := func(dir string, why left4me.Note) (Result, []string) {
		return Result{To: path.Join(dir, base), Why: why}, nil
	}
	name, _, kv := root(f.Head)
	switch {
	case kv && name == "games":
		if strings.HasSuffix(f.in.name, ".games") {
			return at(sm+"/gamedata/"+path.Base(f.in.path), whyGameData())
		}
		return at(sm+"/gamedata", whyGameData())
	case kv && name == "phrases":
		return at(t.language(f, sm+"/translations"), phrases.whyHome())
	case kv && name == "mission":
		return at(game+"/missions", left4me.NewNote("placement.mission"))
	case kv && name == "addoninfo", f.base == "addoninfo.txt", f.base == "addonimage.txt":
		return Result{Why: whyAbout()}, nil
	case strings.Contains(strings.ToLower(string(plain(f.Head))), "source scramble"):
		return at(sm+"/configs/sourcescramble", left4me.NewNote("placement.source_scramble"))
	case kv && name == "weapondata":
		return at(game+"/scripts", left4me.NewNote("placement.weapon"))
	case kv && name == "lang":
		return at(game+"/resource", left4me.NewNote("placement.game_texts"))
	case stripper(f.Head):
		return at(addons+"/stripper/maps", left4me.NewNote("placement.stripper"))
	}
	if to, why := t.mentioned(f); to != "" {
		return Result{To: path.Join(to, base), Why: why}, nil
	}
	switch {
	case f.in.placed && !f.in.strong && f.in.to != "" && f.kind == text: // a text in a directory such as plugins/
		return Result{Why: whyText()}, nil
	case (kv || f.kind == settings) && !t.mayBelongToPlugin(f):
		return Result{Why: whyAlone()}, nil
	case f.kind == config && len(f.Head) == HeadBytes && onlyComments(f.Head):
		return Result{To: path.Join(sm+"/configs", base), Why: left4me.NewNote("placement.config_long_comment")}, []string{
			sm + "/configs",
			sm + "/data", cfgDir + "/sourcemod",
		}
	case kv:
		return Result{
			To:  path.Join(sm+"/data", base),
			Why: left4me.NewNote("placement.plugin_data"),
		}, []string{sm + "/data", sm + "/configs"}
	case f.kind == config && isINI(f.Head):
		return Result{Why: whyNothing()}, nil
	case f.kind == config && strings.Contains(strings.ToLower(string(f.Head)), "auto-generated by sourcemod"):
		return at(cfgDir+"/sourcemod", left4me.NewNote("placement.plugin_settings_generated"))
	case f.kind == config && f.in.name == "sourcemod":
		return at(cfgDir+"/sourcemod", whyDir("sourcemod"))
	case f.kind == config && t.hasPlugin(f):
		return at(cfgDir+"/sourcemod", left4me.NewNote("placement.plugin_settings_named"))
	case f.kind == config:
		return at(cfgDir, left4me.NewNote("placement.server_cfg"))
	case f.kind == settings:
		return Result{
			To:  path.Join(sm+"/configs", base),
			Why: left4me.NewNote("placement.plugin_settings"),
		}, []string{sm + "/configs", sm + "/data"}
	}
	return Result{Why: whyText()}, nil
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
func (t *tree) mentioned(f *entry) (to string, why left4me.Note) {
	for _, d := range []*dir{f.in, f.in.parent} {
		if d == nil || d.placed {
			continue
		}
		for _, i := range t.mentioningFiles(d) {
			o := &t.files[i]
			if t.search -= len(o.Head); t.search < 0 {
				return "", left4me.Note{}
			}
			if to = mention(strings.ToLower(string(plain(o.Head))), f.base); to != "" {
				return to, left4me.NewNote("placement.mentioned", "file", path.Base(o.Path))
			}
		}
	}
	return "", left4me.Note{}
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
					t.results[i] = Result{To: to, Why: left4me.NewNote("placement.source_same_name")}
					continue
				}
			}
		}
		switch {
		case same:
			t.results[i] = Result{Why: left4me.NewNote("placement.duplicate", "file", shorten(other.Path))}
		case rank[i] != rank[o]:
			t.results[i] = Result{Why: left4me.NewNote("placement.taken_by_preferred", "file", shorten(other.Path))}
		default:
			t.results[i] = Result{Why: left4me.NewNote("placement.taken", "file", shorten(other.Path))}
			n, ok := which[[2]*dir{theirs, mine}]
			if !ok || mine == theirs {
				one, two := theirs.path, mine.path
				if mine == theirs {
					one, two = other.Path, f.Path
				}
				t.asks = append(t.asks,
					Ask{
						Question: left4me.NewNote("placement.same_places"),
						Choices:  []Choice{{Label: keepLabel(t.relative(one))}, {Label: keepLabel(t.relative(two))}},
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
				t.results[i] = Result{Why: left4me.NewNote("placement.directory_taken", "file", shorten(t.files[o].Path))}
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
			r.To, r.Why = as, left4me.NewNote("placement.other_spelling")
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

// keepLabel returns the label of a choice that keeps the files of a folder or the file at p.
func keepLabel(p string) left4me.Note {
	if p == "" {
		return left4me.NewNote("placement.choice_keep_top")
	}
	return left4me.NewNote("placement.choice_keep", "path", p)
}

func shorten(s string) string {
	const most = 120
	if r := []rune(s); len(r) > most {
		return "…" + string(r[len(r)-most:])
	}
	return s
}
