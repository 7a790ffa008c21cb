//go:build panel

package panel

import (
	"archive/zip"
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/left4me/left4me/sim/installation"
)

// An admin uploads an archive with a truncated add-on, reads what is wrong before publishing, and
// finds the files where they are. A new script overlay runs its script at once.
func TestPanelReviewsContentBeforePublishing(t *testing.T) {
	s := open(t, 34400)
	s.login()
	for _, name := range []string{"maps", "broken"} {
		s.Must(t, http.MethodPost, "/overlays", map[string]any{"name": name, "kind": "files"}, nil)
	}
	addon, err := installation.Addon("night-ferry", 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, data := range map[string][]byte{"addons/whole.vpk": addon, "addons/short.vpk": addon[:len(addon)-10]} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	send := func(overlay string, data []byte) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "pack.zip")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s.do("choose", chromedp.EmulateViewport(1280, 844), chromedp.Navigate(s.url("/overlays/"+overlay+"/upload")),
			chromedp.SetUploadFiles(chromedp.CSS(`input[name="file"]`), []string{file}))
	}
	send("maps", b.Bytes())
	s.until("the damage is reported before publishing",
		`document.querySelector("#plan .warnings")?.innerText.includes("the add-on is truncated") &&
		document.querySelector("#plan .warnings").innerText.includes("left4dead2/addons/short.vpk")`)
	s.until("the file is marked", `[...document.querySelectorAll("#plan .changes tr")].some((r) => r.innerText.includes("short.vpk") &&
		r.innerText.includes("Unreadable"))`)
	s.everywhere("upload-damaged", s.path())
	s.do("publish", chromedp.Navigate(s.url(s.path())), chromedp.Click(chromedp.CSS("form[action$=publish] .primary")),
		chromedp.WaitVisible(chromedp.CSS("#overlay-head")))
	s.until("the revision is published", `document.querySelector("#overlay-head").innerText.includes("revision 1, ")`)
	s.until("the list begins where the files are", `document.querySelector(".browser nav.path")?.innerText.includes("addons") &&
		document.querySelector(".files")?.innerText.includes("whole.vpk")`)
	s.picture("overlay-first-files")

	damaged := bytes.Replace(b.Bytes(), addon[len(addon)-64:len(addon)-32], make([]byte, 32), 1)
	send("broken", damaged)
	s.until("the archive is refused", `document.querySelector("#plan .problem")?.innerText.includes("is damaged") &&
		document.querySelector("form[action$=publish] .primary").disabled`)
	s.picture("upload-refused")

	s.do("a script overlay", chromedp.Navigate(s.url("/overlays/new?kind=script")), chromedp.SendKeys(chromedp.CSS("#name"), "configs"),
		chromedp.WaitVisible(chromedp.CSS(".code")))
	s.until("the editor has the focus", `(document.querySelector(".code").shadowRoot.querySelector(".cm-content").focus(), true)`)
	s.do("create", chromedp.KeyEvent("mkdir -p left4dead2/cfg; date > left4dead2/cfg/a.cfg"),
		chromedp.Click(chromedp.CSS("form.form .primary")), chromedp.WaitVisible(chromedp.CSS("#last-run")))
	s.until("the run is shown", `document.querySelector("#last-run .badge") !== null`)
	s.until("the run created a revision", `document.querySelector("#overlay-head").innerText.includes("revision 1, ")`)
	s.accessible("the first run of a script")
}
