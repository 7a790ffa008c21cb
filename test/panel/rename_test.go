//go:build panel

package panel

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// A server that runs is renamed from its page, which says that the files on its host follow,
// and when they have.
func TestAServerIsRenamedFromThePanel(t *testing.T) {
	s := open(t, 31900)
	s.login()
	s.Create(t, "alpha", nil)
	s.Create(t, "taken", nil)
	s.Done(t, "start", "alpha")
	s.everywhere("server-rename", "/servers/alpha/rename")
	s.keyboard("/servers/alpha/rename")
	s.do("the way there",
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
	s.do("a name of its own",
		chromedp.SetValue(chromedp.CSS("#name"), "beta"),
		chromedp.Submit(chromedp.CSS("#name")),
		chromedp.WaitVisible(chromedp.CSS("#server-head")),
	)
	s.until("the address has the new name", `location.pathname === "/servers/beta"`)
	s.until("it runs on", `document.querySelector("#server-state").innerText.toLowerCase().includes("running")`)
	s.shows("named alpha there until the next start")
	s.everywhere("server-renamed", "/servers/beta")

	s.do("its page", chromedp.Navigate(s.url("/servers/beta")))
	s.until("the page is marked", "window.same = true")
	s.do("restart", chromedp.Click(chromedp.CSS(`form[action="/servers/beta/restart"] button`)))
	s.until("its host has the new name", `!document.querySelector("#server-facts").innerText.includes("alpha")`)
	s.until("it runs", `document.querySelector("#server-state").innerText.toLowerCase().includes("running")`)
	s.until("it is the same page", "window.same === true")
	s.Done(t, "delete", "beta")
}
