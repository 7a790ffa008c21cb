//go:build panel

package panel

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// The way of a blueprint: made with an overlay, and with a map of that overlay to
// begin with; changed; not deleted by accident.
func TestABlueprintFromThePanel(t *testing.T) {
	s := open(t, 33500)
	s.login()
	offered := `[...document.querySelectorAll("#maps option:not([disabled])")].map((o) => o.value)`
	s.do("new blueprint", chromedp.Navigate(s.url("/blueprints")), chromedp.Click(chromedp.CSS(`a[href="/blueprints/new"]`)),
		chromedp.WaitVisible(chromedp.CSS("#name")))
	s.until("only maps of the game", offered+`.includes("c1m1_hotel") && !`+offered+`.includes("mm_m1_orchard")`)
	s.do("add an overlay", chromedp.SendKeys(chromedp.CSS("#name"), "jam"), chromedp.SetValue(chromedp.CSS("#add"), "custom-campaign"),
		chromedp.Click(chromedp.CSS(`button[value="add"]`)), chromedp.WaitVisible(chromedp.CSS(`input[name="overlay"]`)))
	s.until("what was typed is there", `document.querySelector("#name").value === "jam"`)
	s.until("its maps are offered", offered+`[0] === "mm_m1_orchard"`)
	s.do("create", chromedp.SendKeys(chromedp.CSS("#map"), "mm_m1_orchard"), chromedp.Click(chromedp.CSS("form.form .primary")),
		chromedp.WaitVisible(chromedp.CSS(`a[href="/blueprints/jam/delete"]`)))
	s.keyboard("/blueprints/jam")
	s.do("change", chromedp.SetValue(chromedp.CSS("#map"), "mm_m2_cannery"), chromedp.Click(chromedp.CSS("form.form .buttons .primary")),
		chromedp.WaitVisible(chromedp.CSS(`a[href="/blueprints/jam/delete"]`)))
	s.until("it is kept", `document.querySelector("#map").value === "mm_m2_cannery"`)

	s.do("the list", chromedp.EmulateViewport(360, 844), chromedp.Navigate(s.url("/blueprints")))
	s.accessible("blueprints, 360 px")
	s.picture("blueprints-jam")
	s.do("a server of it", chromedp.Navigate(s.url("/servers/new")))
	s.until("not yet", `!`+offered+`.includes("mm_m1_orchard")`)
	s.until("the maps follow the blueprint",
		`((e) => (e.value = "jam", e.dispatchEvent(new Event("change", {bubbles: true}))))(document.querySelector("#blueprint")) && `+
			offered+`.includes("mm_m1_orchard")`)

	s.do("another name deletes nothing", chromedp.Navigate(s.url("/blueprints/jam/delete")),
		chromedp.SendKeys(chromedp.CSS("#confirm"), "jan"),
		chromedp.Submit(chromedp.CSS("#confirm")), chromedp.WaitVisible(chromedp.CSS(".wrong")))
	s.accessible("the wrong name")
	s.do("delete", chromedp.SetValue(chromedp.CSS("#confirm"), "jam"), chromedp.Submit(chromedp.CSS("#confirm")),
		chromedp.WaitVisible(chromedp.CSS(`a[href="/blueprints/new"]`)))
	s.until("it is gone", `!document.querySelector("main").innerText.includes("jam")`)
}
