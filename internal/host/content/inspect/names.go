package inspect

import (
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
		v.warn.add(left4me.NewWarning(left4me.WarnName, v.files[0], "file.outside_game", "directory", base))
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
			v.warn.add(left4me.NewWarning(left4me.WarnName, f, "addon.misplaced", "directory", addonsDir))
		case path.Ext(name) != ".vpk":
			v.warn.add(left4me.NewWarning(left4me.WarnName, f, "addon.extension_case", "extension", path.Ext(name),
				"name", strings.TrimSuffix(name, path.Ext(name))+".vpk"))
		case strings.Contains(stem, "."):
			v.warn.add(left4me.NewWarning(left4me.WarnName, f, "addon.two_dots",
				"name", strings.ReplaceAll(strings.TrimSuffix(name, path.Ext(name)), ".", "_")+".vpk"))
		}
	}
}
