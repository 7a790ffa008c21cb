package instance

import (
	"bytes"
	"io"
	"os"
	"path/filepath"

	"github.com/left4me/left4me/internal/gametext"
	"github.com/left4me/left4me/internal/left4me"
)

// Lower is the content of the layers below the config layer that affects the generated files.
type Lower struct {
	Cfgs     map[left4me.Name]string // for each overlay, the file below cfg/ for the server to execute
	Admins   string                  // admins_simple.ini of the topmost overlay that has one
	AdminsOf left4me.OverlayRef
}

// maxAdminsFile limits the length of an overlay's list of admins that is copied. A comment replaces a
// longer list.
const maxAdminsFile = 256 << 10

// lower reads the overlays. cfg/server_<overlay>.cfg is the file for the server to execute.
func (r Root) lower(overlays []left4me.OverlayRef) Lower {
	l := Lower{Cfgs: map[left4me.Name]string{}}
	for _, o := range overlays {
		rev, err := r.revision(o)
		if err != nil {
			continue
		}
		layer, err := os.OpenRoot(filepath.Join(r.Overlay(o.Name), rev))
		if err != nil {
			continue
		}
		cfg := "server_" + string(o.Name) + ".cfg"
		if st, err := layer.Lstat("left4dead2/cfg/" + cfg); err == nil && st.Mode().IsRegular() {
			l.Cfgs[o.Name] = cfg
		}
		if l.Admins == "" {
			l.Admins, l.AdminsOf = admins(smallFile(layer, adminsPath)), o
		}
		_ = layer.Close()
	}
	return l
}

// admins converts a list of admins so that lines can be appended to it. A byte order mark or UTF-16 in
// the middle of the file would make SourceMod ignore all of it.
func admins(text string) string {
	plain, _ := gametext.Repair(gametext.Admins, []byte(text), gametext.Encoding)
	if bytes.IndexByte(plain, 0) >= 0 {
		return "// left4me left it out: it is no text."
	}
	return string(plain)
}

// smallFile reads a regular file of a layer; "" if there is none.
func smallFile(layer *os.Root, name string) string {
	st, err := layer.Lstat(name)
	if err != nil || !st.Mode().IsRegular() {
		return ""
	}
	if st.Size() > maxAdminsFile {
		return "// left4me left it out: it is longer than 256 KiB."
	}
	f, err := layer.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxAdminsFile))
	if err != nil {
		return ""
	}
	return string(b)
}
