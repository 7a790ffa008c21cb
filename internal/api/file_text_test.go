package api_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/left4me"
)

func TestReadAndWriteFileInOtherEncoding(t *testing.T) {
	s := newSite(t)
	const gbk = "// \xb7\xfe\xce\xf1\xc6\xf7\xc9\xe8\xd6\xc3\nhostname \"\xc7\xf3\xc9\xfa\xd6\xae\xc2\xb7\"\n"
	s.host.set(func() {
		s.host.work = false
		s.host.inside = map[string]string{"a.cfg ": gbk, "b.cfg ": "// ü", "c.cfg ": "// \xc2\xe0"}
	})
	read := func(path string) (f apitype.RevisionFile) {
		s.call(t, "GET", "/api/v1/overlays/maps/revisions/1/file?path="+path, nil).into(t, &f)
		return f
	}
	if f := read("a.cfg"); f.Encoding != "gbk" || f.Guess || f.Text != "// 服务器设置\nhostname \"求生之路\"\n" || string(f.Data) != gbk {
		t.Errorf("got %+v", f)
	}
	if f := read("b.cfg"); f.FileText != (apitype.FileText{}) || string(f.Data) != "// ü" {
		t.Errorf("got %+v", f)
	}
	if f := read("c.cfg"); !f.Guess || f.Text == "" {
		t.Errorf("got %+v", f)
	}

	if a := s.oneFile(t, s.admin, "maps", "path=left4dead2/a.cfg&encoding=CP936", "// 服务器\n"); a.status != http.StatusAccepted {
		t.Fatalf("got status %d: %s", a.status, a.body)
	}
	all, err := s.store.Jobs().List(t.Context(), "", "", "", 10)
	var spec left4me.BuildSpec
	if err != nil || len(all) != 1 || json.Unmarshal(all[0].Spec, &spec) != nil {
		t.Fatalf("got %+v, error %v", all, err)
	}
	b, err := os.ReadFile(filepath.Join(s.root, "tmp", "upload-"+spec.Change.Upload, "files", "left4dead2", "a.cfg"))
	if err != nil || string(b) != "// \xb7\xfe\xce\xf1\xc6\xf7\n" {
		t.Errorf("got %q, error %v", b, err)
	}
	for query, text := range map[string]string{
		"path=a&encoding=gbk":    "😀",
		"path=a&encoding=ebcdic": "x",
		"path=a&encoding=cp1251": "Я и 路",
	} {
		s.oneFile(t, s.admin, "maps", query, text).problem(t, http.StatusUnprocessableEntity, "query.encoding")
	}
	a := s.oneFile(t, s.admin, "maps", "path=a&encoding=gbk", "\xc2\xe0")
	if a.problem(t, http.StatusUnprocessableEntity); !strings.Contains(string(a.body), "the text is not valid UTF-8") {
		t.Errorf("got : %s", a.body)
	}
}
