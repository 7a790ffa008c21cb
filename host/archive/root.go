package archive

import (
	"path"
	"slices"
	"strings"

	"github.com/left4me/left4me"
)

const (
	gameDir  = "left4dead2"
	addons   = gameDir + "/addons"
	sm       = addons + "/sourcemod"
	maxNamed = 4 // places that an error names
)

// anchors are directories that say where the one that they lie in belongs.
var anchors = map[string]string{
	gameDir: "",

	"addons": gameDir, "cfg": gameDir, "maps": gameDir, "scripts": gameDir, "missions": gameDir, "materials": gameDir, "models": gameDir, "sound": gameDir,
	"particles": gameDir, "resource": gameDir, "modes": gameDir, "media": gameDir, "scenes": gameDir, "expressions": gameDir, "ems": gameDir,

	"sourcemod": addons, "metamod": addons, "stripper": addons, "l4dtoolz": addons,

	"plugins": sm, "gamedata": sm, "translations": sm, "extensions": sm, "scripting": sm, "configs": sm,
}

// weight orders anchors of one depth: what says most wins.
func weight(root string) int { return slices.Index([]string{"", gameDir, addons, sm}, root) }

// besides are directories that the game has beside left4dead2.
var besides = []string{"bin", "hl2", "platform", "update", "left4dead2_dlc1", "left4dead2_dlc2", "left4dead2_dlc3", "left4dead2_lv"}

// loose says where single files go, by their extension.
var loose = map[string]string{
	".vpk": addons, ".smx": sm + "/plugins", ".sp": sm + "/scripting", ".cfg": gameDir + "/cfg", ".bsp": gameDir + "/maps", ".nav": gameDir + "/maps",
	".nut": gameDir + "/scripts/vscripts",
}

// place is where the files of one archive go.
type place struct {
	root   string // in the layer
	strip  string // what is left off in front
	within string // of single files: only those beneath
	flat   bool   // single files, each by its extension
	exact  bool   // nothing is renamed or left out
	said   bool   // somebody said where they go
	game   bool   // root and strip are those of the whole game, left4dead2 beneath
}

// findPlace says where files belong, by the directories that they lie in.
// Errors: left4me.Invalid when that can't be told.
func findPlace(files []string) (place, error) {
	type anchor struct {
		root, at, dir string
		depth         int
	}
	var best []anchor
	at := map[string]bool{} // where the best ones are
	for _, f := range files {
		parts := strings.Split(f, "/")
		for depth, part := range parts[:len(parts)-1] {
			root, ok := anchors[strings.ToLower(part)]
			if !ok || !evidence(part, f) {
				continue
			}
			a := anchor{root, strings.Join(parts[:depth], "/"), part, depth}
			switch {
			case len(best) > 0 && (a.depth > best[0].depth || a.depth == best[0].depth && weight(a.root) > weight(best[0].root)):
			case len(best) > 0 && a.depth == best[0].depth && a.root == best[0].root:
				if !at[a.at] {
					best, at[a.at] = append(best, a), true
				}
			default:
				best, at = []anchor{a}, map[string]bool{a.at: true}
			}
			break // the outermost of a file
		}
	}
	switch {
	case len(best) == 0:
		return place{flat: true}, nil
	case len(best) > 1:
		var places []string
		for _, b := range best[:min(len(best), maxNamed)] {
			places = append(places, path.Join(b.at, b.dir))
		}
		return place{}, &left4me.Error{Kind: left4me.Invalid, Field: "import.subdir", Text: "files for the game are in several places: " + strings.Join(places, ", "), Hint: "say which of them is meant"}
	}
	b := best[0]
	if b.root != "" {
		return place{root: b.root, strip: b.at}, nil
	}
	return place{strip: b.at, game: true}, nil
}

// evidence reports whether a file says something about a directory that it is
// in: an add-on in a folder called maps is an add-on still.
func evidence(dir, file string) bool {
	switch strings.ToLower(dir) {
	case gameDir, "addons":
		return true
	}
	return !strings.EqualFold(path.Ext(file), ".vpk") && !junk(file) && !forPeople(file)
}

// target says where a file goes; empty with the reason when it isn't taken.
func (p place) target(file string) (to, why string) {
	if p.exact {
		rest, ok := beneath(p.strip, file)
		if !ok {
			return "", "is not in " + p.strip
		}
		return path.Join(p.root, rest), ""
	}
	if junk(file) {
		return "", "nothing for the game"
	}
	if p.flat {
		if _, ok := beneath(p.within, file); !ok {
			return "", "is not in " + p.within
		}
		dir, ok := loose[strings.ToLower(path.Ext(file))]
		if !ok {
			return "", "nothing for the game"
		}
		return path.Join(dir, gameName(path.Base(file))), ""
	}
	rest, ok := beneath(p.strip, file)
	if !ok {
		if strings.EqualFold(path.Ext(file), ".vpk") {
			return "", "is not beneath " + path.Join(p.strip, path.Base(p.root))
		}
		return "", "nothing for the game"
	}
	first, inside, deep := strings.Cut(rest, "/")
	if p.game {
		return p.ofGame(first, inside, deep, rest)
	}
	switch low := strings.ToLower(first); {
	case p.said:
	case !deep && anchors[low] == p.root:
		return path.Join(p.root, low), "" // an empty directory; the game is case-sensitive
	case !deep:
		// A file directly in a place that was found by the directories beside it.
		if dir, ok := loose[strings.ToLower(path.Ext(rest))]; ok && p.root == gameDir {
			return path.Join(dir, gameName(rest)), ""
		}
		if forPeople(rest) {
			return "", "nothing for the game"
		}
	case strings.HasPrefix(first, "."):
		return "", "nothing for the game"
	case anchors[low] == p.root:
		first = low
	}
	return path.Join(p.root, path.Dir(path.Join(first, inside)), gameName(path.Base(rest))), ""
}

// ofGame is target for an archive with left4dead2 in it.
func (p place) ofGame(first, inside string, deep bool, rest string) (to, why string) {
	low := strings.ToLower(first)
	switch {
	case !deep && (low == gameDir || slices.Contains(besides, low)):
		return low, "" // an empty directory
	case !deep:
		return "", "is not in " + gameDir
	case low == gameDir:
		return path.Join(gameDir, path.Dir(inside), gameName(path.Base(inside))), ""
	case slices.Contains(besides, low):
		return path.Join(low, inside), ""
	}
	return "", "is not in " + gameDir + ": " + path.Dir(rest)
}

// beneath is what is behind a directory in a path.
func beneath(dir, p string) (string, bool) {
	if dir == "" {
		return p, true
	}
	return strings.CutPrefix(p, dir+"/")
}

// gameName is a file's name as the game finds it: on Linux it sees no add-on
// that ends in .VPK or has another dot in its name.
func gameName(base string) string {
	ext := path.Ext(base)
	if !strings.EqualFold(ext, ".vpk") {
		return base
	}
	return strings.ReplaceAll(strings.TrimSuffix(base, ext), ".", "_") + ".vpk"
}
