//go:build panel

package panel

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/left4me/left4me/test/stage"
)

// TestPanelDeleteAndRestore deletes a server and restores it; its port is in use by then. Then it restores
// the server from a backup: as a copy, and in place of the present one.
func TestPanelDeleteAndRestore(t *testing.T) {
	s := open(t, 32300)
	s.login()
	s.Create(t, "alpha", nil)
	s.Done(t, "start", "alpha")
	wrote := func(server string) string {
		return filepath.Join(s.Root, "runtime", server, "upper", "left4dead2", "bans.txt")
	}
	if err := os.WriteFile(wrote("alpha"), []byte("banned"), 0o660); err != nil {
		t.Fatal(err)
	}
	before, _ := s.Server("alpha")
	s.do("delete", chromedp.Navigate(s.url("/servers/alpha/delete")), chromedp.SendKeys(chromedp.CSS("#confirm"), "alpha"))
	s.shows("You can restore the server for 7 days")
	s.do("confirm", chromedp.Submit(chromedp.CSS("#confirm")))
	stage.Until(t, "the server is deleted", func() bool { _, there := s.Server("alpha"); return !there })

	s.Must(t, "POST", "/servers", map[string]any{"name": "beta", "port": before.Port}, nil)
	s.do("the list of servers", chromedp.Navigate(s.url("/servers")), chromedp.Click(chromedp.CSS(`#deleted-link a`)))
	s.until("the deleted server is listed", `document.querySelector("#deleted-servers tbody")?.innerText.includes("alpha")`)
	s.shows("is in use: it is restored with a free port")
	s.everywhere("deleted-servers", "/deleted-servers")
	s.do("restore", chromedp.Navigate(s.url("/deleted-servers")), chromedp.Click(chromedp.CSS(`[aria-label="Restore server alpha"]`)))
	s.until("its page is shown", `location.pathname === "/servers/alpha"`)
	s.Done(t, "start", "alpha")
	if b, err := os.ReadFile(wrote("alpha")); string(b) != "banned" {
		t.Errorf("the file of the restored server contains %q, %v", b, err)
	}
	s.Done(t, "stop", "alpha")

	var job stage.Job
	s.Must(t, "POST", "/backups", nil, &job)
	s.Ended(t, job.ID)
	s.do("the backup", chromedp.Navigate(s.url("/backups")), chromedp.Click(chromedp.CSS(`#backups a[aria-label^="Restore servers"]`)))
	s.until("its contents are listed", `document.querySelector("#backup-parts tbody")?.innerText.includes("alpha")`)
	var all []struct{ Name string }
	s.Must(t, "GET", "/backups", nil, &all)
	page := "/backups/" + all[0].Name
	s.everywhere("backup-contents", page)
	restore := func(label, confirm string) {
		t.Helper()
		s.do(label, chromedp.Navigate(s.url(page)), chromedp.Click(chromedp.CSS(`[aria-label="`+label+`"]`)))
		if confirm != "" {
			s.do("confirm", chromedp.SendKeys(chromedp.CSS("#confirm"), confirm), chromedp.Submit(chromedp.CSS("#confirm")))
		}
		s.until("the job is shown", `location.pathname.startsWith("/jobs/")`)
	}
	restore("Restore alpha under a free name", "")
	stage.Until(t, "the copy exists", func() bool { _, there := s.Server("alpha-2"); return there })
	s.Done(t, "start", "alpha-2")
	if b, err := os.ReadFile(wrote("alpha-2")); string(b) != "banned" {
		t.Errorf("the file of the copy contains %q, %v", b, err)
	}
	if err := os.WriteFile(wrote("alpha"), []byte("changed"), 0o660); err != nil {
		t.Fatal(err)
	}
	restore("Replace alpha with its state in the backup", "alpha")
	s.do("the deleted servers", chromedp.Navigate(s.url("/deleted-servers")))
	s.until("the replaced server can be restored", `document.querySelector("#deleted-servers tbody")?.innerText.includes("alpha")`)
	s.until("the replaced server is deleted", `!(document.querySelector("#deleted-servers tbody")?.innerText ?? "").includes("backup")`)
	stage.Until(t, "the server of the backup is there", func() bool { _, there := s.Server("alpha"); return there })
	s.Done(t, "start", "alpha")
	if b, err := os.ReadFile(wrote("alpha")); string(b) != "banned" {
		t.Errorf("the file of the replaced server contains %q, %v", b, err)
	}
	for _, name := range []string{"alpha", "alpha-2"} {
		s.Done(t, "stop", name)
	}
}
