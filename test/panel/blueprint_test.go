//go:build panel

package panel

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPanelBlueprintLifecycle creates a blueprint with an overlay and a map of that overlay,
// changes it, and deletes it only after its name was typed correctly.
func TestPanelBlueprintLifecycle(t *testing.T) {
	s := open(t, 33500)
	s.login()
	offered := `[...document.querySelectorAll("#maps option:not([disabled])")].map((o) => o.value)`
	s.do("new blueprint", chromedp.Navigate(s.url("/blueprints")), chromedp.Click(chromedp.CSS(`a[href="/blueprints/new"]`)),
		chromedp.WaitVisible(chromedp.CSS("#name")))
	s.until("only the game's maps are offered", offered+`.includes("c1m1_hotel") && !`+offered+`.includes("mm_m1_orchard")`)
	s.do("add an overlay", chromedp.SendKeys(chromedp.CSS("#name"), "jam"), chromedp.SetValue(chromedp.CSS("#add"), "custom-campaign"),
		chromedp.Click(chromedp.CSS(`button[value="add"]`)), chromedp.WaitVisible(chromedp.CSS(`input[name="overlay"]`)))
	s.until("the input is kept", `document.querySelector("#name").value === "jam"`)
	s.until("the overlay's maps are offered", offered+`[0] === "mm_m1_orchard"`)
	s.do("create", chromedp.SendKeys(chromedp.CSS("#map"), "mm_m1_orchard"), chromedp.Click(chromedp.CSS("form.form .primary")),
		chromedp.WaitVisible(chromedp.CSS(`a[href="/blueprints/jam/delete"]`)))
	s.keyboard("/blueprints/jam")
	s.do("change", chromedp.SetValue(chromedp.CSS("#map"), "mm_m2_cannery"), chromedp.Click(chromedp.CSS("form.form .buttons .primary")),
		chromedp.WaitVisible(chromedp.CSS(`a[href="/blueprints/jam/delete"]`)))
	s.until("the change is saved", `document.querySelector("#map").value === "mm_m2_cannery"`)

	s.do("the list", chromedp.EmulateViewport(360, 844), chromedp.Navigate(s.url("/blueprints")))
	s.accessible("blueprints, 360 px")
	s.picture("blueprints-jam")
	s.do("a new server with the blueprint", chromedp.Navigate(s.url("/servers/new")))
	s.until("the blueprint's maps are not offered yet", `!`+offered+`.includes("mm_m1_orchard")`)
	s.until("the maps follow the blueprint",
		`((e) => (e.value = "jam", e.dispatchEvent(new Event("change", {bubbles: true}))))(document.querySelector("#blueprint")) && `+
			offered+`.includes("mm_m1_orchard")`)

	s.do("confirm with a wrong name", chromedp.Navigate(s.url("/blueprints/jam/delete")),
		chromedp.SendKeys(chromedp.CSS("#confirm"), "jan"),
		chromedp.Submit(chromedp.CSS("#confirm")), chromedp.WaitVisible(chromedp.CSS(".wrong")))
	s.accessible("a wrong confirmation")
	s.do("delete", chromedp.SetValue(chromedp.CSS("#confirm"), "jam"), chromedp.Submit(chromedp.CSS("#confirm")),
		chromedp.WaitVisible(chromedp.CSS(`a[href="/blueprints/new"]`)))
	s.until("the object is no longer shown", `!document.querySelector("main").innerText.includes("jam")`)
}
