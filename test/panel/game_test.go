//go:build panel

package panel

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPanelGameInstallUpdateRollback installs the game, checks the progress, starts a server,
// updates the game while players are on the server, rolls the build out, and rolls back.
func TestPanelGameInstallUpdateRollback(t *testing.T) {
	s := open(t, 32100)
	if err := os.RemoveAll(filepath.Join(s.Root, "installation")); err != nil {
		t.Fatal(err)
	}
	slow := []string{"SIM_STEAM_SIZE=40M", "SIM_STEAM_RATE=12M", "SIM_STEAM_TICK=200ms"}
	s.Steam(t, append(slow, "SIM_STEAM_BUILD=1")...)
	s.login()
	has := func(part, text string) string {
		return `document.querySelector("` + part + `").innerText.toLowerCase().includes("` + strings.ToLower(text) + `")`
	}
	s.do("the page", chromedp.Navigate(s.url("/game")))
	s.shows("The game is not installed")
	s.everywhere("game-none", "/game")
	s.until("the page is marked", "window.same = true")
	s.do("install", chromedp.Click(chromedp.CSS(`form[action="/game/install"] button`)))
	s.until("the progress is shown", `/\d+ % .*MB of .*MB.*\/s/.test(document.querySelector("#game-work").innerText.replaceAll("\n", " "))`)
	s.picture("game-downloads")
	s.until("the game is installed", has("#game-state", "Build 15800001"))
	s.until("the job is no longer shown", `document.querySelector("#game-work").innerText === ""`)

	s.Create(t, "alpha", nil)
	s.Done(t, "start", "alpha")
	s.Steam(t, append(slow, "SIM_STEAM_BUILD=2")...)
	s.do("check", chromedp.Click(chromedp.CSS(`form[action="/game/check"] button`)))
	s.until("a newer build is reported", has("#game-state", "newer build available"))
	s.until("the page was not reloaded", "window.same === true")
	s.everywhere("game-outdated", "/game")
	s.do("the list", chromedp.Navigate(s.url("/servers")))
	s.shows("A newer build of the game is available")
	s.picture("servers-outdated")

	s.do("the page", chromedp.Navigate(s.url("/game")))
	s.do("update", chromedp.Click(chromedp.CSS(`form[action="/game/update"] button`)))
	s.until("the game is updated", has("#game-state", "Build 15800002"))
	s.do("the server", chromedp.Navigate(s.url("/servers/alpha")))
	s.shows("Restart required for build 15800002")
	s.picture("server-outdated")
	s.do("update again and roll out", chromedp.Navigate(s.url("/game")), chromedp.SetValue(chromedp.CSS("#update-restart"), "now"),
		chromedp.Click(chromedp.CSS(`form[action="/game/update"] button`)),
		chromedp.Click(chromedp.CSS(`form.confirm button[value="now"]`)), chromedp.WaitVisible(chromedp.CSS("#game-state")))
	s.until("the server runs the new build", has("#game-rollout", "updated")+"&&"+has("#game-rollout", "done"))
	if v, _ := s.Server("alpha"); v.Build != 15800002 || v.State != "running" {
		t.Errorf("got %+v", v)
	}
	s.everywhere("game-moved", "/game")
	s.do("roll back", chromedp.Navigate(s.url("/game")), chromedp.Click(chromedp.CSS(`#game-builds a[href*="rollback"]`)),
		chromedp.WaitVisible(chromedp.CSS("#rollback-restart")))
	s.everywhere("game-rollback", "/game/rollback?build=15800001")
	s.do("confirm the rollback", chromedp.Navigate(s.url("/game/rollback?build=15800001")),
		chromedp.Submit(chromedp.CSS("#rollback-restart")))
	s.until("the old build is in use", has("#game-state", "Build 15800001"))

	// A rollback pins the build.
	s.do("unpin", chromedp.Click(chromedp.CSS(`form[action="/game/pin"] button`)))
	s.until("the update button is enabled", `!document.querySelector('form[action="/game/update"] button').disabled`)
	var g struct{ Current int64 }
	s.Must(t, "GET", "/hosts/local/game", nil, &g)
	if g.Current != 15800001 {
		t.Errorf("got current build %d, want 15800001", g.Current)
	}
}

// A failed install shows the cause and the remedy next to the button for the next attempt. After
// the remedy, the install succeeds.
func TestFailedInstallShowsRemedy(t *testing.T) {
	s := open(t, 32200)
	if err := os.RemoveAll(filepath.Join(s.Root, "installation")); err != nil {
		t.Fatal(err)
	}
	s.Steam(t, "SIM_STEAM_BUILD=1", "SIM_STEAM_TICK=50ms", "SIM_STEAM_FAULT=reason:Not enough disk space")
	s.login()
	s.do("install", chromedp.Navigate(s.url("/game")), chromedp.Click(chromedp.CSS(`form[action="/game/install"] button`)))
	s.until("the cause and the remedy are shown",
		`/disk full.*Free some space/is.test(document.querySelector("#game-work .problem")?.innerText ?? "")`)
	s.until("SteamCMD's output is expanded",
		`document.querySelector("#game-work .log[open] pre").innerText.includes("Not enough disk space")`)
	s.shows("The game is not installed")
	s.everywhere("game-failed", "/game")
	s.Steam(t, "SIM_STEAM_BUILD=1", "SIM_STEAM_TICK=50ms")
	s.do("try again", chromedp.Navigate(s.url("/game")), chromedp.Click(chromedp.CSS(`#game-work form[action$="/retry"] button`)))
	s.until("the new job", `location.pathname.startsWith("/jobs/") && document.readyState === "complete"`)
	s.do("the page", chromedp.Navigate(s.url("/game")))
	s.until("the game is installed", `document.querySelector("#game-state").innerText.includes("Build 15800001")`)
	s.until("the error is no longer shown", `document.querySelector("#game-work").innerText === ""`)
}
