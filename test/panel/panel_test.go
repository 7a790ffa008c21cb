//go:build panel

// These tests drive the panel in a real browser. They query the servers started there with
// independent clients: quakestat from Debian, gamedig from npm, and gorcon/rcon.
package panel

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/gorcon/rcon"

	"github.com/left4me/left4me/test/stage"
)

// plainHost is a name under which browsers do not treat the panel as localhost. Over plain HTTP it
// is not a secure context, as in most installations.
const plainHost = "panel.test"

const password = "correct horse battery"

func TestMain(m *testing.M) {
	code := m.Run()
	stage.Clean()
	os.Exit(code)
}

// site is a left4me with an administrator, and a fresh browser.
type site struct {
	*stage.Stage
	t       *testing.T
	ctx     context.Context
	leaving *leaving
}

func open(t *testing.T, port int, env ...string) *site {
	t.Helper()
	s := &site{Stage: stage.New(t, port, append([]string{"SIM_MAP_LOAD=2s", "SIM_PLAYERS=6", "SIM_TEMPO=20"}, env...)...), t: t}
	s.Serve(t)
	s.Must(t, "POST", "/users", map[string]any{"name": "admin", "password": password, "admin": true}, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	options := []chromedp.ExecAllocatorOption{
		chromedp.Headless, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.ExecPath(chromium(t)),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("host-resolver-rules", "MAP "+plainHost+" 127.0.0.1"),
	}
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	s.ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	// The browser exits with the context of the first call.
	if err := chromedp.Do(s.ctx); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.leaving, err = answerQuestions(s.ctx); err != nil {
		t.Fatal(err)
	}
	return s
}

func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("chromium is missing; script/test-panel installs it")
	return ""
}

// do runs steps in the browser; each step has a time limit of one minute.
func (s *site) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, stage.Patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		s.picture("failed")
		s.t.Fatalf("%s: %v", what, err)
	}
}

func (s *site) url(path string) string {
	_, port, _ := net.SplitHostPort(s.Address)
	return "http://" + plainHost + ":" + port + path
}

// until waits until a script returns true. The page must not reload in the meantime.
func (s *site) until(what, script string) {
	s.t.Helper()
	var is bool
	defer func() { // a failure ends the test
		if !is {
			text, _ := chromedp.Run(s.ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
			s.t.Logf("%s: the page shows\n%s", what, text)
			s.picture("failed")
		}
	}()
	stage.Until(s.t, what, func() bool {
		ok, err := chromedp.Run(s.ctx, chromedp.Evaluate[bool](script))
		is = err == nil && ok
		return is
	})
}

// shows waits until a text is on the page.
func (s *site) shows(text string) {
	s.t.Helper()
	quoted, _ := json.Marshal(strings.ToLower(text))
	s.until("the page shows "+text, "document.body.innerText.toLowerCase().includes("+string(quoted)+")")
}

func (s *site) login() {
	s.t.Helper()
	s.do("log in",
		chromedp.Navigate(s.url("/")),
		chromedp.SendKeys(chromedp.CSS(`input[name="name"]`), "admin"),
		chromedp.SendKeys(chromedp.CSS(`input[name="password"]`), password),
		chromedp.Submit(chromedp.CSS(`input[name="password"]`)),
		chromedp.WaitVisible(chromedp.CSS(`a[href="/servers/new"]`)),
	)
}

// TestPanelServerLifecycle logs in, creates and starts a server, waits until it is ready, runs a
// command, stops and deletes it. Independent clients query the server while it runs.
func TestPanelServerLifecycle(t *testing.T) {
	s := open(t, 28900)
	s.login()
	s.do("create",
		chromedp.Navigate(s.url("/servers/new")),
		chromedp.SendKeys(chromedp.CSS("#name"), "alpha"),
		chromedp.SendKeys(chromedp.CSS("#hostname"), "Friends' night <all> & co"),
		chromedp.SendKeys(chromedp.CSS("#map"), "c2m1_highway"),
		chromedp.Submit(chromedp.CSS("#name")),
		chromedp.WaitVisible(chromedp.CSS("#server-head")),
	)
	// A reload would remove this mark.
	s.until("the page is marked", "window.same = true")
	s.until("the server becomes ready", `document.querySelector("#server-state").innerText.toLowerCase().includes("running")`)
	s.until("players join", `document.querySelectorAll("#server-players tbody tr").length > 0`)
	s.until("the page was not reloaded", "window.same === true")

	v, _ := s.Server("alpha")
	t.Run("quakestat", func(t *testing.T) { quakestat(t, v) })
	t.Run("gamedig", func(t *testing.T) { gamedig(t, v) })
	t.Run("gorcon", func(t *testing.T) { gorcon(t, s.Stage, v) })

	s.do("open the console", chromedp.Navigate(s.url("/servers/alpha/console")))
	s.until("earlier console output is shown", `document.querySelector("#console").innerText.includes("Network: IP")`)
	s.do("run a command", chromedp.SendKeys(chromedp.CSS(`input[name="command"]`), "status\r"))
	s.until("the answer is on the page", `document.body.innerText.includes("udp/ip")`)

	s.do("back to its page", chromedp.Navigate(s.url("/servers/alpha")))
	s.do("stop", chromedp.Click(chromedp.CSS(`form[action="/servers/alpha/stop"] button`)),
		chromedp.WaitVisible(chromedp.CSS(`#bulk-plan button[value="now"]`)), // people are playing
		chromedp.Click(chromedp.CSS(`#bulk-plan button[value="now"]`)), chromedp.WaitVisible(chromedp.CSS("#server-state")))
	s.until("the server stops", `document.querySelector("#server-state").innerText.toLowerCase().includes("stopped")`)
	s.do("delete",
		chromedp.Navigate(s.url("/servers/alpha/delete")),
		chromedp.SendKeys(chromedp.CSS(`input[name="confirm"]`), "alpha"),
		chromedp.Submit(chromedp.CSS(`input[name="confirm"]`)),
	)
	stage.Until(t, "it is gone", func() bool { _, there := s.Server("alpha"); return !there })
	s.do("the list", chromedp.Navigate(s.url("/servers")))
	s.until("the list lacks the name", `!document.body.innerText.includes("alpha")`)
}

func quakestat(t *testing.T, v stage.Server) {
	out := output(t, "quakestat", "-a2s", fmt.Sprintf("127.0.0.1:%d", v.Port), "-P", "-raw", "\x1f")
	f := strings.Split(strings.SplitN(string(out), "\n", 2)[0], "\x1f")
	if len(f) < 5 || f[2] != "Friends' night <all> & co" || f[3] != "c2m1_highway" {
		t.Errorf("got %q", out)
	}
	if len(strings.Split(strings.TrimSpace(string(out)), "\n")) < 2 {
		t.Errorf("the answer lists no players: %q", out)
	}
}

func gamedig(t *testing.T, v stage.Server) {
	script := fmt.Sprintf(`const {GameDig} = require("gamedig");
GameDig.query({type: "l4d2", host: "127.0.0.1", port: %d, requestRules: true, socketTimeout: 5000, maxRetries: 3})
	.then(s => console.log(JSON.stringify({name: s.name, map: s.map, all: s.players.length + s.bots.length, rules: Object.keys(s.raw.rules).length})))`, v.Port)
	c := exec.Command("node", "-e", script)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("got error %v, %s", err, out)
	}
	var got struct {
		Name, Map  string
		All, Rules int
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("got error %v, %s", err, out)
	}
	if got.Name != "Friends' night <all> & co" || got.Map != "c2m1_highway" || got.All == 0 {
		t.Errorf("got %+v", got)
	}
	if got.Rules < 60 { // enough to need more than one datagram
		t.Errorf("got %d rules, want at least 60", got.Rules)
	}
}

func gorcon(t *testing.T, s *stage.Stage, v stage.Server) {
	secret, err := os.ReadFile(filepath.Join(s.Root, "instances", v.Name, "rcon"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := rcon.Dial(fmt.Sprintf("127.0.0.1:%d", v.Port), strings.TrimSpace(string(secret)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	out, err := c.Execute("status")
	if err != nil || !strings.Contains(out, "hostname: Friends' night <all> & co") {
		t.Errorf("got error %v, %q", err, out)
	}
}

func output(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatalf("%s: %v %s", name, err, out)
	}
	return out
}

// TestPagesFitScreen checks the layout of pages in both themes, on a desktop and on a phone. A page
// that is wider than the phone fails the test. LEFT4ME_SCREENSHOTS=DIR saves pictures for visual
// inspection.
func TestPagesFitScreen(t *testing.T) {
	s := open(t, 29000)
	s.login()
	for i, name := range []string{"alpha", "beta-with-a-rather-long-name-that-goes-on-for-quite-a-while-yes"} {
		s.Create(t, name, map[string]any{"hostname": "Friday night, friends welcome" + strings.Repeat(", and theirs", i*8)})
	}
	s.Done(t, "start", "alpha")
	s.Must(t, http.MethodPost, "/blueprints",
		map[string]any{"name": "friday", "overlays": []string{"sourcemod", "custom-campaign"}, "settings": map[string]any{
			"mode": "versus", "region": "europe", "tags": []string{"friends"}, "motd": "Be kind to bots.", "password": "zoey",
		}}, nil)
	s.Must(t, http.MethodPut, "/servers/alpha",
		map[string]any{"blueprint": "friday", "overlays": []string{"competitive-cfg@1"}, "settings": map[string]any{
			"hostname": "Friday night", "tick": 60, "admins": []map[string]any{{"id": "STEAM_1:0:5", "flags": "99:z", "note": "Bill"}},
			"cfg": []string{"sv_alltalk 1"},
		}}, nil)
	s.do("the page without backups", chromedp.EmulateViewport(1280, 844), chromedp.Navigate(s.url("/backups")))
	s.shows("No backups yet")
	s.picture("backups-none")
	backup := s.backUp()
	s.Must(t, http.MethodPost, "/overlays", map[string]any{"name": "mods", "kind": "files"}, nil)
	for range 2 {
		var u struct{ ID string }
		s.Must(t, http.MethodPost, "/overlays/mods/uploads", nil, &u)
		s.Must(t, http.MethodPut, "/uploads/"+u.ID+"/file?path=a-file-with-a-rather-long-name-that-goes-on-for-quite-a-while.vpk&size=5",
			"a", nil)
	}
	s.do("wait for players", chromedp.Navigate(s.url("/servers/alpha")))
	s.until("players join", `document.querySelectorAll("#server-players tbody tr").length > 2`)
	for name, path := range map[string]string{
		"servers": "/servers", "new": "/servers/new", "server": "/servers/alpha", "console": "/servers/alpha/console",
		"settings": "/servers/alpha/settings", "history": "/servers/alpha/history", "delete": "/servers/alpha/delete",
		"doctor": "/doctor", "reach": "/servers/alpha/reach",
		"reach-stopped": "/servers/beta-with-a-rather-long-name-that-goes-on-for-quite-a-while-yes/reach",
		"jobs":          "/jobs", "missing": "/servers/nobody", "game": "/game",
		"blueprints": "/blueprints", "blueprint": "/blueprints/friday", "blueprint-new": "/blueprints/new",
		"blueprint-delete": "/blueprints/friday/delete", "blueprint-rename": "/blueprints/friday/rename",
		"rename":  "/servers/alpha/rename",
		"uploads": "/uploads", "backups": "/backups", "backup-delete": "/backups/" + backup + "/delete",
	} {
		s.everywhere(name, path)
	}
}

// everywhere opens a page in both themes, on a desktop and on phones. It fails the test if the page
// is wider than the phone or axe-core reports a problem.
func (s *site) everywhere(name, path string) {
	s.t.Helper()
	for _, theme := range []string{"dark", "light"} {
		for _, width := range []int64{360, 390, 1280} {
			s.do("size", chromedp.EmulateViewport(width, 844), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
				_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}},
				})
				return err
			}))
			s.do(path, chromedp.Navigate(s.url(path)))
			wide, err := chromedp.Run(s.ctx, chromedp.Evaluate[int64]("document.documentElement.scrollWidth"))
			if err != nil || wide > width {
				s.t.Errorf("%s at %d px is %d px wide (%v)", path, width, wide, err)
			}
			if width != 390 {
				s.accessible(fmt.Sprintf("%s, %s, %d px", path, theme, width))
			}
			s.picture(fmt.Sprintf("%s-%s-%d", name, theme, width))
		}
	}
	s.inPseudo(name, path)
}

// inPseudo opens a page on a phone in the pseudo-locale, whose texts have brackets and are 40 % longer,
// and without scripts: the stream of a shared worker would replace parts in English. It is an error if
// the page is wider than the phone or has a text that is not in the catalogue.
func (s *site) inPseudo(name, path string) {
	s.t.Helper()
	set := func(language network.Headers, scripts bool) chromedp.Action[chromedp.Void] {
		return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Call(ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: language})
			if err == nil {
				_, err = chromedp.Call(ctx, emulation.SetScriptExecutionDisabled,
					emulation.SetScriptExecutionDisabledParams{Value: !scripts})
			}
			return err
		})
	}
	s.do(path+" in the pseudo-locale", chromedp.EmulateViewport(360, 844),
		set(network.Headers{"Accept-Language": "en-XA"}, false), chromedp.Navigate(s.url(path)))
	wide, err := chromedp.Run(s.ctx, chromedp.Evaluate[int64]("document.documentElement.scrollWidth"))
	if err != nil || wide > 360 {
		s.t.Errorf("%s in the pseudo-locale is %d px wide, want 360 (%v)", path, wide, err)
	}
	outside, err := chromedp.Run(s.ctx, chromedp.Evaluate[[]string](`(() => {
		const found = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
		for (let n; (n = texts.nextNode()); ) {
			if (!/[A-Za-z]{3,} [a-z]{2,}/.test(n.data) || /⟦|⟧/.test(n.data)) continue;
			if (!n.parentElement.closest("code, pre, bdi, time, script, textarea, noscript, .console")) found.push(n.data.trim());
		}
		return found;
	})()`))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, text := range outside {
		s.t.Errorf("%s: %q is not in the catalogue", path, text)
	}
	s.picture(name + "-pseudo-360")
	s.do("back to English", set(network.Headers{}, true), chromedp.EmulateViewport(1280, 844),
		chromedp.Navigate(s.url(path)))
}

// accessible runs axe-core on the current page, including colour contrast and structure.
func (s *site) accessible(what string) {
	s.t.Helper()
	axe, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		s.t.Fatalf("%v: script/test-panel installs it", err)
	}
	found, err := chromedp.Run(s.ctx, chromedp.Evaluate[[]string](string(axe)+`;
		axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.map(v =>
			v.id + ": " + v.help + ": " + v.nodes.map(n => n.html.slice(0, 200) + " " + n.any.map(a => a.message).join("; ")).join(" | ")))`,
		chromedp.EvalAwaitPromise))
	if err != nil {
		s.t.Fatalf("axe at %s: %v", what, err)
	}
	for _, f := range found {
		s.t.Errorf("%s: %s", what, f)
	}
}

// backUp makes a backup on the backups page, waits until the page shows it without a reload, and
// returns its name.
func (s *site) backUp() string {
	s.t.Helper()
	s.until("the page is marked", "window.same = true")
	s.do("back up", chromedp.Click(chromedp.CSS(`form[action="/backups"] button`)))
	s.until("the backup is listed", `document.querySelector("#backups tbody .good") !== null`)
	name, err := chromedp.Run(s.ctx, chromedp.Evaluate[string](`document.querySelector("#backups tbody code").innerText`))
	if err != nil {
		s.t.Fatal(err)
	}
	return name
}

// TestPanelBackup makes a backup, sets the schedule, and deletes the backup after typing its name.
func TestPanelBackup(t *testing.T) {
	s := open(t, 32800)
	s.login()
	s.do("the page", chromedp.Navigate(s.url("/backups")))
	name := s.backUp()
	s.do("an invalid schedule",
		chromedp.SetValue(chromedp.CSS("#daily"), "many"),
		chromedp.Submit(chromedp.CSS("#daily")),
		chromedp.WaitVisible(chromedp.CSS("#daily-problem")),
	)
	s.picture("backups-problem")
	s.do("another schedule",
		chromedp.SetValue(chromedp.CSS("#daily"), "3"),
		chromedp.Submit(chromedp.CSS("#daily")),
		chromedp.WaitNotPresent(chromedp.CSS("#daily-problem")),
	)
	s.until("the change is saved", `document.querySelector("#daily").value === "3"`)
	s.do("delete",
		chromedp.Navigate(s.url("/backups/"+name+"/delete")),
		chromedp.SendKeys(chromedp.CSS(`input[name="confirm"]`), name),
		chromedp.Submit(chromedp.CSS(`input[name="confirm"]`)),
	)
	s.shows("No backups yet")
}

// picture saves a screenshot if LEFT4ME_SCREENSHOTS is set.
func (s *site) picture(name string) {
	dir := os.Getenv("LEFT4ME_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(s.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)
	}
	if err != nil {
		s.t.Log("picture:", err)
	}
}
