package filelist

import (
	"path"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// Opens reports whether a file is a directory to people: a VPK is one.
func Opens(f left4me.TreeFile) bool { return f.Dir || isVPK(f.Path) }

func isVPK(p string) bool { return strings.EqualFold(path.Ext(p), ".vpk") }

// SplitVPK splits the path of a file in a VPK: the VPK, and the path in it.
func SplitVPK(p string) (file, in string) {
	for i := 0; i < len(p); i++ {
		if p[i] == '/' && isVPK(p[:i]) {
			return p[:i], p[i+1:]
		}
	}
	return p, ""
}

// OutsideVPK reports whether a path is that of a file and not of one in a VPK.
func OutsideVPK(p string) bool {
	_, in := SplitVPK(p)
	return in == ""
}
