package inspect

import (
	"fmt"
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
	text, hint, all := emptiness(a.Entries())
	if text != "" {
		v.warn.add(left4me.WarnHollow, name, text, hint)
	}
	return all
}

func emptiness(entries []vpk.Entry) (text, hint string, all bool) {
	if len(entries) == 0 {
		return "there is nothing in it", "get it once more, or leave it out", true
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
		return `its paths have \ where / belongs: the game finds nothing in it`, "pack it anew", true
	case n > 0:
		return fmt.Sprintf(`%d of its %d files have \ in their paths where / belongs, and the game doesn't find them: %s`, n, len(entries),
			some(slashes)), "pack it anew", false
	case len(odd) > 0:
		return "the game doesn't find files of which the path isn't plain: " + some(odd), "pack it anew", len(odd) == deep
	case len(inner) == 1:
		return "it holds another add-on (" + inner[0] + "), which the game doesn't read", "add that one", false
	case len(inner) > 1:
		return fmt.Sprintf("it holds %d other add-ons, which the game doesn't read: %s", len(inner), some(inner)), "add those", false
	}
	if dir := folder(entries); dir != "" {
		return fmt.Sprintf("everything in it lies in the folder %s, where the game doesn't look",
			dir), "pack what is in that folder, without the folder itself", true
	}
	return "", "", false
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
