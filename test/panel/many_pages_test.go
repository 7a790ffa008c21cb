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

// tab is one open page of the browser.
type tab struct {
	*site
	path  string
	close context.CancelFunc
}

// tab opens a page in a tab of its own, which runs a script before any other.
func (s *site) tab(path, script string) *tab {
	s.t.Helper()
	other := *s
	t := &tab{site: &other, path: path}
	t.ctx, t.close = chromedp.NewContext(s.ctx)
	s.t.Cleanup(t.close)
	if err := chromedp.Do(t.ctx); err != nil { // it lives as long as the context of the first call
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

// ask evaluates a script, which may be a promise.
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

// shownBy is what each page shows of a server in a state.
var shownBy = map[string]string{
	"/servers":               `document.querySelector("#server-alpha .state .badge").innerText.toLowerCase()`,
	"/servers/alpha":         `document.querySelector("#server-state").innerText.toLowerCase()`,
	"/servers/alpha/console": `document.querySelector("#server-state").innerText.toLowerCase()`,
}

// reach brings the server into a state and says how long the slowest page took to
// show it.
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
	done := time.Now().UnixMilli() // the state was there before
	for i, t := range tabs {
		t.until(fmt.Sprintf("page %d, %s, shows that it is %s", i, t.path, state), "window.seen > 0")
		slowest = max(slowest, ask[int64](t, "window.seen"))
	}
	s.t.Logf("%s: %d ms until the job was done, the last of %d pages showed it %d ms after that", verb, done-began, len(tabs), slowest-done)
	return time.Duration(slowest-done) * time.Millisecond
}

// follows checks that all pages show a change within a second. A machine that is
// busy with something else gets a second and a third change.
func follows(s *site, tabs []*tab) {
	s.t.Helper()
	for range 3 {
		if reach(s, tabs, "start", "running") < time.Second && reach(s, tabs, "stop", "stopped") < time.Second {
			return
		}
		s.Done(s.t, "stop", "alpha")
	}
	s.t.Errorf("%d pages: none of three changes was on all of them within a second", len(tabs))
}

// answers checks that a form of each page is answered.
func answers(s *site, tabs []*tab) {
	s.t.Helper()
	for i, t := range tabs {
		status := ask[int](t, `(async () => {
			const form = document.querySelector("form[data-themes]");
			const body = new URLSearchParams({theme: "dark"});
			return (await fetch(form.action, {method: "POST", body, headers: {"X-Left4me": "live"}, signal: AbortSignal.timeout(5000)})).status;
		})()`)
		if status != http.StatusNoContent {
			s.t.Errorf("a form of page %d, %s, was answered %d", i, t.path, status)
		}
	}
}

var followed = []string{"/servers", "/servers/alpha", "/servers/alpha/console"}

// Twenty pages of one browser over HTTP/1.1, whose six connections to a host would
// be taken by six streams; when pages go and come back, when left4me restarts, and
// when somebody else logs in.
func TestManyPagesOfOneBrowser(t *testing.T) {
	s := open(t, 33700)
	s.Create(t, "alpha", nil)
	s.Must(t, http.MethodPost, "/users", map[string]any{"name": "guest", "password": password}, nil)
	s.login()
	var tabs []*tab
	for i := range 20 {
		tabs = append(tabs, s.tab(followed[i%len(followed)], ""))
	}
	if ask[bool](tabs[0], "isSecureContext") {
		t.Fatal("this is a secure context, which most people don't have")
	}
	follows(s, tabs)
	answers(s, tabs)

	// Pages go in any order, others come.
	for _, i := range []int{0, 3, 7, 8, 19} {
		tabs[i].close()
	}
	rest := append(append(append([]*tab{}, tabs[1:3]...), tabs[4:7]...), tabs[9:19]...)
	for _, i := range []int{0, 5, 11} {
		rest[i].do("reload", chromedp.Reload())
	}
	rest[2].do("to another page", chromedp.Navigate(s.url("/jobs")))
	ask[bool](rest[2], `setTimeout(() => history.back()), true`) // the browser may have kept the page, and loads nothing then
	rest[2].until("it is back", `location.pathname === "`+rest[2].path+`"`)
	rest = append(rest, s.tab("/servers", ""), s.tab("/servers/alpha", ""))
	follows(s, rest)
	answers(s, rest)

	// A restart of left4me.
	s.Stop()
	s.Env = append(s.Env, "LEFT4ME_LISTEN="+s.Address)
	s.Serve(t)
	follows(s, rest)

	// Signed out: all pages say so, and show nothing of who comes next.
	mark := `window.before = document.querySelector("main").innerHTML; window.changed = false;
		new MutationObserver(() => window.changed = true).observe(document.querySelector("#server-state, #servers"), {subtree: true, childList: true, characterData: true}); true`
	for _, t := range rest[1:] {
		ask[bool](t, mark)
	}
	rest[0].do("log out", chromedp.Click(chromedp.CSS(`form[action="/logout"] button`)),
		chromedp.WaitVisible(chromedp.CSS(`input[name="password"]`)))
	rest[0].do("log in as another", chromedp.SendKeys(chromedp.CSS(`input[name="name"]`), "guest"),
		chromedp.SendKeys(chromedp.CSS(`input[name="password"]`), password),
		chromedp.Submit(chromedp.CSS(`input[name="password"]`)), chromedp.WaitVisible(chromedp.CSS("#servers")))
	for _, t := range rest[1:] {
		t.until("it says that the session has ended", `document.getElementById("connection").innerText.includes("You have been logged out")`)
	}
	follows(s, []*tab{{site: rest[0].site, path: "/servers"}})
	for i, t := range rest[1:] {
		if ask[bool](t, "window.changed") {
			t.t.Errorf("page %d of the session before, %s, shows what goes on", i, t.path)
		}
	}
}

// unshared takes SharedWorker away, as in Chrome for Android before version 148, and lets a test say
// whether anybody sees the page.
const unshared = `delete window.SharedWorker; window.isHidden = true;
	Object.defineProperty(document, "hidden", {get: () => window.isHidden});`

// seen says whether somebody sees the page.
func (t *tab) seen(yes bool) {
	t.t.Helper()
	ask[bool](t, fmt.Sprintf(`window.isHidden = %t; document.dispatchEvent(new Event("visibilitychange")); true`, !yes))
}

// Where pages can't share a stream, only the page that somebody sees has one.
func TestManyPagesWithoutSharedWorkers(t *testing.T) {
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
	for range 2 { // while nobody looks, and while somebody does
		s.Done(t, "start", "alpha")
		s.Done(t, "stop", "alpha")
		starts++
		console.seen(true)
		console.until("the console shows each start once",
			fmt.Sprintf(`window.mine.innerText.split("Network: IP").length - 1 === %d`, starts))
		console.until("it shows the state", shownBy[console.path]+`.includes("stopped")`)
		console.seen(false)
	}
}

// What people press, with the mouse and on the keyboard, on a screen and on a phone.
func TestButtonsDoWhatIsPressed(t *testing.T) {
	s := open(t, 33900)
	names := []string{"one", "two", "three", "four", "five"}
	for _, name := range names {
		s.Create(t, name, nil)
	}
	s.login()
	page := &tab{site: s, path: "/servers"}
	button := func(name, verb string) string {
		return fmt.Sprintf(`document.querySelector('form[action="/servers/%s/%s"] button')`, name, verb)
	}
	// A double click would hit the next button in its place.
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
	ask[bool](page, `(async () => {
		const button = () => document.querySelector("#server-two .acts button");
		button().click();
		for (let i = 0; i < 6; i++) {
			await new Promise((r) => setTimeout(r, 100));
			button()?.click(); // Stop, nothing, or Start
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
			s.until("the button is focused", button("one", "stop")+`.focus(), `+focused("stop"))
			s.do("stop by keyboard", chromedp.KeyEvent("\r"))
			s.until("the focus is on Start", focused("start"))
			s.picture(fmt.Sprintf("focus-%d", width))
			ask[bool](page, `new Promise((r) => setTimeout(r, 750, true))`) // this is no double click
			s.do("start by keyboard", chromedp.KeyEvent("\r"))
			s.until("the focus is on Stop", focused("stop"))
			stage.Until(t, "one runs", func() bool { v, _ := s.Server("one"); return v.State == "running" })
		}
		s.until("its copy button is there", `!document.querySelector("[data-copy]").hidden`)
		ask[bool](page, `document.addEventListener("copy", () => window.copied = getSelection().toString()), true`)
		s.do("copy the address", chromedp.Click(chromedp.CSS(`[data-copy="#address"]`)))
		s.until("it is copied, though this is no secure context",
			`!isSecureContext && window.copied === document.querySelector("#address").textContent &&
			document.querySelector('[data-copy="#address"]').innerText.includes("Copied") && document.querySelector("[data-copied=true]") !== null`)
		s.picture(fmt.Sprintf("copied-%d", width))
		ask[bool](page, fmt.Sprintf(`(document.querySelector('[data-themes] [value="%s"]').click(), true)`, theme))
		s.until("the theme is another, without a reload",
			fmt.Sprintf(`document.documentElement.dataset.theme === "%s" && window.copied !== undefined`, theme))
	}
	if v, _ := s.Server("two"); v.State != "stopped" {
		t.Errorf("a double click on Stop leaves it %s", v.State)
	}
}
