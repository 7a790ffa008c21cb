package inspect

import (
	"io/fs"
	"strings"

	"github.com/left4me/left4me/internal/charset"
	"github.com/left4me/left4me/source/addon"
	"github.com/left4me/left4me/source/vpk"
)

// Title returns the title of a VPK: that of its first campaign or, if it has none, that of the
// add-on. It returns "" for a VPK without a title and for one that cannot be read. hint is the
// encoding of texts that are too short for detection.
func Title(fsys fs.FS, name, hint string) string {
	a, err := vpk.OpenFS(fsys, name)
	if err != nil {
		return ""
	}
	defer a.Close()
	decoder := func(file []byte) func([]byte) string { return charset.Values(file, hint) }
	for _, m := range addon.ReadMissions(a, decoder) {
		if title := shown(m.Title); title != "" {
			return title
		}
	}
	info, _, err := addon.ReadInfo(a, decoder)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(shown(info.Title))
}
