package instance

import (
	"bytes"
	"io"
	"os"
	"path/filepath"

	"github.com/left4me/left4me/internal/gametext"
	"github.com/left4me/left4me/internal/left4me"
)

// Lower is what the layers beneath the configuration bring to it.
type Lower struct {
	Cfgs     map[left4me.Name]string // what an overlay has for the server to execute, beneath cfg/
	Admins   string                  // admins_simple.ini of the topmost overlay that has one
	AdminsOf left4me.OverlayRef
}

// maxAdminsFile is how long an overlay's list of admins may be to be copied; of a
// longer one only that is said.
const maxAdminsFile = 256 << 10

// lower reads the overlays: cfg/server_<overlay>.cfg is for the server to
// execute.
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

// admins is a list of admins that others can be written behind: a byte order mark or
// UTF-16 would be in the middle of the file, and take all of it from SourceMod.
func admins(text string) string {
	plain, _ := gametext.Repair(gametext.Admins, []byte(text), gametext.Encoding)
	if bytes.IndexByte(plain, 0) >= 0 {
		return "// left4me left it out: it is no text."
	}
	return string(plain)
}

// smallFile reads a regular file of a layer, or nothing.
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
