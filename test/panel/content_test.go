//go:build panel

package panel

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/left4me/left4me/sim/installation"
	"github.com/left4me/left4me/sim/steamapi"
)

// TestPanelWorkshopCampaign plays a workshop campaign: it pastes the link of a collection, checks
// its items and the download, starts a server with it, and changes to its second chapter.
func TestPanelWorkshopCampaign(t *testing.T) {
	steam := httptest.NewServer(steamapi.New(steamapi.State{Items: map[string]steamapi.Item{
		"300000001": {Title: "Friday <maps>", Children: []string{"300000002", "300000003", "300000004"}},
		"300000002": {Title: "Salt Flats", Addon: "salt-flats", Scale: 20, Content: steamapi.Content{Rate: 1 << 20}},
		"300000003": {Title: "Grey Smoke", Addon: "grey-smoke"},
		"300000004": {Title: "For friends", Addon: "night-ferry", Visibility: 2},
	}}))
	defer steam.Close()
	s := open(t, 33000, "LEFT4ME_STEAM_API_URL="+steam.URL, "LEFT4ME_DOWNLOAD_ALLOW="+strings.TrimPrefix(steam.URL, "http://"))
	s.login()
	has := func(part, text string) string {
		return `document.querySelector("` + part + `")?.innerText.includes("` + text + `")`
	}
	s.do("the list", chromedp.Navigate(s.url("/overlays")))
	s.do("new overlay", chromedp.Click(chromedp.CSS(`a[href="/overlays/new"]`)),
		chromedp.WaitVisible(chromedp.CSS(`a[href="/overlays/new?kind=workshop"]`)))
	s.do("workshop", chromedp.Click(chromedp.CSS(`a[href="/overlays/new?kind=workshop"]`)), chromedp.WaitVisible(chromedp.CSS("#items")))
	s.do("paste the link", chromedp.SendKeys(chromedp.CSS("#name"), "friday"),
		chromedp.SendKeys(chromedp.CSS("#items"), "https://steamcommunity.com/sharedfiles/filedetails/?id=300000001&searchtext="),
		chromedp.Click(chromedp.CSS("form.form .primary")), chromedp.WaitVisible(chromedp.CSS("#overlay-work")))
	s.until("the page is marked",
		`location.pathname === "/overlays/friday/items" && document.readyState === "complete" && (window.same = true)`)
	s.until("the progress is shown", `/\d+ %/.test(document.querySelector("#overlay-work").innerText)`)
	s.picture("overlay-downloads")
	s.until("the overlay is built", has("#overlay-head", "revision 1"))
	s.until("the page was not reloaded", "window.same === true")
	s.do("its items", chromedp.Navigate(s.url("/overlays/friday/items")))
	s.until("the result for each item is shown", `document.querySelector(".members")?.textContent.includes("Private")`)
	s.everywhere("overlay-items", "/overlays/friday/items")
	s.do("details before items are added", chromedp.Navigate(s.url("/overlays/friday/items/look?ids=300000001,300000004")),
		chromedp.WaitVisible(chromedp.CSS("form.look")))
	s.shows("Friday <maps>")
	s.shows("3 items in this collection")
	s.until("unavailable items are reported", has("form.look .members", "Private"))
	s.everywhere("overlay-look", "/overlays/friday/items/look?ids=300000001,300000004")
	for _, page := range []string{
		"", "/revisions", "/problems", "/campaigns", "/settings", "/delete", "?dir=left4dead2/addons",
		"/diff?from=0&to=1",
	} {
		s.everywhere("overlay"+strings.NewReplacer("/", "-", "?", "-", "=", "-", "&", "-").Replace(page), "/overlays/friday"+page)
	}
	s.do("campaigns", chromedp.Navigate(s.url("/overlays/friday/campaigns")))
	s.shows("Salt Flats")

	s.Must(t, http.MethodPost, "/blueprints", map[string]any{"name": "friday", "overlays": []string{"friday"}}, nil)
	s.do("a server", chromedp.Navigate(s.url("/servers/new")),
		chromedp.SendKeys(chromedp.CSS("#name"), "alpha"), chromedp.SetValue(chromedp.CSS("#blueprint"), "friday"),
		chromedp.Submit(chromedp.CSS("#name")),
		chromedp.WaitVisible(chromedp.CSS("#server-head")))
	s.until("the server becomes ready", `document.querySelector("#server-state").innerText.toLowerCase().includes("running")`)
	s.do("the maps", chromedp.Navigate(s.url("/servers/alpha/map")), chromedp.SendKeys(chromedp.CSS("#filter"), "salt"))
	s.until("only that campaign is shown",
		`[...document.querySelectorAll(".picker > li:not([hidden]) h3")].map(e => e.innerText).join() === "Salt Flats"`)
	s.everywhere("server-map", "/servers/alpha/map")
	second, err := chromedp.Run(s.ctx, chromedp.Evaluate[string](`(() => {
		const card = [...document.querySelectorAll(".picker > li")].find((e) => e.innerText.includes("Salt Flats"));
		const select = card.querySelector("select[name=map]");
		select.selectedIndex = 1;
		const map = select.value;
		card.querySelector("form").requestSubmit();
		return map;
	})()`))
	if err != nil || second == "" {
		t.Fatalf("got %q, error %v", second, err)
	}
	s.until("the second chapter is loaded", has("#server-facts", second)+
		` && !document.querySelector("#main").innerText.includes("Changing to")`)
	v, _ := s.Server("alpha")
	if v.Map != second {
		t.Errorf("got %+v", v)
	}
}

// A script uploads files in pieces; the user inspects them before publication and edits them. When
// two users edit the same file, neither loses text.
func TestPanelFileUploadAndEditor(t *testing.T) {
	s := open(t, 33100)
	s.login()
	s.do("new overlay", chromedp.Navigate(s.url("/overlays/new?kind=files")), chromedp.SendKeys(chromedp.CSS("#name"), "plugins"),
		chromedp.Click(chromedp.CSS("form.form .primary")), chromedp.WaitVisible(chromedp.CSS(".drop")))
	s.everywhere("upload", "/overlays/plugins/upload")
	dir := t.TempDir()
	big := filepath.Join(dir, "big.vpk") // more than one piece
	addon, err := installation.Addon("night-ferry", 1, 90)
	if err == nil {
		err = os.WriteFile(big, addon, 0o600)
	}
	text := filepath.Join(dir, "server.cfg")
	if err = errors.Join(err, os.WriteFile(text, []byte("hostname \"Friday\"\nsv_region 3\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	s.do("choose", chromedp.Navigate(s.url("/overlays/plugins/upload")),
		chromedp.SetUploadFiles(chromedp.CSS(`input[name="file"]`), []string{big, text}))
	s.until("the plan",
		`document.querySelector(".plan")?.innerText.includes("night") || document.querySelector(".plan")?.innerText.includes("big.vpk")`)
	plan, _ := chromedp.Run(s.ctx, chromedp.Evaluate[string]("location.pathname"))
	s.everywhere("upload-plan", plan)
	s.do("publish", chromedp.Navigate(s.url(plan)), chromedp.Click(chromedp.CSS("form[action$=publish] .primary")),
		chromedp.WaitVisible(chromedp.CSS("#overlay-head")))
	s.until("the revision is published", `document.querySelector("#overlay-head").innerText.includes("revision 1")`)
	s.do("its files", chromedp.Navigate(s.url("/overlays/plugins?q=big.vpk")))
	s.shows("big.vpk")
	s.do("the content of the add-on", chromedp.Click(chromedp.CSS(".files th a")),
		chromedp.WaitVisible(chromedp.CSS(`a[href*="addoninfo.txt"]`)))
	s.everywhere("vpk", "/overlays/plugins?dir=left4dead2%2Faddons%2Fbig.vpk")

	path := "/overlays/plugins/edit?path=left4dead2%2Fcfg%2Fserver.cfg"
	s.everywhere("editor", path)
	s.do("edit", chromedp.EmulateViewport(1280, 844), chromedp.Navigate(s.url(path)))
	inside := `document.querySelector(".code").shadowRoot`
	s.until("the editor is there, with its styles",
		inside+`.querySelectorAll(".cm-line").length === 3 && getComputedStyle(`+inside+
			`.querySelector(".cm-scroller")).fontFamily.includes("mono")`)
	s.until("the editor has the focus", "("+inside+`.querySelector(".cm-content").focus(), true)`)
	s.do("type", chromedp.KeyEvent("sv_tags \"oops"))
	s.until("the mistake is reported", `document.querySelector(".found")?.innerText.includes("has no closing one")`)
	s.picture("editor-typed")
	save := `!dispatchEvent(new KeyboardEvent("keydown", {key: "s", ctrlKey: true, cancelable: true}))`
	s.until("Ctrl-S saves in the editor", save)
	s.until("the text is saved", `document.querySelector("[data-status]").innerText.includes("Saved as revision 2")`)
	mine := `document.querySelector("#text").value`
	s.until("the editor keeps the input", mine+`.includes("oops")`)

	// Another user saves first.
	s.until("another user has saved", `(async () => {
		if (window.asked) return;
		window.asked = true;
		const form = new FormData(document.querySelector("form.editor"));
		form.set("text", "hostname \"Theirs\"\n");
		const res = await fetch("/overlays/plugins/edit", {method: "POST", body: new URLSearchParams(form), headers: {"X-Left4me": "live"}});
		window.other = res.ok ? "ok" : await res.text();
	})(); window.other === "ok"`)
	s.do("type more", chromedp.KeyEvent("x"))
	s.until("Ctrl-S saves again", save)
	s.until("both texts are shown", `document.querySelector("[data-theirs]")?.innerText.includes("Theirs") && `+mine+`.includes("oops")`)
	s.accessible("an edit conflict")
	s.picture("editor-conflict")

	// The editor must show text that the game truncates or ignores, and explain it.
	path = "/overlays/plugins/edit?path=left4dead2%2Fmissions%2Fnight.txt"
	s.do("a mission", chromedp.Navigate(s.url(path)))
	s.until("the text is saved", `(async () => {
		if (window.asked) return;
		window.asked = true;
		const form = new FormData(document.querySelector("form.editor"));
		form.set("path", "left4dead2/missions/night.txt");
		form.set("text", "mission\n{\n\tdescription \"" + "long ".repeat(220) + "the end\"\n\tname x [$LINUX]\n\tmodes { coop { 1 { map a Image } } }\n}\n");
		const res = await fetch("/overlays/plugins/edit", {method: "POST", body: new URLSearchParams(form), headers: {"X-Left4me": "live"}});
		window.saved = res.ok ? "ok" : await res.text();
	})(); window.saved === "ok"`)
	s.do("open it", chromedp.Navigate(s.url(path)))
	s.until("the text is complete",
		inside+`?.querySelector(".cm-content")?.innerText.includes("the end") && `+mine+`.includes("[$LINUX]")`)
	for _, told := range []string{
		"The game cuts off this value here", "[$WIN32] is the only condition that is true on a server",
		"the game reads it as an empty block",
	} {
		s.until("the game's behaviour is explained", `document.querySelector(".found")?.innerText.includes("`+told+`")`)
	}
	s.picture("editor-mission")
}

// TestOverlayPagesFitScreen checks the layout of the pages of an overlay before its first build,
// and of the forms of every kind of overlay.
func TestOverlayPagesFitScreen(t *testing.T) {
	s := open(t, 33200)
	s.login()
	for name, path := range map[string]string{
		"overlays": "/overlays", "overlay-new": "/overlays/new", "overlay-new-workshop": "/overlays/new?kind=workshop",
		"overlay-new-files":  "/overlays/new?kind=files",
		"overlay-new-script": "/overlays/new?kind=script", "overlay-new-git": "/overlays/new?kind=git",
		"overlay-new-release": "/overlays/new?kind=release",
		"overlay-rename":      "/overlays/maps/rename",
		"overlay-maps":        "/overlays/maps", "overlay-maps-upload": "/overlays/maps/upload", "overlay-maps-edit": "/overlays/maps/edit",
	} {
		s.everywhere(name, path)
	}
}
