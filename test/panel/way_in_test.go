//go:build panel

package panel

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/left4me/left4me/sim/installation"
)

// clicks counts what a person clicks on the way in. Choosing a file is one, typing is none.
type clicks struct {
	s *site
	n int
}

func (c *clicks) on(what, selector string) {
	c.s.t.Helper()
	c.n++
	c.s.do(what, chromedp.WaitVisible(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector)))
}

func (c *clicks) file(name string) {
	c.s.t.Helper()
	c.n++
	c.s.do("choose "+name, chromedp.WaitVisible(chromedp.CSS(`input[name="file"]`)),
		chromedp.SetUploadFiles(chromedp.CSS(`input[name="file"]`), []string{name}))
}

// A server with an own campaign is three clicks from the list, and five alike are four clicks from it.
func TestPanelWayIn(t *testing.T) {
	s := open(t, 33500)
	s.login()
	s.do("the list on a desktop", chromedp.EmulateViewport(1280, 844), chromedp.Navigate(s.url("/servers")))
	s.shows("Getting started")
	pack := filepath.Join(t.TempDir(), "nh_final_v2.vpk")
	f, err := os.Create(pack)
	if err != nil {
		t.Fatal(err)
	}
	err = installation.WritePack(f, []installation.PackFile{
		{Name: "addoninfo.txt", Data: []byte(`AddonInfo { addonSteamAppID 550 addontitle "NH" }`)},
		{Name: "missions/harbour.txt", Data: []byte(`mission { Name harbour DisplayTitle "Newcomer Harbour" modes { coop { 1 { Map nh1_quay } 2 { Map nh2_pier } } } }`)},
		{Name: "maps/nh1_quay.bsp", Data: []byte("VBSP")},
		{Name: "maps/nh2_pier.bsp", Data: []byte("VBSP")},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Close()

	s.uploadFails()
	s.do("the list again", chromedp.Navigate(s.url("/servers")))
	c := &clicks{s: s}
	c.on("new server", `a[href="/servers/new"]`)
	s.do("type a hostname", chromedp.WaitVisible(chromedp.CSS("#hostname")), chromedp.SendKeys(chromedp.CSS("#port"), "33502"))
	c.file(pack)
	s.until("the campaign is in the form", `document.querySelector("#content .added")?.innerText.includes("newcomer-harbour was added: Newcomer Harbour, 2 chapters.")`)
	s.until("the form is kept and names are proposed", `document.querySelector("#port").value === "33502" &&
		document.querySelector("#name").value === "newcomer-harbour" && document.querySelector("#map").value === "nh1_quay" &&
		document.querySelector("#overlay-0").value === "newcomer-harbour" && document.querySelector("[name=start]").checked`)
	s.picture("new-server-content")
	s.accessible("a new server with content")
	c.on("create", "form.form .finish .primary")
	s.until("creating says so", `document.querySelector("#created")?.innerText.includes("newcomer-harbour was created and is")`)
	s.picture("server-created")
	if t.Logf("a server with an own campaign: %d clicks", c.n); c.n > 7 {
		t.Errorf("a server with an own campaign took %d clicks", c.n)
	}
	s.inPseudo("new-server", "/servers/new?overlay=newcomer-harbour")
	s.everywhere("duplicate", "/servers/new?from=newcomer-harbour")

	s.do("the list on a desktop", chromedp.EmulateViewport(1280, 844), chromedp.Navigate(s.url("/servers")))
	c = &clicks{s: s}
	c.on("blueprints", `a[href="/blueprints"]`)
	c.on("the blueprint", `a[href="/blueprints/default"]`)
	c.on("several", `a[href="/blueprints/default/servers"]`)
	s.do("type", chromedp.WaitVisible(chromedp.CSS("#count")), chromedp.SetValue(chromedp.CSS("#count"), ""),
		chromedp.SendKeys(chromedp.CSS("#count"), "5"), chromedp.SendKeys(chromedp.CSS("#first_port"), "33510"))
	s.until("names and ports are shown", `document.querySelector("#plan").innerText.includes("default-5") &&
		document.querySelector("#plan").innerText.includes("33514")`)
	s.accessible("several servers")
	s.picture("several")
	s.until("no start, which is tested above", `(document.querySelector("[name=start]").checked = false, true)`)
	c.on("create", "form.form .finish .primary")
	s.until("the list", `document.querySelector("#server-default-5") !== null`)
	if t.Logf("five alike: %d clicks", c.n); c.n > 6 {
		t.Errorf("five alike took %d clicks", c.n)
	}
	s.everywhere("several-servers", "/blueprints/default/servers")
}

// uploadFails checks that a failed upload says how much arrived, that no server is created without it,
// and that a discarded upload is deleted.
func (s *site) uploadFails() {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "early.cfg")
	if err := os.WriteFile(file, []byte("sv_tags early\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.do("the form", chromedp.Navigate(s.url("/servers/new")), chromedp.WaitVisible(chromedp.CSS("#name")),
		chromedp.SendKeys(chromedp.CSS("#name"), "early"))
	s.until("the first two pieces are refused", `(() => {
		const { open } = XMLHttpRequest.prototype;
		let refused = 0;
		XMLHttpRequest.prototype.open = function (method, url) {
			if (refused++ < 2) url = url.replace("/file?", "/files?");
			return open.call(this, method, url);
		};
		return true;
	})()`)
	s.do("choose", chromedp.SetUploadFiles(chromedp.CSS(`input[name="file"]`), []string{file}))
	s.until("the failure is shown", `(() => {
		const box = document.querySelector("[data-sending]"), part = (n) => box.querySelector("[data-" + n + "]");
		return /^The upload failed: 0 B of \d+ B have arrived/.test(part("pace").innerText) && part("problem").innerText !== "" &&
			box.querySelector("progress").hidden && !part("retry").hidden && part("pause").hidden && !part("drop").hidden;
	})()`)
	s.picture("new-server-upload-failed")
	s.accessible("a failed upload")
	s.do("create", chromedp.Click(chromedp.CSS("form.form .finish .primary")))
	s.until("no server without its content", `location.pathname === "/servers/new" && document.querySelector("#name").value === "early" &&
		document.activeElement.innerText.startsWith("The server was not created, because early.cfg is not uploaded yet.")`)
	s.do("discard", chromedp.Click(chromedp.CSS("[data-drop]")))
	s.until("files can be chosen again", `document.querySelector("[data-sending]").hidden && !document.querySelector("[data-chooser]").hidden`)
	s.do("choose again", chromedp.SetUploadFiles(chromedp.CSS(`input[name="file"]`), []string{file}))
	s.do("try again", chromedp.WaitVisible(chromedp.CSS("[data-retry]")), chromedp.Click(chromedp.CSS("[data-retry]")))
	s.until("the file is added", `document.querySelector("#content .added")?.innerText.includes("early was added: 1 file.")`)
	s.do("uploads", chromedp.Navigate(s.url("/uploads")))
	s.shows("No unpublished uploads")
}
