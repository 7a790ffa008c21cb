//go:build panel

package panel

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// Texts that the game reads differently from how they look: the plan lists those that will be saved
// as UTF-8; the others are repaired on the page of problems, by mouse and by keyboard, and the page
// updates without a reload.
func TestPanelRepairsTextsOnProblemsPage(t *testing.T) {
	s := open(t, 33480)
	s.login()
	s.Must(t, http.MethodPost, "/overlays", map[string]any{"name": "plugins", "kind": "files"}, nil)
	dir := t.TempDir()
	var files []string
	for name, text := range map[string]string{
		"marked.cfg": "\ufeffsv_cheats 0\n", "quotes.cfg": "hostname “My server”\n", "blanks.cfg": "sv_cheats\u00a00\n",
		"long.cfg": "say " + strings.Repeat("x", 600) + "\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	s.do("choose", chromedp.Navigate(s.url("/overlays/plugins/upload")), chromedp.SetUploadFiles(chromedp.CSS(`input[name="file"]`), files))
	s.until("the plan",
		`document.querySelector("#plan")?.innerText.includes("1 text file will be converted to UTF-8") && document.querySelector("#plan").innerText.includes("cfg/marked.cfg: the file begins with a byte order mark")`)
	s.everywhere("texts-plan", s.path())
	s.do("publish", chromedp.Click(chromedp.CSS("form[action$=publish] .primary")), chromedp.WaitVisible(chromedp.CSS("#overlay-head")))
	s.until("the revision is published", `document.querySelector("#overlay-head").innerText.includes("revision 1")`)

	s.do("problems", chromedp.Navigate(s.url("/overlays/plugins/problems")))
	s.until("two files can be repaired",
		`[...document.querySelectorAll("#overlay-problems li button")].length === 2 && document.querySelectorAll("#overlay-problems li").length === 3`)
	s.accessible("problems that can be repaired")
	s.everywhere("texts-problems", "/overlays/plugins/problems")
	s.do("repair one by keyboard", chromedp.Focus(chromedp.CSS(`#overlay-problems button[aria-label$="quotes.cfg"]`)),
		chromedp.KeyEvent("\r"))
	s.until("one is repaired without a reload",
		`document.querySelector("#overlay-problems h2").innerText.includes("revision 2") && document.querySelectorAll("#overlay-problems li").length === 2`)
	s.do("repair all", chromedp.Click(chromedp.CSS(".repair-all button")))
	s.until("only problems without an automatic repair remain",
		`document.querySelector("#overlay-problems h2").innerText.includes("revision 3") && document.querySelectorAll("#overlay-problems button").length === 0 && document.querySelectorAll("#overlay-problems li").length === 1`)
	s.everywhere("texts-settings", "/overlays/plugins/settings")
}
