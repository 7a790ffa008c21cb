package filelist

import (
	"path"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// Opens reports whether f opens as a directory. A VPK does.
func Opens(f left4me.TreeFile) bool { return f.Dir || isVPK(f.Path) }

func isVPK(p string) bool { return strings.EqualFold(path.Ext(p), ".vpk") }

// SplitVPK splits the path of a file inside a VPK into the path of the VPK and the path
// inside it. in is empty if p contains no VPK, or ends with one.
func SplitVPK(p string) (file, in string) {
	for i := 0; i < len(p); i++ {
		if p[i] == '/' && isVPK(p[:i]) {
			return p[:i], p[i+1:]
		}
	}
	return p, ""
}

// OutsideVPK reports whether p is not the path of a file inside a VPK.
func OutsideVPK(p string) bool {
	_, in := SplitVPK(p)
	return in == ""
}
