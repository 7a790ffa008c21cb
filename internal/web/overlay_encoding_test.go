package web_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// A comment and a value in GBK: 服务器设置, 求生之路.
const (
	gbkText  = "// \xb7\xfe\xce\xf1\xc6\xf7\xc9\xe8\xd6\xc3\r\nhostname \"\xc7\xf3\xc9\xfa\xd6\xae\xc2\xb7\"\r\n"
	shortOne = "// \xc2\xe0\n" // Ва in Windows-1251, 锣 in GBK
)

func TestEditorKeepsEncodingOfFile(t *testing.T) {
	s := newSite(t, false)
	s.overlay(t, left4me.Overlay{Name: "plugins", Kind: left4me.FilesOverlay})
	onHost := &s.host.overlays
	onHost.files = map[string]string{"plugins/cfg/a.cfg": gbkText, "plugins/cfg/b.cfg": shortOne, "plugins/x.bin": "\xb7\xfe\x00\x01"}
	b := s.as(t, "admin")
	b.get("/overlays/plugins/file?path=cfg/a.cfg").has(t, http.StatusOK, "服务器设置", "Chinese, simplified (GBK, CP936)", "/edit?path=")
	b.get("/overlays/plugins/file?path=x.bin").has(t, http.StatusOK, "This file is not a text file.")
	edit := "/overlays/plugins/edit?path=cfg/a.cfg"
	b.get(edit).has(t, http.StatusOK, "服务器设置", `name="encoding" value="gbk"`, `name="utf8"`, `name="crlf"`,
		"This file is encoded as Chinese, simplified (GBK, CP936).")
	b.post("/uploads/names", "encoding", "cp866").has(t, http.StatusSeeOther)
	b.get("/overlays/plugins/edit?path=cfg/b.cfg").has(t, http.StatusOK, "// Ва", `name="encoding" value="cp1251"`,
		"This file seems to be encoded as Cyrillic (Windows-1251).")

	saved := make(chan page)
	for _, c := range []struct {
		utf8, text, want string
	}{
		{"", "// 服务器\r\n", "// \xb7\xfe\xce\xf1\xc6\xf7\r\n"},
		{"yes", "// 服务器 ü😀\r\n", "// 服务器 ü😀\r\n"},
	} {
		go func() {
			saved <- b.post("/overlays/plugins/edit", "path", "cfg/a.cfg", "base", "2", "crlf", "yes", "encoding", "gbk", "utf8", c.utf8,
				"text", c.text)
		}()
		d := s.host.next(t)
		var spec left4me.BuildSpec
		if err := bus.Decode(d.Spec, &spec); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(filepath.Join(s.root, "tmp", "upload-"+spec.Change.Upload, "files", "cfg", "a.cfg")); err != nil ||
			string(text) != c.want {
			t.Errorf("got file %q, error %v", text, err)
		}
		s.host.report(t, d, left4me.JobDone, nil)
		if p := <-saved; p.status != http.StatusSeeOther {
			t.Errorf("got status %d, headers %v", p.status, p.header)
		}
	}
	// A character that GBK lacks is refused, and the typed text is kept.
	b.post("/overlays/plugins/edit", "path", "cfg/a.cfg", "base", "2", "encoding", "gbk", "text", "// 服务器\n// 😀\n").has(t,
		http.StatusUnprocessableEntity,
		"Line 2: the encoding Chinese, simplified (GBK, CP936) cannot represent the character",
		"ave the file as UTF-8", "// 😀", `name="encoding" value="gbk"`)
	b.post("/overlays/plugins/edit", "path", "cfg/a.cfg", "base", "2", "encoding", "<b>", "text", "ü").has(t,
		http.StatusUnprocessableEntity, "There is no encoding")
	// Another user saved the file in the meantime. Their version must be decoded, too.
	onHost.mu.Lock()
	onHost.files["plugins@2/cfg/a.cfg"], onHost.files["plugins/cfg/a.cfg"] = "old", gbkText
	onHost.mu.Unlock()
	go func() {
		saved <- b.post("/overlays/plugins/edit", "path", "cfg/a.cfg", "base", "2", "encoding", "gbk", "text", "// 我")
	}()
	s.host.report(t, s.host.next(t), left4me.JobFailed,
		&left4me.Error{Kind: left4me.Conflict, Text: "cfg/a.cfg was changed since revision 2"})
	(<-saved).has(t, http.StatusConflict, "服务器设置", "// 我", `name="encoding" value="gbk"`)
}
