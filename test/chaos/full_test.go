package chaos

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/left4me/left4me/internal/disk/disktest"
	"github.com/left4me/left4me/test/stage"
)

func TestServersStopOnFullDisk(t *testing.T) {
	stage.Build(t) // here, because the small disk has no room for it
	disktest.OnSmall(t, "64m", func(t *testing.T, dir string) {
		t.Setenv("TMPDIR", dir)
		s := stage.New(t, 28900, "SIM_PLAYERS=0", "SIM_MAP_LOAD=10ms")
		// The servers' logs and the queue may be on other disks than the database. The layers of a
		// server must share one disk.
		games, queue := filepath.Join(s.Root, "logs"), filepath.Join(s.Root, "bus")
		disktest.Mount(t, games, "8m", 0o751)
		disktest.Mount(t, queue, "8m", 0o700)
		reserved := func(dir string) bool {
			_, err := os.Stat(filepath.Join(dir, ".left4me-reserve"))
			return err == nil
		}
		s.Serve(t)
		s.Create(t, "alpha", nil)
		s.Done(t, "start", "alpha")
		stage.Until(t, "each disk has its reserve", func() bool { return reserved(s.Root) && reserved(games) })

		// The reserve suffices for ordinary requests.
		disktest.Fill(t, s.Root, 0)
		s.Done(t, "stop", "alpha")
		if reserved(s.Root) || !reserved(games) {
			t.Error("the reserve of the full disk was kept, or that of the other disk released")
		}
		disktest.Empty(t, s.Root)
		s.Done(t, "start", "alpha")

		// Without a reserve, left4me sends the request directly to the host.
		full := func() bool {
			disktest.Fill(t, s.Root, 0)
			status, err := s.Call("POST", "/servers", map[string]any{"name": "beta"}, nil)
			if err == nil {
				s.Must(t, "DELETE", "/servers/beta", nil, nil)
				return false
			}
			if status != http.StatusInsufficientStorage || !strings.Contains(err.Error(), "disk full: "+s.Root) {
				t.Fatalf("on a full disk: %d, %v", status, err)
			}
			return true
		}
		stage.Until(t, "nothing can be written to the disk", full)
		job := s.Ask(t, "stop", "alpha")
		if job = s.Ended(t, job.ID); job.State != "done" || !strings.HasPrefix(job.Steps[0].Note, "the disk is full") ||
			len(s.Games()) > 0 {
			t.Fatalf("%+v, games %v", job, s.Games())
		}
		disktest.Empty(t, s.Root)
		stage.Until(t, "the row of the server is updated", func() bool {
			return strings.Contains(s.Log(), `msg="job ended" job=`+job.ID+` kind=server.stop`)
		})
		s.Done(t, "start", "alpha")

		// The queue's disk is full: left4me sends plain requests to the host and updates the rows.
		for range 2 { // once with the reserve, once without
			disktest.Fill(t, queue, 0)
			s.Done(t, "stop", "alpha")
			s.Done(t, "start", "alpha")
		}
		disktest.Empty(t, queue)

		// The games' disk is full.
		disktest.Fill(t, games, 0)
		s.Done(t, "stop", "alpha")
		s.Done(t, "start", "alpha")
		disktest.Empty(t, games)

		// left4me starts on a full disk, because it releases the reserve first.
		stage.Until(t, "the reserve is recreated", func() bool { return reserved(s.Root) })
		disktest.Fill(t, s.Root, 0)
		s.Kill()
		s.Serve(t)
		if j := s.Ended(t, job.ID); j.State != "done" || j.Steps[0].Note != job.Steps[0].Note {
			t.Errorf("the row of the stop: %+v", j)
		}
		s.Done(t, "stop", "alpha")
		disktest.Empty(t, s.Root)
	})
}

func TestStartOnFullDiskResumesOnceSpaceIsFree(t *testing.T) {
	stage.Build(t) // here, because the small disk has no room for it
	disktest.OnSmall(t, "32m", func(t *testing.T, dir string) {
		t.Setenv("TMPDIR", dir)
		s := stage.New(t, 28950, "SIM_PLAYERS=0", "SIM_MAP_LOAD=10ms", "LEFT4ME_RESERVE=0")
		s.Serve(t)
		s.Must(t, "POST", "/users", map[string]any{"name": "admin", "password": "correct horse battery", "admin": true}, nil)
		for _, name := range []string{"alpha", "beta"} {
			s.Create(t, name, nil)
			s.Done(t, "start", name)
		}
		s.Stop() // closing the database removes SQLite's WAL files
		endShim(t, s, "beta")
		// Startup would remove this directory, which would free some space.
		if err := os.RemoveAll(filepath.Join(s.Root, "bus/jetstream/$G/streams/JOBS")); err != nil {
			t.Fatal(err)
		}
		disktest.Fill(t, s.Root, 0)

		s.Serve(t)
		const banner = "save changes, but servers keep running"
		stage.Until(t, "alpha is reported as running", func() bool { v, _ := s.Server("alpha"); return v.State == "running" })
		if page := panelPage(t, s); !strings.Contains(page, "Disk full: "+s.Root) || !strings.Contains(page, banner) {
			t.Errorf("the page does not say that the disk is full:\n%s", page)
		}
		// Users who are not signed in must not see paths.
		for path, text := range map[string]string{
			"/login":  "A disk of left4me is full. Log in to see which disk.",
			"/readyz": "ready, but a disk is full",
		} {
			if page := fetch(t, http.DefaultClient, s, path); !strings.Contains(page, text) || strings.Contains(page, s.Root) {
				t.Errorf("%s:\n%s", path, page)
			}
		}
		list := exec.Command(s.Left4me, "server", "list")
		list.Env = s.Env
		if out, err := list.CombinedOutput(); err != nil || !strings.Contains(string(out), "warning: disk full: "+s.Root) ||
			!strings.Contains(string(out), "alpha") {
			t.Errorf("server list: %v\n%s", err, out)
		}
		create := func() (int, error) {
			return s.Call("POST", "/servers", map[string]any{"name": "gamma"}, nil)
		}
		if status, err := create(); status != http.StatusInsufficientStorage || !strings.Contains(err.Error(), "disk full: "+s.Root) {
			t.Errorf("create: %d, %v", status, err)
		}
		if job := s.Do(t, "stop", "alpha"); job.State != "done" || len(s.Games()) > 0 {
			t.Errorf("stop: %+v, games %v", job, s.Games())
		}

		disktest.Empty(t, s.Root)
		if status, err := create(); err != nil {
			t.Errorf("create with free space: %d, %v", status, err)
		}
		if page := panelPage(t, s); strings.Contains(page, banner) {
			t.Errorf("the page still says that the disk is full:\n%s", page)
		}
		stage.Until(t, "beta, whose desired state is running, has started",
			func() bool { v, _ := s.Server("beta"); return v.State == "running" })
		stage.Until(t, "the bus takes jobs", func() bool { return strings.Contains(s.Log(), "the bus takes jobs again") })
		if v, _ := s.Server("alpha"); v.State != "stopped" {
			t.Errorf("alpha runs although it was stopped: %+v", v)
		}
		s.Done(t, "start", "alpha")
		s.Done(t, "stop", "alpha")
	})
}

// endShim ends the shim of a server, and with it the server.
func endShim(t *testing.T, s *stage.Stage, name string) {
	t.Helper()
	for _, pid := range s.Shims() {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil || !strings.Contains(string(line), "\x00"+name+"\x00") {
			continue
		}
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		stage.Until(t, name+" has ended", func() bool { return len(s.Shims()) == 1 && len(s.Games()) == 1 })
		return
	}
	t.Fatalf("found no shim of %s", name)
}

// panelPage signs in to the panel and returns the page after the sign-in.
func panelPage(t *testing.T, s *stage.Stage) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Timeout: stage.Patience}
	r, err := browser.PostForm("http://"+s.Address+"/login", url.Values{"name": {"admin"}, "password": {"correct horse battery"}})
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	page := fetch(t, browser, s, "/jobs")
	if !strings.Contains(page, "Log out") {
		t.Fatalf("sign in: %s", page)
	}
	return page
}

// fetch returns a page of the panel.
func fetch(t *testing.T, browser *http.Client, s *stage.Stage, path string) string {
	t.Helper()
	r, err := browser.Get("http://" + s.Address + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	page, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return html.UnescapeString(string(page))
}
