//go:build panel

package panel

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/left4me/left4me/test/stage"
)

// tab is an open page of the browser.
type tab struct {
	*site
	path  string
	close context.CancelFunc
}

// tab opens a page in a new tab, which runs script before any other script.
func (s *site) tab(path, script string) *tab {
	s.t.Helper()
	other := *s
	t := &tab{site: &other, path: path}
	t.ctx, t.close = chromedp.NewContext(s.ctx)
	s.t.Cleanup(t.close)
	if err := chromedp.Do(t.ctx); err != nil { // the tab closes with the context of the first call
		s.t.Fatal(err)
	}
	if script != "" {
		t.do("a script for each page", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
			return err
		}))
	}
	t.do(path, chromedp.Navigate(s.url(path)))
	return t
}

// ask evaluates a script, awaits it if it is a promise, and returns the result.
func ask[T any](t *tab, script string) T {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, stage.Patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.t.Fatalf("%s: %s: %v", t.path, script, err)
	}
	return v
}

// shownBy maps each page to the script that returns the state it shows.
var shownBy = map[string]string{
	"/servers":               `document.querySelector("#server-alpha .state .badge").innerText.toLowerCase()`,
	"/servers/alpha":         `document.querySelector("#server-state").innerText.toLowerCase()`,
	"/servers/alpha/console": `document.querySelector("#server-state").innerText.toLowerCase()`,
}

// reach brings the server into a state and returns how long after the job's end the slowest page
// showed that state.
func reach(s *site, tabs []*tab, verb, state string) time.Duration {
	s.t.Helper()
	for _, t := range tabs {
		ask[bool](t,
			`window.seen = 0; window.check = () => { if (!window.seen && `+shownBy[t.path]+`.includes("`+state+
				`")) window.seen = Date.now(); };
			window.watching?.disconnect(); window.watching = new MutationObserver(window.check);
			window.watching.observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true}); true`)
	}
	began := time.Now().UnixMilli()
	s.Done(s.t, verb, "alpha")
	slowest := int64(0)
	done := time.Now().UnixMilli() // the pages may already show the state
	for i, t := range tabs {
		t.until(fmt.Sprintf("page %d, %s, shows that it is %s", i, t.path, state), "window.seen > 0")
		slowest = max(slowest, ask[int64](t, "window.seen"))
	}
	s.t.Logf("%s: %d ms until the job was done, the last of %d pages showed it %d ms after that", verb, done-began, len(tabs), slowest-done)
	return time.Duration(slowest-done) * time.Millisecond
}

// follows checks that all pages show a change within 1 s. It tries up to three times, because the
// host may be busy.
func follows(s *site, tabs []*tab) {
	s.t.Helper()
	for range 3 {
		if reach(s, tabs, "start", "running") < time.Second && reach(s, tabs, "stop", "stopped") < time.Second {
			return
		}
		s.Done(s.t, "stop", "alpha")
	}
	s.t.Errorf("%d pages: none of three changes appeared on all pages within 1 s", len(tabs))
}

// answers checks that every page can submit a form.
func answers(s *site, tabs []*tab) {
	s.t.Helper()
	for i, t := range tabs {
		status := ask[int](t, `(async () => {
			const form = document.querySelector("form[data-themes]");
			const body = new URLSearchParams({theme: "dark"});
			return (await fetch(form.action, {method: "POST", body, headers: {"X-Left4me": "live"}, signal: AbortSignal.timeout(5000)})).status;
		})()`)
		if status != http.StatusNoContent {
			s.t.Errorf("page %d, %s: the form got status %d, want 204", i, t.path, status)
		}
	}
}

var followed = []string{"/servers", "/servers/alpha", "/servers/alpha/console"}

// TestManyPagesShareOneStream checks that twenty pages of one browser over HTTP/1.1 stay current
// and usable, although the browser opens at most six connections to a host and each stream would
// occupy one. The test closes, reloads and opens pages, restarts left4me and logs in as another
// user.
func TestManyPagesShareOneStream(t *testing.T) {
	s := open(t, 33700)
	s.Create(t, "alpha", nil)
	s.Must(t, http.MethodPost, "/users", map[string]any{"name": "guest", "password": password}, nil)
	s.login()
	var tabs []*tab
	for i := range 20 {
		tabs = append(tabs, s.tab(followed[i%len(followed)], ""))
	}
	if ask[bool](tabs[0], "isSecureContext") {
		t.Fatal("the page is a secure context; the panel over plain HTTP is not")
	}
	follows(s, tabs)
	answers(s, tabs)

	// Close some pages in an arbitrary order and open others.
	for _, i := range []int{0, 3, 7, 8, 19} {
		tabs[i].close()
	}
	rest := append(append(append([]*tab{}, tabs[1:3]...), tabs[4:7]...), tabs[9:19]...)
	for _, i := range []int{0, 5, 11} {
		rest[i].do("reload", chromedp.Reload())
	}
	rest[2].do("open another page", chromedp.Navigate(s.url("/jobs")))
	ask[bool](rest[2], `setTimeout(() => history.back()), true`) // no load event if the page is in the back/forward cache
	rest[2].until("the earlier page is back", `location.pathname === "`+rest[2].path+`"`)
	rest = append(rest, s.tab("/servers", ""), s.tab("/servers/alpha", ""))
	follows(s, rest)
	answers(s, rest)

	// Restart left4me.
	s.Stop()
	s.Env = append(s.Env, "LEFT4ME_LISTEN="+s.Address)
	s.Serve(t)
	follows(s, rest)

	// After the logout, all pages report it and show no data of the next user's session.
	mark := `window.before = document.querySelector("main").innerHTML; window.changed = false;
		const tells = (r) => !(r.target.closest ? r.target : r.target.parentElement)?.closest("[data-since], time");
		new MutationObserver((all) => window.changed ||= all.some(tells)).observe(document.querySelector("#server-state, #servers"),
			{subtree: true, childList: true, characterData: true}); true`
	for _, t := range rest[1:] {
		ask[bool](t, mark)
	}
	rest[0].do("log out", chromedp.Click(chromedp.CSS(`form[action="/logout"] button`)),
		chromedp.WaitVisible(chromedp.CSS(`input[name="password"]`)))
	rest[0].do("log in as another", chromedp.SendKeys(chromedp.CSS(`input[name="name"]`), "guest"),
		chromedp.SendKeys(chromedp.CSS(`input[name="password"]`), password),
		chromedp.Submit(chromedp.CSS(`input[name="password"]`)), chromedp.WaitVisible(chromedp.CSS("#servers")))
	for _, t := range rest[1:] {
		t.until("the page reports the end of the session",
			`document.getElementById("connection").innerText.includes("You have been logged out")`)
	}
	follows(s, []*tab{{site: rest[0].site, path: "/servers"}})
	for i, t := range rest[1:] {
		if ask[bool](t, "window.changed") {
			t.t.Errorf("page %d, %s, of the previous session still shows changes", i, t.path)
		}
	}
}

// unshared removes SharedWorker, which Chrome for Android lacks before version 148, and lets a test
// set the visibility of the page.
const unshared = `delete window.SharedWorker; window.isHidden = true;
	Object.defineProperty(document, "hidden", {get: () => window.isHidden});`

// seen makes the page visible or hidden.
func (t *tab) seen(yes bool) {
	t.t.Helper()
	ask[bool](t, fmt.Sprintf(`window.isHidden = %t; document.dispatchEvent(new Event("visibilitychange")); true`, !yes))
}

// Where pages cannot share a stream, only the visible page has one.
func TestOnlyVisiblePageStreamsWithoutSharedWorker(t *testing.T) {
	s := open(t, 33800)
	s.Create(t, "alpha", nil)
	s.login()
	var tabs []*tab
	for i := range 8 {
		tabs = append(tabs, s.tab(followed[i%len(followed)], unshared))
	}
	starts := 0
	for i, t := range tabs {
		t.seen(true)
		if i < len(followed) {
			follows(s, []*tab{t})
		}
		answers(s, []*tab{t})
		t.seen(false)
	}
	console := tabs[2]
	ask[bool](console, `window.mine = document.querySelector("#console"), window.mine.replaceChildren(), true`)
	for range 2 { // once while the page is hidden, once while it is visible
		s.Done(t, "start", "alpha")
		s.Done(t, "stop", "alpha")
		starts++
		console.seen(true)
		console.until("the console shows each start once",
			fmt.Sprintf(`window.mine.innerText.split("Network: IP").length - 1 === %d`, starts))
		console.until("the page shows the state", shownBy[console.path]+`.includes("stopped")`)
		console.seen(false)
	}
}

// Buttons react to mouse and keyboard, on a desktop and on a phone.
func TestButtonsReactToMouseKeyboardAndTouch(t *testing.T) {
	s := open(t, 33900, "SIM_PLAYERS=0") // with players, a stop would ask first
	names := []string{"one", "two", "three", "four", "five"}
	for _, name := range names {
		s.Create(t, name, nil)
	}
	s.login()
	page := &tab{site: s, path: "/servers"}
	button := func(name, verb string) string {
		return fmt.Sprintf(`document.querySelector('form[action="/servers/%s/%s"] button')`, name, verb)
	}
	// The second click of a double click must not press the button that appears in the same place.
	ask[bool](page, `(async () => {
		for (const name of ["one", "two", "three", "four", "five"]) {
			const form = document.querySelector('form[action="/servers/' + name + '/start"]');
			form.querySelector("button").click();
			await new Promise((r) => setTimeout(r, 150));
			form.querySelector("button").click();
			await new Promise((r) => setTimeout(r, 200));
		}
		return true;
	})()`)
	for _, name := range names {
		stage.Until(t, name+" runs", func() bool { v, _ := s.Server(name); return v.State == "running" })
	}
	s.do("the page of a server", chromedp.Navigate(s.url("/servers/two")))
	s.until("Stop is shown", button("two", "stop")+` !== null`)
	ask[bool](page, `(async () => {
		const button = () => document.querySelector("#server-head .acts button");
		button().click();
		for (let i = 0; i < 6; i++) {
			await new Promise((r) => setTimeout(r, 100));
			button()?.click(); // Stop, no button, or Start
		}
		return true;
	})()`)
	focused := func(verb string) string {
		return fmt.Sprintf(`document.activeElement.closest("form")?.getAttribute("action") === "/servers/one/%s" && document.activeElement.matches("button:enabled")`, verb)
	}
	for _, width := range []int64{1280, 390} {
		theme := map[int64]string{1280: "dark", 390: "light"}[width]
		for _, path := range []string{"/servers", "/servers/one"} {
			s.do(path, chromedp.EmulateViewport(width, 844), chromedp.Navigate(s.url(path)))
			running := "stop"
			if path == "/servers" { // the list has no Stop
				running = "restart"
				s.Done(t, "stop", "one")
				s.until("the button is focused", button("one", "start")+`.focus(), `+focused("start"))
			} else {
				s.until("the button is focused", button("one", "stop")+`.focus(), `+focused("stop"))
				s.do("stop by keyboard", chromedp.KeyEvent("\r"))
			}
			s.until("the focus is on Start", focused("start"))
			s.picture(fmt.Sprintf("focus-%d", width))
			ask[bool](page, `new Promise((r) => setTimeout(r, 750, true))`) // long enough not to count as a double click
			s.do("start by keyboard", chromedp.KeyEvent("\r"))
			s.until("the focus is on "+running, focused(running))
			stage.Until(t, "one runs", func() bool { v, _ := s.Server("one"); return v.State == "running" })
		}
		s.until("the copy button is shown", `!document.querySelector("main [data-copy-text]").hidden`)
		ask[bool](page, `document.addEventListener("copy", () => window.copied = getSelection().toString()), true`)
		s.do("copy the address", chromedp.Click(chromedp.CSS(`main [data-copy-text]`)))
		s.until("the address is copied without a secure context",
			`!isSecureContext && window.copied === document.querySelector("main [data-copy-text]").dataset.copyText &&
			document.querySelector("[data-copied=true]") !== null`)
		s.picture(fmt.Sprintf("copied-%d", width))
		ask[bool](page, fmt.Sprintf(`(document.querySelector('[data-themes] [value="%s"]').click(), true)`, theme))
		s.until("the theme changes without a reload",
			fmt.Sprintf(`document.documentElement.dataset.theme === "%s" && window.copied !== undefined`, theme))
	}
	if v, _ := s.Server("two"); v.State != "stopped" {
		t.Errorf("after a double click on Stop the server is %s", v.State)
	}
}
