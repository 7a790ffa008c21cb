//go:build panel

package panel

import (
	"fmt"
	"net"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPagesShowCurrentState checks what only a browser shows: the error of a failed start, a form
// with mistakes below the visible part, a form that follows its blueprint, files that appear while
// the page is open, and an overlay that is deleted and restored.
func TestPagesShowCurrentState(t *testing.T) {
	s := open(t, 34200)
	s.login()
	s.Create(t, "alpha", map[string]any{})
	var alpha struct{ Port int }
	s.Must(t, http.MethodGet, "/servers/alpha", nil, &alpha)
	taken, err := net.ListenPacket("udp4", fmt.Sprintf(":%d", alpha.Port))
	if err != nil {
		t.Fatal(err)
	}
	s.do("start on a port in use", chromedp.EmulateViewport(1280, 844), chromedp.Navigate(s.url("/servers")),
		chromedp.Click(chromedp.CSS("#server-alpha .acts button")))
	remedy := `#server-alpha a[href="/servers/alpha/settings#port"]`
	s.until("the row shows the cause without a reload", `document.querySelector('`+remedy+`') !== null`)
	s.everywhere("servers-failed", "/servers")
	s.do("its page on a phone", chromedp.EmulateViewport(390, 844), chromedp.Navigate(s.url("/servers/alpha")),
		chromedp.WaitVisible(chromedp.CSS(`#server-head a[href="/servers/alpha/settings#port"]`)))
	s.accessible("a server that failed to start, 390 px")
	s.picture("server-failed-390")
	s.do("a screen", chromedp.EmulateViewport(1280, 844))
	s.do("follow the link to the remedy", chromedp.Navigate(s.url("/servers")), chromedp.Click(chromedp.CSS(remedy)),
		chromedp.WaitVisible(chromedp.CSS("#port")))
	s.until("the port field is in view",
		`((r) => r.top >= 0 && r.bottom <= innerHeight)(document.querySelector("#port").getBoundingClientRect())`)
	taken.Close()

	for _, width := range []int64{1280, 390} {
		s.do("the form", chromedp.EmulateViewport(width, 844), chromedp.Navigate(s.url("/servers/alpha/settings")))
		s.until("the form with mistakes below is sent", `(() => {
			document.querySelector("#tick").value = "often";
			document.querySelector("#cfg").value = "quit";
			document.querySelector("#hostname").value = "typed";
			for (const d of document.querySelectorAll("details.group")) d.open = false;
			document.querySelector("form.form .buttons .primary").click();
			return true;
		})()`)
		s.do("the answer", chromedp.WaitVisible(chromedp.CSS(".mistakes")))
		s.until("the summary leads to both", `[...document.querySelectorAll(".mistakes a")].map((a) => a.hash).join() === "#tick,#cfg"`)
		s.until("the first has the focus", `document.activeElement.id === "tick"`)
		s.until("both fields are visible", `["tick", "cfg"].every((id) => document.getElementById(id).checkVisibility())`)
		s.until("the input is kept",
			`location.pathname === "/servers/alpha/settings" && document.querySelector("#hostname").value === "typed" && document.querySelector("#tick").value === "often"`)
		s.accessible("a form with mistakes")
		s.picture(fmt.Sprintf("settings-mistakes-%d", width))
	}

	s.Must(t, http.MethodPost, "/blueprints",
		map[string]any{"name": "versus", "settings": map[string]any{"mode": "versus", "max_players": 16}}, nil)
	s.do("another blueprint", chromedp.Navigate(s.url("/servers/new")), chromedp.SendKeys(chromedp.CSS("#name"), "beta"))
	s.until("the blueprint's values and the user's input",
		`((e) => (e.value === "versus" || (e.focus(), e.value = "versus", e.dispatchEvent(new Event("change", {bubbles: true}))), true))(document.querySelector("#blueprint")) &&
		document.querySelector("#max_players").placeholder.includes("16") && document.querySelector("#name").value === "beta" && document.activeElement.id === "blueprint"`)
	s.accessible("a new server of another blueprint")
	s.picture("new-server-versus")

	s.Must(t, http.MethodPost, "/overlays", map[string]any{"name": "empty", "kind": "files"}, nil)
	s.do("an overlay without files", chromedp.Navigate(s.url("/overlays/empty")))
	s.shows("No files yet")
	s.until("the page is marked", `(window.same = true)`)
	s.until("the server writes a file",
		`(fetch("/overlays/empty/edit", {method: "POST", redirect: "manual", body: new URLSearchParams({path: "left4dead2/cfg/first.cfg", text: "sv_cheats 0", base: "-1", new: "yes"})}), true)`)
	s.until("the files appear without a reload", `window.same && document.querySelector("main").innerText.includes("left4dead2")`)
	s.do("delete it", chromedp.Navigate(s.url("/overlays/empty/delete")), chromedp.SendKeys(chromedp.CSS("#confirm"), "empty"),
		chromedp.Submit(chromedp.CSS("#confirm")), chromedp.WaitVisible(chromedp.CSS("#overlay-head")))
	s.shows("Restore the overlay to get all of its files back")
	s.until("the deletion can be undone",
		`document.querySelector('form[action="/overlays/empty/restore"] button:not([disabled])') !== null`)
	s.do("the list", chromedp.Navigate(s.url("/overlays")), chromedp.WaitVisible(chromedp.CSS(".deleted button")))
	s.everywhere("overlays-deleted", "/overlays")
	for _, width := range []int64{1280, 390} {
		s.do("the list", chromedp.EmulateViewport(width, 844))
		s.until("no button covers a text", `((b) => [...b.closest("li").children].filter((e) => !e.contains(b)).every((e) => {
			const o = e.getBoundingClientRect(), r = b.getBoundingClientRect();
			return o.right <= r.left || o.left >= r.right || o.bottom <= r.top || o.top >= r.bottom;
		}))(document.querySelector(".deleted button"))`)
	}
}
