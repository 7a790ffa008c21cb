package inspect

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// checkNames warns about files that the game doesn't find on Linux.
func (v *view) checkNames() {
	if len(v.files) > 0 && !slices.ContainsFunc(v.files, func(f string) bool {
		top, _, _ := strings.Cut(f, "/")
		return slices.Contains(gameDirs, top)
	}) {
		v.warn.add(left4me.WarnName, v.files[0], "nothing lies in left4dead2, where the game looks", "move it there")
	}
	for _, f := range v.files {
		dir, name := path.Split(f)
		dir = strings.TrimSuffix(dir, "/")
		lower := strings.ToLower(name)
		stem := strings.TrimSuffix(lower, ".vpk")
		if !strings.HasSuffix(lower, ".vpk") || !strings.HasPrefix(strings.ToLower(f), addonsDir+"/") {
			continue
		}
		switch {
		case !isAddonsDir(dir):
			v.warn.add(left4me.WarnName, f, "the game looks for add-ons in left4dead2/addons only", "move it there")
		case path.Ext(name) != ".vpk":
			v.warn.add(left4me.WarnName, f,
				fmt.Sprintf("on Linux the game doesn't find %s: the ending must be in small letters", path.Ext(name)),
				"name it "+strings.TrimSuffix(name, path.Ext(name))+".vpk")
		case strings.Contains(stem, "."):
			v.warn.add(left4me.WarnName, f, "on Linux the game doesn't find an add-on with two dots in its name",
				"name it "+strings.ReplaceAll(strings.TrimSuffix(name, path.Ext(name)), ".", "_")+".vpk")
		}
	}
}
