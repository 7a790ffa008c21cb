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

// An upload that is cut goes on where it was: by itself when left4me is killed and
// comes again, and after a reload when the same file is chosen again.
func TestAnUploadThatIsCutGoesOn(t *testing.T) {
	s := open(t, 33400)
	s.Env = append(s.Env, "LEFT4ME_LISTEN="+s.Address) // it comes again where the page looks for it
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
	s.until("a piece has come, another is on its way", done+" > 0.4")
	s.Kill()
	s.until("the person is told",
		`document.querySelector("[data-sending] [data-problem]").innerText.includes("Connection lost. Trying again")`)
	s.picture("upload-cut")
	s.accessible("an upload that is cut")
	s.Serve(t)
	s.until("it goes on by itself", done+` > 0.5 && document.querySelector("[data-sending] [data-problem]").innerText === ""`)

	s.do("reload", chromedp.Reload())
	s.until("it knows what has come",
		`document.querySelector(".upload h2")?.innerText === "Continue an upload" && /\d+\.\d MB of/.test(document.querySelector(".upload").innerText)`)
	s.everywhere("upload-go-on", s.path())
	s.slow(-1)
	s.do("its page", chromedp.Navigate(s.url(s.path())))
	s.until("what is sent is counted", `(() => {
		const send = XMLHttpRequest.prototype.send;
		sessionStorage.sent = 0;
		XMLHttpRequest.prototype.send = function (body) { sessionStorage.sent = Number(sessionStorage.sent) + (body?.size ?? 0); return send.call(this, body); };
		return true;
	})()`)
	s.do("choose again", chromedp.SetUploadFiles(chromedp.CSS(`input[name="file"]`), []string{file}))
	s.until("the plan", `document.querySelector(".plan")?.innerText.includes("noise.smx")`)
	s.until("only what was missing was sent", `Number(sessionStorage.sent) > 0 && Number(sessionStorage.sent) <= 16 * 1024 * 1024`)
	s.do("publish", chromedp.Click(chromedp.CSS("form[action$=publish] .primary")), chromedp.WaitVisible(chromedp.CSS("#overlay-head")))
	s.until("it is a revision", `document.querySelector("#overlay-head").innerText.includes("revision 1")`)
	found, err := filepath.Glob(filepath.Join(s.Root, "overlays", "plugins", "1", "left4dead2", "addons", "sourcemod", "plugins",
		"noise.smx"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	if got, err := os.ReadFile(found[0]); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes came, and not the ones that were sent (%v)", len(got), err)
	}
	s.behindAProxy(file)
}

// Where an upload goes is a tree in which folders are moved by the keyboard, also on a
// phone; what was moved is listed on the overlay.
func TestFoldersOfAnUploadAreMoved(t *testing.T) {
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
	s.until("it asks", `document.querySelector(".asks")?.innerText.includes("extra/first.ini")`)
	s.do("answer", chromedp.Click(chromedp.CSS(".asks form button:nth-of-type(2)")))
	s.until("both files are moved", `document.querySelector(".asks") === null && document.querySelectorAll(".moved li").length === 2`)
	row := `input[name="folder"][value="old settings"] ~ `
	s.do("move by keyboard", chromedp.Focus(chromedp.CSS(row+"select")), chromedp.SendKeys(chromedp.CSS(row+"select"), "leave"),
		chromedp.SendKeys(chromedp.CSS(row+"select"), "\t\r"))
	s.until("it is left out",
		`document.querySelectorAll(".moved li").length === 3 && [...document.querySelectorAll(".branch")].some(e => e.innerText.includes("old settings/") && e.innerText.includes("left out"))`)
	s.everywhere("upload-tree", page)
	s.do("publish", chromedp.Navigate(s.url(page)), chromedp.Click(chromedp.CSS("form[action$=publish] .primary")),
		chromedp.WaitVisible(chromedp.CSS("#overlay-head")))
	s.until("it is a revision", `document.querySelector("#overlay-head").innerText.includes("revision 1")`)
	s.everywhere("overlay-moved", "/overlays/pack/settings")
	s.do("forget", chromedp.Navigate(s.url("/overlays/pack/settings")), chromedp.Click(chromedp.CSS(`[aria-label="Forget old settings"]`)))
	s.until("it is forgotten",
		`document.querySelectorAll(".moved li").length === 2 && !document.querySelector(".moved").innerText.includes("old settings")`)
}

// proxy passes requests on, refuses long ones as nginx does unless it is told
// otherwise, and has pages of its own.
type proxy struct {
	mu      sync.Mutex
	page    int // the status of the page that it answers with; 0: none
	refused int
	longest int64 // of the bodies that passed
	cut     func()
}

func (p *proxy) answer(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.page = status
}

// through begins a proxy before the panel, which the browser uses from then on.
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
		_, _ = io.Copy(io.Discard, r.Body) // nginx does so too
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<html><h1>%d of a proxy</h1></html>", status)
	}))
	s.t.Cleanup(func() { web.CloseClientConnections(); web.Close() })
	s.Address = web.Listener.Addr().String()
	p.cut = web.CloseClientConnections
	return p
}

// Behind a proxy with the limits of a new nginx an upload gets through, and what
// the proxy says itself is named.
func (s *site) behindAProxy(file string) {
	s.t.Helper()
	p := s.through() // cookies are for all ports of a host: the session stays
	s.do("choose", chromedp.Navigate(s.url("/overlays/plugins/upload")),
		chromedp.SetUploadFiles(chromedp.CSS(`input[name="file"]`), []string{file}))
	s.until("the plan", `document.querySelector(".plan")?.innerText.includes("noise.smx")`)
	p.mu.Lock()
	if p.refused != 1 || p.longest != 1<<20 {
		s.t.Errorf("%d pieces were refused; the longest that passed had %d bytes", p.refused, p.longest)
	}
	p.mu.Unlock()

	says := func(text string) string {
		return `document.querySelector("[data-sending] [data-problem]").innerText.includes(` + strconv.Quote(text) + `)`
	}
	s.do("its page", chromedp.Navigate(s.url("/overlays/plugins/upload")))
	p.answer(http.StatusBadGateway)
	s.do("choose", chromedp.SetUploadFiles(chromedp.CSS(`input[name="file"]`), []string{file}))
	s.until("it says what is in the way", says("A proxy between the browser and left4me cannot reach left4me (status 502)"))
	s.picture("upload-proxy-wide")
	s.accessible("an upload behind a proxy")
	s.do("a phone", chromedp.EmulateViewport(360, 844))
	if wide, err := chromedp.Run(s.ctx, chromedp.Evaluate[int64]("document.documentElement.scrollWidth")); err != nil || wide > 360 {
		s.t.Errorf("it is %d px wide (%v)", wide, err)
	}
	s.picture("upload-proxy-narrow")
	p.answer(http.StatusOK)
	s.until("a login page ends it", says("If a proxy requires a login"))
	p.answer(0)
	s.do("a form", chromedp.Navigate(s.url("/game")), chromedp.WaitVisible(chromedp.CSS(`form[action="/game/check"] button`)))
	for status, text := range map[int]string{
		http.StatusGatewayTimeout: "timed out (status 504)",
		http.StatusOK:             "If a proxy requires a login",
	} {
		p.answer(status)
		// Its stream may have ended meanwhile; what a form says stays all the same.
		s.until("the form says it", `(() => {
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
	s.until("the bar says who answers", bar("A proxy between the browser and left4me cannot reach left4me (status 502)"))
	s.picture("bar-proxy-narrow")
	p.answer(http.StatusOK)
	s.until("and who does then", bar("If a proxy requires a login"))
	p.answer(0)
	s.until("the bar goes", `document.getElementById("connection").hidden`)
}

// slow bounds how many bytes a second the browser sends; -1 bounds nothing.
func (s *site) slow(rate float64) {
	s.t.Helper()
	s.do("the network", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
			MatchedNetworkConditions: []*network.Conditions{{DownloadThroughput: -1, UploadThroughput: rate}},
		})
		return err
	}))
}

// path is where the browser is.
func (s *site) path() string {
	s.t.Helper()
	path, err := chromedp.Run(s.ctx, chromedp.Evaluate[string]("location.pathname + location.search"))
	if err != nil {
		s.t.Fatal(err)
	}
	return path
}
