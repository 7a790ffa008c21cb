//go:build panel

package panel

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPanelServerRename renames a running server. Its page must say that the host still uses the
// old name, until the next start has renamed the files.
func TestPanelServerRename(t *testing.T) {
	s := open(t, 31900)
	s.login()
	s.Create(t, "alpha", nil)
	s.Create(t, "taken", nil)
	s.Done(t, "start", "alpha")
	s.everywhere("server-rename", "/servers/alpha/rename")
	s.keyboard("/servers/alpha/rename")
	s.do("open the rename form",
		chromedp.EmulateViewport(1280, 844),
		chromedp.Navigate(s.url("/servers/alpha")),
		chromedp.Click(chromedp.CSS(`a[href="/servers/alpha/rename"]`)),
		chromedp.WaitVisible(chromedp.CSS("#name")),
	)
	s.do("a name of another server",
		chromedp.SetValue(chromedp.CSS("#name"), "taken"),
		chromedp.Submit(chromedp.CSS("#name")),
		chromedp.WaitVisible(chromedp.CSS("#name-problem")),
	)
	s.picture("server-rename-problem")
	s.do("an unused name",
		chromedp.SetValue(chromedp.CSS("#name"), "beta"),
		chromedp.Submit(chromedp.CSS("#name")),
		chromedp.WaitVisible(chromedp.CSS("#server-head")),
	)
	s.until("the address has the new name", `location.pathname === "/servers/beta"`)
	s.until("the server still runs", `document.querySelector("#server-state").innerText.toLowerCase().includes("running")`)
	s.shows("named alpha there until the next start")
	s.everywhere("server-renamed", "/servers/beta")

	s.do("its page", chromedp.Navigate(s.url("/servers/beta")))
	s.do("restart", chromedp.Click(chromedp.CSS(`form[action="/servers/beta/restart"] button`)))
	s.until("the question names who is playing", `location.pathname === "/bulk"`)
	s.do("confirm", chromedp.Click(chromedp.CSS("#main form button.primary")), chromedp.WaitVisible(chromedp.CSS("#server-facts")))
	s.until("the host uses the new name", `!document.querySelector("#server-facts").innerText.includes("alpha")`)
	s.until("the server runs", `document.querySelector("#server-state").innerText.toLowerCase().includes("running")`)
	s.Done(t, "delete", "beta")
}
