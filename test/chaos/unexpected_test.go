package chaos

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/disk/disktest"
	"github.com/left4me/left4me/test/stage"
)

// When an unforeseen error makes a job fail, users see a general sentence, and the log has the
// cause under the id of the job. Here the error is that every directory of the host has become
// read-only.
func TestJobsShowNoInternalErrors(t *testing.T) {
	stage.Build(t) // here, because the small disk has no room for it
	disktest.OnSmall(t, "4g", func(t *testing.T, dir string) {
		t.Setenv("TMPDIR", dir)
		s := stage.New(t, 32600, "SIM_PLAYERS=0", "SIM_MAP_LOAD=10ms", "HOME="+t.TempDir())
		s.Steam(t, "SIM_STEAM_BUILD=2", "SIM_STEAM_SIZE=1M", "SIM_STEAM_TICK=1ms")
		host := []string{"instances", "runtime", "logs", "overlays", "installation", "tmp", "backups", "steam", "workshop_cache"}
		readOnly := func() {
			t.Helper()
			for _, d := range host {
				at := filepath.Join(s.Root, d)
				err := errors.Join(os.MkdirAll(at, 0o755), unix.Mount(at, at, "", unix.MS_BIND, ""),
					unix.Mount("", at, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = unix.Unmount(at, unix.MNT_DETACH) })
			}
		}
		s.Serve(t)
		s.Create(t, "down", nil)
		s.Create(t, "up", nil)
		s.Done(t, "start", "up")
		s.Must(t, "POST", "/overlays", map[string]any{"name": "script", "kind": "script", "script": map[string]any{"text": "true"}}, nil)
		do := func(method, path string, body any) stage.Job {
			t.Helper()
			var j stage.Job
			s.Must(t, method, path, body, &j)
			return s.Ended(t, j.ID)
		}
		do("POST", "/backups", nil)
		var backups []struct{ Name string }
		s.Must(t, "GET", "/backups", nil, &backups)
		do("DELETE", "/overlays/competitive-cfg", nil)
		readOnly()
		for _, c := range []struct {
			method, path string
			body         any
			fails        bool // the job must fail; else it may
		}{
			{"POST", "/servers/down/start", nil, true},
			{"POST", "/servers/down/stop", nil, false},
			{"POST", "/servers/up/restart", nil, true},
			{"POST", "/servers/up/reset", nil, true},
			{"POST", "/servers/down/written/discard", map[string]any{"paths": []string{"a"}}, false},
			{"DELETE", "/servers/up", nil, true},
			{"POST", "/overlays/script/build", nil, true},
			{"DELETE", "/overlays/sourcemod", nil, true},
			{"POST", "/overlays/competitive-cfg/restore", nil, true},
			{"POST", "/content/collect", nil, false},
			{"POST", "/hosts/local/game/install", nil, true},
			{"POST", "/hosts/local/game/update", nil, true},
			{"POST", "/hosts/local/game/verify", nil, true},
			{"POST", "/hosts/local/game/check", nil, false},
			{"POST", "/backups", nil, true},
			{"POST", "/backups/" + backups[0].Name + "/verify", nil, false},
		} {
			j := do(c.method, c.path, c.body)
			if j.State != "failed" {
				if c.fails {
					t.Errorf("%s %s: the job is %s, want failed", c.method, c.path, j.State)
				}
				continue
			}
			t.Logf("%s: %+v", j.Kind, *j.Error)
			said := j.Error.Text + j.Error.Hint
			for _, s := range j.Steps {
				said += s.Note
			}
			for _, internal := range []string{"read-only file system", "permission denied", "no such file", s.Root} {
				if strings.Contains(said, internal) {
					t.Errorf("%s %s shows %q: %q", c.method, c.path, internal, said)
				}
			}
			if !strings.Contains(j.Error.Hint, "job="+j.ID) || !strings.Contains(s.Log(), "job="+j.ID) {
				t.Errorf("%s %s: the hint or the log lacks the id of the job: %q", c.method, c.path, j.Error.Hint)
			}
		}
		if v, _ := s.Server("down"); strings.Contains(v.Reason, "read-only") {
			t.Errorf("the server's reason is %q", v.Reason)
		}
	})
}
