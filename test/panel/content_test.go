//go:build panel

package panel

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/left4me/left4me/sim/steamapi"
)

// The way of somebody who wants to play a campaign of the workshop: paste the link
// of a collection, see what is in it, watch it come, start a server with it, and
// change to its second chapter.
func TestAWorkshopCampaignFromThePanel(t *testing.T) {
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
	s.do("new overlay", chromedp.Click(chromedp.CSS(`a[href="/overlays/new"]`)), chromedp.WaitVisible(chromedp.CSS(`a[href="/overlays/new?kind=workshop"]`)))
	s.do("workshop", chromedp.Click(chromedp.CSS(`a[href="/overlays/new?kind=workshop"]`)), chromedp.WaitVisible(chromedp.CSS("#items")))
	s.do("paste", chromedp.SendKeys(chromedp.CSS("#name"), "friday"),
		chromedp.SendKeys(chromedp.CSS("#items"), "https://steamcommunity.com/sharedfiles/filedetails/?id=300000001&searchtext="),
		chromedp.Click(chromedp.CSS("form.form .primary")), chromedp.WaitVisible(chromedp.CSS("form.look")))
	s.shows("Friday <maps>")
	s.shows("3 items in it")
	s.until("what can't be had is told", has("form.look .members", "private"))
	s.everywhere("overlay-look", "/overlays/friday/items/look?ids=300000001")
	s.do("add", chromedp.Navigate(s.url("/overlays/friday/items/look?ids=300000001")), chromedp.Click(chromedp.CSS("form.look .primary")), chromedp.WaitVisible(chromedp.CSS("#overlay-work")))
	s.until("the page is marked", "window.same = true")
	s.until("how far it is", `/\d+ %/.test(document.querySelector("#overlay-work").innerText)`)
	s.picture("overlay-downloads")
	s.until("it is built", has("#overlay-head", "revision 1"))
	s.until("it is the same page", "window.same === true")
	s.do("its items", chromedp.Navigate(s.url("/overlays/friday/items")))
	s.until("what became of them", `document.querySelector(".members")?.textContent.includes("private")`)
	s.everywhere("overlay-items", "/overlays/friday/items")
	for _, page := range []string{"", "/revisions", "/problems", "/campaigns", "/settings", "/delete", "?dir=left4dead2/addons", "/diff?from=0&to=1"} {
		s.everywhere("overlay"+strings.NewReplacer("/", "-", "?", "-", "=", "-", "&", "-").Replace(page), "/overlays/friday"+page)
	}
	s.do("campaigns", chromedp.Navigate(s.url("/overlays/friday/campaigns")))
	s.shows("Salt Flats")

	s.Must(t, http.MethodPost, "/blueprints", map[string]any{"name": "friday", "overlays": []string{"friday"}}, nil)
	s.do("a server", chromedp.Navigate(s.url("/servers/new")),
		chromedp.SendKeys(chromedp.CSS("#name"), "alpha"), chromedp.SetValue(chromedp.CSS("#blueprint"), "friday"), chromedp.Submit(chromedp.CSS("#name")),
		chromedp.WaitVisible(chromedp.CSS("#server-head")))
	s.do("start", chromedp.Click(chromedp.CSS(`form[action="/servers/alpha/start"] button`)))
	s.until("it becomes ready", `document.querySelector("#server-state").innerText.toLowerCase().includes("running")`)
	s.do("the maps", chromedp.Navigate(s.url("/servers/alpha/map")), chromedp.SendKeys(chromedp.CSS("#filter"), "salt"))
	s.until("only that campaign is shown", `[...document.querySelectorAll(".picker > li:not([hidden]) h3")].map(e => e.innerText).join() === "Salt Flats"`)
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
		t.Fatalf("%q, %v", second, err)
	}
	s.until("the second chapter is played", has("#server-facts", second))
	v, _ := s.Server("alpha")
	if v.Map != second {
		t.Errorf("%+v", v)
	}
}
