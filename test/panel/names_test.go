//go:build panel

package panel

import (
	"archive/tar"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPanelNamesAndTextsInOtherEncodings uploads file names and texts in other encodings: the plan
// must show the names in each encoding, the choice can be changed after publication, and the editor
// keeps the encoding of a text.
func TestPanelNamesAndTextsInOtherEncodings(t *testing.T) {
	s := open(t, 33520)
	s.login()
	s.Must(t, http.MethodPost, "/overlays", map[string]any{"name": "plugins", "kind": "files"}, nil)
	file := filepath.Join(t.TempDir(), "odd.tar")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(f)
	for name, text := range map[string]string{
		"addons/\xa6a\xb9\xcf.vpk": "x",
		"cfg/a.cfg":                "// \xb7\xfe\xce\xf1\xc6\xf7\xc9\xe8\xd6\xc3\nhostname \"\xc7\xf3\xc9\xfa\xd6\xae\xc2\xb7\"\n",
	} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Format: tar.FormatGNU}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s.everywhere("names-setting", "/uploads")
	s.do("choose", chromedp.Navigate(s.url("/overlays/plugins/upload")),
		chromedp.SetUploadFiles(chromedp.CSS(`input[name="file"]`), []string{file}))
	s.until("the plan", `document.querySelector("#plan")?.innerText.includes("地圖")`)
	s.everywhere("names-plan", s.path())
	s.do("publish", chromedp.Click(chromedp.CSS("form[action$=publish] .primary")), chromedp.WaitVisible(chromedp.CSS("#overlay-head")))
	s.until("the revision is published", `document.querySelector("#overlay-head").innerText.includes("revision 1")`)
	s.everywhere("names-revisions", "/overlays/plugins/revisions")

	edit := "/overlays/plugins/edit?path=left4dead2%2Fcfg%2Fa.cfg"
	s.everywhere("editor-encoding", edit)
	s.everywhere("file-encoding", "/overlays/plugins/file?path=left4dead2%2Fcfg%2Fa.cfg")
	s.do("the editor", chromedp.Navigate(s.url(edit)))
	s.until("the editor has loaded the text",
		`document.querySelector("#text").value.includes("服务器设置") && document.querySelector("#encoding-hint").innerText.includes("GBK")`)
	s.do("save as UTF-8", chromedp.Click(chromedp.CSS(`input[name="utf8"]`)), chromedp.Click(chromedp.CSS("form.editor .primary")))
	s.until("the page no longer mentions an encoding",
		`document.querySelector("[data-status]")?.innerText.includes("Saved as revision 2") && !document.querySelector("#encoding-hint") && document.querySelector("#text").value.includes("服务器设置")`)
}
