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

// TestPanelServerFiles checks the pages that show which file counts: its layer, the files that it
// hides, and the files that the server wrote. It promotes one of these to all servers and discards
// another.
func TestPanelServerFiles(t *testing.T) {
	s := open(t, 33300)
	s.lay("house", map[string]string{
		"addons/sourcemod/configs/core.cfg": "\"Core\"\n{\n\t\"Logging\"\t\"off\"\n}\n",
		"cfg/house\u202egfc.cfg":            "// a name that would be read backwards\n",
	})
	s.login()
	for name, overlays := range map[string][]string{"alpha": {"house", "sourcemod", "custom-campaign"}, "beta": {"sourcemod"}} {
		s.Must(t, http.MethodPost, "/servers", map[string]any{"name": name, "overlays": overlays}, nil)
	}
	s.everywhere("files-stopped", "/servers/alpha/files")
	s.do("the page without written files", chromedp.Navigate(s.url("/servers/alpha/written")))
	s.shows("The server has not written any files yet")
	s.Done(t, "start", "alpha")
	for _, command := range []string{"banid 0 STEAM_1:0:5", "writeid"} {
		s.Must(t, http.MethodPost, "/servers/alpha/console", map[string]any{"command": command}, nil)
	}

	// row returns the text of a file's row in the table.
	row := func(name string) string {
		return `([...document.querySelectorAll("table tbody tr")].find((r) => r.innerText.includes("` + name + `"))?.innerText ?? "")`
	}
	configs := "/servers/alpha/files?dir=left4dead2%2Faddons%2Fsourcemod%2Fconfigs"
	s.do("open the server's files", chromedp.Navigate(s.url("/servers/alpha")), chromedp.Click(chromedp.CSS(`.tabs a[href$="/files"]`)),
		chromedp.WaitVisible(chromedp.CSS(".seen")))
	for _, dir := range []string{"left4dead2", "addons", "sourcemod", "configs"} {
		s.until("the directory "+dir,
			`[...document.querySelectorAll(".seen th a")].some((a) => a.innerText.trim() === "`+dir+`" && (a.click(), true))`)
	}
	s.until("the file names its layer and what it hides",
		row("core.cfg")+`.includes("house") && `+row("core.cfg")+`.includes("Hides overlay sourcemod@1")`)
	s.until("a file without a conflict hides nothing",
		row("databases.cfg")+`.includes("sourcemod") && !`+row("databases.cfg")+`.includes("Hides")`)
	s.everywhere("files", configs)
	s.keyboard(configs)
	s.do("a file", chromedp.Navigate(s.url(configs)), chromedp.Click(chromedp.CSS(`a[href*="core.cfg"]`)),
		chromedp.WaitVisible(chromedp.CSS("pre.file")))
	s.until("the overlay is the topmost one", `document.querySelector("pre.file").innerText.includes('"Logging"\t"off"')`)
	s.do("find", chromedp.Navigate(s.url("/servers/alpha/files")), chromedp.SendKeys(chromedp.CSS("#files-query"), "house\r"))
	s.until("a name with a direction override is shown escaped", row("house")+`.includes("house‹202E›gfc.cfg")`)

	s.do("the files that the server wrote", chromedp.Navigate(s.url("/servers/alpha/files")),
		chromedp.Click(chromedp.CSS(`.views a[href$="/written"]`)),
		chromedp.WaitVisible(chromedp.CSS(`input[value$="banned_user.cfg"]`)))
	s.until("discarding is refused while the server runs", `document.querySelector("button[value=discard]").disabled`)
	s.everywhere("files-written", "/servers/alpha/written")
	s.keyboard("/servers/alpha/written")
	s.do("promote without a selection", chromedp.SetValue(chromedp.CSS("#promote-to"), "house"),
		chromedp.Click(chromedp.CSS("button[value=promote]")),
		chromedp.WaitVisible(chromedp.CSS(".problem[role=alert]")))
	s.shows("no file is selected")
	s.accessible("no file is selected")
	s.do("promote by keyboard", chromedp.Focus(chromedp.CSS(`input[value$="banned_user.cfg"]`)), chromedp.KeyEvent(" "),
		chromedp.SetValue(chromedp.CSS("#promote-to"), "house"), chromedp.Focus(chromedp.CSS("button[value=promote]")),
		chromedp.KeyEvent("\r"),
		chromedp.WaitNotPresent(chromedp.CSS("#promote-to")))
	s.jobDone()
	s.do("the overlay", chromedp.Navigate(s.url("/overlays/house?dir=left4dead2%2Fcfg")))
	s.shows("revision 2")
	s.shows("banned_user.cfg")

	s.Must(t, http.MethodPut, "/servers/alpha", map[string]any{"overlays": []string{"house", "sourcemod"}}, nil)
	s.do("the changes of a restart", chromedp.Navigate(s.url("/servers/alpha/written")),
		chromedp.Click(chromedp.CSS(`.views a[href$="/pending"]`)), chromedp.WaitVisible(chromedp.CSS(".changes")))
	s.until("the campaign is marked as removed", row("marmalade_mile.vpk")+`.includes("Removed")`)
	s.everywhere("files-pending", "/servers/alpha/pending")
	s.keyboard("/servers/alpha/pending")
	s.do("the conflicts", chromedp.Click(chromedp.CSS(`.views a[href$="/conflicts"]`)), chromedp.WaitVisible(chromedp.CSS("main .badge")))
	s.everywhere("files-clashes", "/servers/alpha/conflicts")
	s.do("compare with another revision", chromedp.Click(chromedp.CSS(`.views a[href$="/compare"]`)),
		chromedp.WaitVisible(chromedp.CSS("#with")))
	s.until("another file of the same name", row("core.cfg")+`.includes("Different") && `+row("house")+`.includes("Only on alpha")`)
	s.everywhere("files-compare", "/servers/alpha/compare?with=beta")

	s.Done(t, "stop", "alpha")
	s.do("discard", chromedp.Navigate(s.url("/servers/alpha/written")), chromedp.Click(chromedp.CSS(`input[value$="banned_user.cfg"]`)),
		chromedp.Click(chromedp.CSS("button[value=discard]")), chromedp.WaitNotPresent(chromedp.CSS("button[value=discard]")))
	s.jobDone()
	s.do("the remaining files", chromedp.Navigate(s.url("/servers/alpha/written")))
	s.until("the object is no longer shown",
		`document.querySelector("main") && !document.querySelector("main").innerText.includes("banned_user.cfg")`)
	s.do("the server's files after the change", chromedp.Navigate(s.url("/servers/alpha/files?q=banned_user.cfg")))
	s.until("the file comes from the overlay", row("banned_user.cfg")+`.includes("house")`)
}

// lay installs an overlay by hand. The paths of files are relative to left4dead2/.
func (s *site) lay(overlay string, files map[string]string) {
	s.t.Helper()
	for name, text := range files {
		path := filepath.Join(s.Root, "overlays", overlay, "1", "left4dead2", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
}

// keyboard opens a page and steps through it with the Tab key. Every control must be reachable and
// have a visible focus.
func (s *site) keyboard(path string) {
	s.t.Helper()
	s.do(path, chromedp.EmulateViewport(1280, 844), chromedp.Navigate(s.url(path)))
	n, err := chromedp.Run(s.ctx,
		chromedp.Evaluate[int](
			`(window.left = new Set([...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")]
		.filter((e) => !e.disabled && e.tabIndex >= 0 && e.type !== "hidden" && e.checkVisibility({visibilityProperty: true})))).size`))
	if err != nil || n == 0 {
		s.t.Fatalf("%s: %d, %v", path, n, err)
	}
	for range n + 2 {
		s.do("tab", chromedp.KeyEvent("\t"))
		unseen, err := chromedp.Run(s.ctx, chromedp.Evaluate[string](`(() => {
			const e = document.activeElement;
			window.left.delete(e);
			if (e === document.body) return "";
			const seen = (e) => { const c = getComputedStyle(e); return c.outlineStyle !== "none" && parseFloat(c.outlineWidth) > 0 || c.boxShadow !== "none"; };
			return seen(e) || seen(e.parentElement) ? "" : e.outerHTML.slice(0, 200);
		})()`))
		if err != nil || unseen != "" {
			s.t.Errorf("%s: the focus is invisible on: %s (%v)", path, unseen, err)
		}
	}
	left, err := chromedp.Run(s.ctx, chromedp.Evaluate[[]string](`[...window.left].map((e) => e.outerHTML.slice(0, 200))`))
	if err != nil || len(left) > 0 {
		s.t.Errorf("%s: the Tab key does not reach %q (%v)", path, left, err)
	}
}

// jobDone waits until the browser shows a job and the job has succeeded.
func (s *site) jobDone() {
	s.t.Helper()
	s.until("the job's page is open", `location.pathname.startsWith("/jobs/")`)
	if j := s.Ended(s.t, strings.TrimPrefix(s.path(), "/jobs/")); j.State != "done" {
		s.t.Fatalf("got %+v", j)
	}
}
