//go:build panel

package panel

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/left4me/left4me/test/stage"
)

// TestPanelManyServers changes a setting of five servers and restarts them with four clicks, restarts a
// server with people on it from a phone with two, and selects servers by filter and tick boxes.
func TestPanelManyServers(t *testing.T) {
	s := open(t, 34100)
	s.login()
	names := []string{"alpha", "beta", "delta", "gamma", "omega"}
	for _, name := range names {
		s.Create(t, name, nil)
		s.Ask(t, "start", name)
	}
	pids := map[string]int{}
	for _, name := range names {
		stage.Until(t, name+" has players", func() bool {
			v, _ := s.Server(name)
			pids[name] = v.PID
			return v.Players > 0
		})
	}
	restarted := func(name string) {
		s.t.Helper()
		stage.Until(t, name+" was restarted", func() bool {
			v, _ := s.Server(name)
			return v.State == "running" && v.PID != pids[name]
		})
		v, _ := s.Server(name)
		pids[name] = v.PID
	}
	clicks := 0
	click := func(selector, then string) {
		s.t.Helper()
		clicks++
		s.do("click "+selector, chromedp.WaitVisible(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector)),
			chromedp.WaitVisible(chromedp.CSS(then)))
	}

	s.do("a phone", chromedp.EmulateViewport(360, 844), chromedp.Navigate(s.url("/servers")))
	s.until("the list has no bare Stop", `!document.querySelector('#server-rows form[action$="/stop"]')`)
	s.picture("bulk-list-phone")
	s.accessible("the list, 360 px")
	click(`form[action="/servers/alpha/restart"] button`, `#bulk-plan button[value="now"]`)
	s.shows("disconnects them")
	s.picture("bulk-question-phone")
	s.accessible("the question, 360 px")
	click(`#bulk-plan button[value="now"]`, `#server-rows`)
	restarted("alpha")
	if clicks > 2 {
		t.Errorf("a restart from a phone takes %d clicks, want at most 2", clicks)
	}
	t.Logf("restart from a phone: %d clicks", clicks)

	clicks = 0
	s.do("the start page", chromedp.EmulateViewport(1280, 844), chromedp.Navigate(s.url("/blueprints")),
		chromedp.WaitVisible(chromedp.CSS(`a[href="/blueprints/default"]`)))
	click(`main a[href="/blueprints/default"]`, `#maxplayers, [name="max_players"]`)
	s.do("change a setting", chromedp.SetValue(chromedp.CSS(`[name="hostname"]`), "Friday night"))
	click(`#save-restart button`, `#bulk-plan button[value="one-by-one"]`)
	click(`#bulk-plan button[value="one-by-one"]`, `#bulk-act`)
	if clicks+1 > 4 {
		t.Errorf("changing five servers takes %d clicks, want at most 4", clicks+1)
	}
	t.Logf("change one thing in five servers and restart them: %d clicks, with the one on the menu", clicks+1)
	s.until("one server is restarted at a time", `document.querySelectorAll("#bulk-act .badge.busy").length <= 2`)
	s.picture("bulk-act")
	s.accessible("the progress")
	for _, name := range names {
		restarted(name)
	}
	s.until("the progress ends", `document.querySelector("#bulk-act .title .badge").classList.contains("good")`)
	for _, name := range names {
		if v, _ := s.Server(name); v.Hostname != "Friday night" {
			t.Errorf("%s is called %q", name, v.Hostname)
		}
	}

	s.do("filter by typing", chromedp.Navigate(s.url("/servers")), chromedp.SendKeys(chromedp.CSS("#filter"), "ta"))
	s.until("two servers are left", `document.querySelectorAll("#server-rows tr:not([hidden])").length === 2 && location.search === "?q=ta"`)
	s.do("sort", chromedp.Click(chromedp.CSS(`.sort[value="-name"]`)), chromedp.WaitVisible(chromedp.CSS(`[aria-sort="descending"]`)))
	s.until("filter and order are in the address",
		`location.search === "?q=ta&sort=-name" && [...document.querySelectorAll("#server-rows tr:not([hidden]) .cover")].map((a) => a.innerText).join() === "delta,beta"`)
	s.do("select all shown", chromedp.Click(chromedp.CSS(`[data-tick-all]`)), chromedp.WaitVisible(chromedp.CSS(`#bulk button[value="stop"]`)))
	for _, width := range []int64{1280, 360} {
		s.do("size", chromedp.EmulateViewport(width, 844))
		s.picture(fmt.Sprintf("bulk-selected-%d", width))
		s.accessible(fmt.Sprintf("selected servers, %d px", width))
		s.until("the page fits", fmt.Sprintf("document.documentElement.scrollWidth <= %d", width))
	}
	s.do("stop the selected", chromedp.Click(chromedp.CSS(`#bulk button[value="stop"]`)),
		chromedp.WaitVisible(chromedp.CSS(`#bulk-plan button[value="empty"]`)))
	s.do("when empty", chromedp.Click(chromedp.CSS(`#bulk-plan button[value="empty"]`)), chromedp.WaitVisible(chromedp.CSS(`#bulk-act`)))
	s.inPseudo("bulk-act", s.path())
	s.do("the list", chromedp.Navigate(s.url("/servers")))
	s.shows("stops when no one is playing")
	s.picture("bulk-waiting")
	s.do("cancel", chromedp.Click(chromedp.CSS(`#servers-bulk form button`)))
	s.until("nothing waits", `!document.body.innerText.includes("Stops when no one is playing")`)
}
