//go:build panel

package panel

import (
	"bytes"
	"context"
	"crypto/rand"
	"net/http"
	"os"
	"path/filepath"
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
	s.do("choose", chromedp.Navigate(s.url("/overlays/plugins/upload")), chromedp.SetUploadFiles(chromedp.CSS(`input[name="file"]`), []string{file}))
	s.until("a piece has come, another is on its way", done+" > 0.4")
	s.Kill()
	s.until("the person is told", `document.querySelector("[data-sending] [data-problem]").innerText.includes("Connection lost. Trying again")`)
	s.picture("upload-cut")
	s.accessible("an upload that is cut")
	s.Serve(t)
	s.until("it goes on by itself", done+` > 0.5 && document.querySelector("[data-sending] [data-problem]").innerText === ""`)

	s.do("reload", chromedp.Reload())
	s.until("it knows what has come", `document.querySelector(".upload h2")?.innerText === "Go on with an upload" && /\d+\.\d MB of/.test(document.querySelector(".upload").innerText)`)
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
	found, err := filepath.Glob(filepath.Join(s.Root, "overlays", "plugins", "1", "left4dead2", "addons", "sourcemod", "plugins", "noise.smx"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	if got, err := os.ReadFile(found[0]); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes came, and not the ones that were sent (%v)", len(got), err)
	}
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
