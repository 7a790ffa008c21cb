//go:build panel

package panel

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// An interrupted upload is resumed: automatically when left4me restarts after a kill, and after a
// reload when the user chooses the same file again.
func TestInterruptedUploadResumes(t *testing.T) {
	s := open(t, 33400)
	s.Env = append(s.Env, "LEFT4ME_LISTEN="+s.Address) // the next left4me must have the same address
	s.login()
	s.Must(t, http.MethodPost, "/overlays", map[string]any{"name": "plugins", "kind": "files"}, nil)
	data := make([]byte, 24<<20) // three pieces
	if _, err := rand.Read(data); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "noise.smx")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	done := `document.querySelector("[data-sending] progress").value`
	s.slow(6 << 20)
	s.do("choose", chromedp.Navigate(s.url("/overlays/plugins/upload")),
		chromedp.SetUploadFiles(chromedp.CSS(`input[name="file"]`), []string{file}))
	s.until("the first piece is received and the second is being sent", done+" > 0.4")
	s.Kill()
	s.until("the page reports the lost connection",
		`document.querySelector("[data-sending] [data-problem]").innerText.includes("Connection lost. Trying again")`)
	s.picture("upload-cut")
	s.accessible("an interrupted upload")
	s.Serve(t)
	s.until("the upload is resumed automatically",
		done+` > 0.5 && document.querySelector("[data-sending] [data-problem]").innerText === ""`)

	s.do("reload", chromedp.Reload())
	s.until("the page shows how much was received",
		`document.querySelector(".upload h2")?.innerText === "Continue an upload" && /\d+\.\d MB of/.test(document.querySelector(".upload").innerText)`)
	s.everywhere("upload-go-on", s.path())
	s.slow(-1)
	s.do("its page", chromedp.Navigate(s.url(s.path())))
	s.until("the bytes sent are counted", `(() => {
		const send = XMLHttpRequest.prototype.send;
		sessionStorage.sent = 0;
		XMLHttpRequest.prototype.send = function (body) { sessionStorage.sent = Number(sessionStorage.sent) + (body?.size ?? 0); return send.call(this, body); };
		return true;
	})()`)
	s.do("choose again", chromedp.SetUploadFiles(chromedp.CSS(`input[name="file"]`), []string{file}))
	s.until("the plan", `document.querySelector(".plan")?.innerText.includes("noise.smx")`)
	s.until("only the missing part was sent", `Number(sessionStorage.sent) > 0 && Number(sessionStorage.sent) <= 16 * 1024 * 1024`)
	s.do("publish", chromedp.Click(chromedp.CSS("form[action$=publish] .primary")), chromedp.WaitVisible(chromedp.CSS("#overlay-head")))
	s.until("the revision is published", `document.querySelector("#overlay-head").innerText.includes("revision 1")`)
	found, err := filepath.Glob(filepath.Join(s.Root, "overlays", "plugins", "1", "left4dead2", "addons", "sourcemod", "plugins",
		"noise.smx"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	if got, err := os.ReadFile(found[0]); err != nil || !bytes.Equal(got, data) {
		t.Errorf("the %d bytes received differ from those sent (%v)", len(got), err)
	}
	s.behindAProxy(file)
}

// The places of uploaded files are shown as a tree. Folders can be moved with the keyboard, also on
// a phone, and the overlay lists the moves.
func TestPanelMovesUploadedFolders(t *testing.T) {
	s := open(t, 34600)
	s.login()
	s.Must(t, http.MethodPost, "/overlays", map[string]any{"name": "pack", "kind": "files"}, nil)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, data := range map[string]string{
		"addons/sourcemod/plugins/vote.smx": "FFPS", "addons/sourcemod/configs/vote.cfg": "\"Vote\"\n{\n}\n", "readme.md": "read me",
		"old settings/server.cfg": "hostname old\n",
		"old settings/a folder with a rather long name of its own/another one/more.cfg": "sv_tags a\n", "extra/first.ini": "one\n",
		"extra/second.ini": "two\n", "extra/picture.png": "\x89PNG",
	} {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "pack.zip")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	s.do("choose", chromedp.Navigate(s.url("/overlays/pack/upload")),
		chromedp.SetUploadFiles(chromedp.CSS(`input[name="file"]`), []string{file}))
	s.until("the tree", `document.querySelector(".plan .tree")?.innerText.includes("old settings/")`)
	page := s.path()
	s.until("the page asks a question", `document.querySelector(".asks")?.innerText.includes("extra/first.ini")`)
	s.do("answer the question", chromedp.Click(chromedp.CSS(".asks form button:nth-of-type(2)")))
	s.until("both files are moved", `document.querySelector(".asks") === null && document.querySelectorAll(".moved li").length === 2`)
	row := `input[name="folder"][value="old settings"] ~ `
	s.do("move by keyboard", chromedp.Focus(chromedp.CSS(row+"select")), chromedp.SendKeys(chromedp.CSS(row+"select"), "leave"),
		chromedp.SendKeys(chromedp.CSS(row+"select"), "\t\r"))
	s.until("the file is left out",
		`document.querySelectorAll(".moved li").length === 3 && [...document.querySelectorAll(".branch")].some(e => e.innerText.includes("old settings/") && e.innerText.includes("left out"))`)
	s.everywhere("upload-tree", page)
	s.do("publish", chromedp.Navigate(s.url(page)), chromedp.Click(chromedp.CSS("form[action$=publish] .primary")),
		chromedp.WaitVisible(chromedp.CSS("#overlay-head")))
	s.until("the revision is published", `document.querySelector("#overlay-head").innerText.includes("revision 1")`)
	s.everywhere("overlay-moved", "/overlays/pack/settings")
	s.do("forget", chromedp.Navigate(s.url("/overlays/pack/settings")), chromedp.Click(chromedp.CSS(`[aria-label="Forget old settings"]`)))
	s.until("the move is forgotten",
		`document.querySelectorAll(".moved li").length === 2 && !document.querySelector(".moved").innerText.includes("old settings")`)
}

// proxy forwards requests to the panel. It refuses bodies over 1 MiB, the default limit of nginx,
// and can answer with an error page instead.
type proxy struct {
	mu      sync.Mutex
	page    int // status of the page to answer with; 0: forward the request
	refused int
	longest int64 // length of the longest body forwarded
	cut     func()
}

func (p *proxy) answer(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.page = status
}

// through starts a proxy and makes the browser use the panel through it from then on.
func (s *site) through() *proxy {
	s.t.Helper()
	p := &proxy{}
	to := &url.URL{Scheme: "http", Host: s.Address}
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host }, FlushInterval: -1}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		status := p.page
		switch tooLong := r.ContentLength > 1<<20; {
		case status == 0 && tooLong:
			p.refused++
			status = http.StatusRequestEntityTooLarge
		case status == 0:
			p.longest = max(p.longest, r.ContentLength)
		}
		p.mu.Unlock()
		if status == 0 {
			pass.ServeHTTP(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body) // as nginx does
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<html><h1>%d of a proxy</h1></html>", status)
	}))
	s.t.Cleanup(func() { web.CloseClientConnections(); web.Close() })
	s.Address = web.Listener.Addr().String()
	p.cut = web.CloseClientConnections
	return p
}

// Behind a proxy with the default limits of nginx, an upload succeeds, and errors of the proxy are
// attributed to the proxy.
func (s *site) behindAProxy(file string) {
	s.t.Helper()
	p := s.through() // cookies apply to all ports of a host, so the session remains
	s.do("choose", chromedp.Navigate(s.url("/overlays/plugins/upload")),
		chromedp.SetUploadFiles(chromedp.CSS(`input[name="file"]`), []string{file}))
	s.until("the plan", `document.querySelector(".plan")?.innerText.includes("noise.smx")`)
	p.mu.Lock()
	if p.refused != 1 || p.longest != 1<<20 {
		s.t.Errorf("got %d refused pieces and a longest forwarded body of %d bytes, want 1 and 1 MiB", p.refused, p.longest)
	}
	p.mu.Unlock()

	says := func(text string) string {
		return `document.querySelector("[data-sending] [data-problem]").innerText.includes(` + strconv.Quote(text) + `)`
	}
	s.do("its page", chromedp.Navigate(s.url("/overlays/plugins/upload")))
	p.answer(http.StatusBadGateway)
	s.do("choose", chromedp.SetUploadFiles(chromedp.CSS(`input[name="file"]`), []string{file}))
	s.until("the page reports the proxy's error", says("A proxy between the browser and left4me cannot reach left4me (status 502)"))
	s.picture("upload-proxy-wide")
	s.accessible("an upload behind a proxy")
	s.do("a phone", chromedp.EmulateViewport(360, 844))
	if wide, err := chromedp.Run(s.ctx, chromedp.Evaluate[int64]("document.documentElement.scrollWidth")); err != nil || wide > 360 {
		s.t.Errorf("the page is %d px wide (%v), want at most 360", wide, err)
	}
	s.picture("upload-proxy-narrow")
	p.answer(http.StatusOK)
	s.until("a login page of a proxy stops the upload", says("If a proxy requires a login"))
	p.answer(0)
	s.do("a form", chromedp.Navigate(s.url("/game")), chromedp.WaitVisible(chromedp.CSS(`form[action="/game/check"] button`)))
	for status, text := range map[int]string{
		http.StatusGatewayTimeout: "timed out (status 504)",
		http.StatusOK:             "If a proxy requires a login",
	} {
		p.answer(status)
		// The page's stream may have ended in the meantime; the message of the form must remain
		// visible.
		s.until("the form reports the proxy's error", `(() => {
			const box = document.getElementById("notice"), found = box.innerText.includes(`+strconv.Quote(text)+`);
			if (!found) document.querySelector('form[action="/game/check"] button').click();
			return found;
		})()`)
	}
	s.picture("form-proxy")

	bar := func(text string) string {
		return `(bar => !bar.hidden && bar.innerText.includes(` + strconv.Quote(text) + `))(document.getElementById("connection"))`
	}
	p.answer(http.StatusBadGateway)
	p.cut()
	s.until("the bar reports the proxy's error", bar("A proxy between the browser and left4me cannot reach left4me (status 502)"))
	s.picture("bar-proxy-narrow")
	p.answer(http.StatusOK)
	s.until("the bar names the login page of the proxy", bar("If a proxy requires a login"))
	p.answer(0)
	s.until("the bar disappears", `document.getElementById("connection").hidden`)
}

// slow limits the browser's upload rate to rate bytes per second; -1 removes the limit.
func (s *site) slow(rate float64) {
	s.t.Helper()
	s.do("limit the network speed", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
			MatchedNetworkConditions: []*network.Conditions{{DownloadThroughput: -1, UploadThroughput: rate}},
		})
		return err
	}))
}

// path returns the path and query of the current page.
func (s *site) path() string {
	s.t.Helper()
	path, err := chromedp.Run(s.ctx, chromedp.Evaluate[string]("location.pathname + location.search"))
	if err != nil {
		s.t.Fatal(err)
	}
	return path
}
