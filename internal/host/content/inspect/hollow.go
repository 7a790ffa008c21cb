package inspect

import (
	"path"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/source/vpk"
)

// contentDirs lists the directories in an add-on that the game reads.
var contentDirs = map[string]bool{
	"cfg": true, "expressions": true, "maps": true, "materials": true, "media": true, "missions": true, "models": true, "modes": true,
	"particles": true, "resource": true, "scenes": true, "scripts": true, "sound": true,
}

// hollow warns about a readable add-on in which the game finds nothing, or less than was packed. It
// reports only the first cause. all means that other checks of the add-on are pointless.
func (v *view) hollow(name string, a *vpk.Archive) (all bool) {
	w, all := emptiness(name, a.Entries())
	if w.Code != "" {
		v.warn.add(w)
	}
	return all
}

// emptiness returns the warning about the add-on at a path with these entries; without a cause for
// one, its code is empty.
func emptiness(name string, entries []vpk.Entry) (w left4me.Warning, all bool) {
	if len(entries) == 0 {
		return left4me.NewWarning(left4me.WarnHollow, name, "addon.empty"), true
	}
	var slashes, odd, inner []string
	deep := 0 // number of files in directories, unlike addoninfo.txt
	for _, e := range entries {
		if strings.ContainsAny(e.Path, `/\`) {
			deep++
		}
		switch p := e.Path; {
		case strings.Contains(p, `\`):
			slashes = append(slashes, p)
		case p != strings.TrimPrefix(path.Clean("/"+p), "/"):
			odd = append(odd, p)
		case strings.EqualFold(path.Ext(p), ".vpk"):
			inner = append(inner, p)
		}
	}
	switch n := len(slashes); {
	case n > 0 && n == deep:
		return left4me.NewWarning(left4me.WarnHollow, name, "addon.backslashes_only"), true
	case n > 0:
		names, more := some(slashes)
		return left4me.NewWarning(left4me.WarnHollow, name, "addon.backslashes", "number", n, "total", len(entries),
			"names", names, "more", more), false
	case len(odd) > 0:
		names, more := some(odd)
		return left4me.NewWarning(left4me.WarnHollow, name, "addon.paths_invalid", "names", names, "more", more), len(odd) == deep
	case len(inner) > 0:
		names, more := some(inner)
		return left4me.NewWarning(left4me.WarnHollow, name, "addon.nested", "count", len(inner), "names", names, "more", more), false
	}
	if dir := folder(entries); dir != "" {
		return left4me.NewWarning(left4me.WarnHollow, name, "addon.in_folder", "folder", dir), true
	}
	return left4me.Warning{}, false
}

// folder returns the directory that contains all game content, or "" if there is none or several.
// Files outside of it, such as addoninfo.txt, are ignored.
func folder(entries []vpk.Entry) string {
	found := ""
	for _, e := range entries {
		parts := strings.Split(strings.ToLower(e.Path), "/")
		at := slices.IndexFunc(parts[:len(parts)-1], func(s string) bool { return contentDirs[s] })
		switch {
		case len(parts) == 1:
			continue
		case at == 0:
			return ""
		case at < 0:
			continue // not game content
		}
		dir := strings.Join(strings.Split(e.Path, "/")[:at], "/")
		if found != "" && found != dir {
			return ""
		}
		found = dir
	}
	return found
}
