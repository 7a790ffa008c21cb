package build

import (
	"cmp"
	"io/fs"
	"path"
	"strings"

	"github.com/left4me/left4me/internal/host/content/inspect"
)

// maxTitled is the number of files of an upload that are searched for a title.
const maxTitled = 1000

// title returns the title of the first VPK of an upload that has one, and "" if there is none. VPKs
// in archives are not read.
func title(files fs.FS, hint string) string {
	found, n := "", 0
	_ = fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error { // without a title, the file's name is proposed
		if n++; err != nil || n > maxTitled {
			return cmp.Or(err, fs.SkipAll)
		}
		if e.Type().IsRegular() && strings.EqualFold(path.Ext(name), ".vpk") {
			if found = inspect.Title(files, name, hint); found != "" {
				return fs.SkipAll
			}
		}
		return nil
	})
	return found
}
