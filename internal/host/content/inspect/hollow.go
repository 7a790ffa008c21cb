package inspect

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/source/vpk"
)

// contentDirs are where the game looks for files within an add-on.
var contentDirs = map[string]bool{
	"cfg": true, "expressions": true, "maps": true, "materials": true, "media": true, "missions": true, "models": true, "modes": true,
	"particles": true, "resource": true, "scenes": true, "scripts": true, "sound": true,
}

// hollow looks for what makes the game find nothing, or less than was packed, in an
// add-on that can be read. Of several causes only the first is told. all says that
// nothing else needs to be inspected.
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
	deep := 0 // files that don't lie at the top, where addoninfo.txt is
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

// folder is the one directory, if there is one, below which everything lies that
// would be content of the game. What lies beside it at the top, as addoninfo.txt
// does, doesn't count.
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
			continue // a readme in the folder
		}
		dir := strings.Join(strings.Split(e.Path, "/")[:at], "/")
		if found != "" && found != dir {
			return ""
		}
		found = dir
	}
	return found
}
