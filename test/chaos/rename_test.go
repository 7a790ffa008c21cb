package chaos

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/test/stage"
)

// onDisk returns those of the names under which a server has any files on its host.
func onDisk(s *stage.Stage, names ...string) (all []string) {
	for _, n := range names {
		for _, place := range []string{"runtime", "logs", "instances"} {
			if _, err := os.Lstat(filepath.Join(s.Root, place, n)); err == nil {
				all = append(all, n)
				break
			}
		}
	}
	return all
}

// If left4me is killed at any moment of the job that renames a server on its host, the next process
// completes the rename, whether or not the host had reported its progress.
func TestHostRenameCompletesAfterKill(t *testing.T) {
	t.Parallel()
	s := stage.New(t, 29400, "SIM_MAP_LOAD=100ms", "SIM_PLAYERS=0")
	s.Serve(t)
	n := 0
	for _, c := range []struct {
		verb   string
		runs   bool // whether the server runs before the job
		moment []time.Duration
	}{
		{"start", false, moments(0, 60*time.Millisecond, 3)},
		{"restart", true, moments(0, 300*time.Millisecond, 2)},
		{"reset", true, []time.Duration{150 * time.Millisecond}},
		{"stop", true, []time.Duration{20 * time.Millisecond}},
		{"delete", true, []time.Duration{30 * time.Millisecond}},
	} {
		for _, after := range c.moment {
			n++
			t.Run(fmt.Sprintf("%s/%s", c.verb, after), func(t *testing.T) {
				old, name := fmt.Sprintf("old%d", n), fmt.Sprintf("new%d", n)
				s.Create(t, old, nil)
				s.Done(t, "start", old)
				if !c.runs {
					s.Done(t, "stop", old)
				}
				s.Must(t, "POST", "/servers/"+old+"/rename", map[string]any{"name": name}, nil)
				job := s.Ask(t, c.verb, name)
				wait := time.NewTimer(after)
				<-wait.C // the delay itself is under test
				s.Kill()
				s.Serve(t)
				job = s.Ended(t, job.ID)
				if job.State != "done" && (job.Error == nil || job.Error.Text == "") {
					t.Errorf("the job is %s without an error text", job.State)
				}
				waitUntilSettled(t, s, name, c.verb, job)
				if _, there := s.Server(old); there {
					t.Errorf("the old name %s still exists", old)
				}
				s.Done(t, "restart", name)
				if all := onDisk(s, old, name); len(all) != 1 || all[0] != name {
					t.Errorf("the disk has the names %q", all)
				}
				s.Create(t, old, nil) // the old name must be free
				s.Done(t, "delete", old)
				s.Done(t, "delete", name)
				if all := onDisk(s, old, name); len(all) > 0 {
					t.Errorf("after the delete, the disk has %q", all)
				}
				if left := s.Processes(); len(left) > 0 {
					t.Errorf("left running: %v", left)
				}
			})
		}
	}
}

// A rename that was interrupted between two directories, for example by a power cut, is resumed at
// the next start.
func TestRenameResumesAfterPowerCut(t *testing.T) {
	t.Parallel()
	s := stage.New(t, 29440, "SIM_MAP_LOAD=100ms", "SIM_PLAYERS=0")
	s.Serve(t)
	s.Create(t, "alpha", nil)
	s.Done(t, "start", "alpha")
	s.Must(t, "POST", "/servers/alpha/rename", map[string]any{"name": "beta"}, nil)
	killAll(t, s)
	runtime := filepath.Join(s.Root, "runtime")
	if err := os.Rename(filepath.Join(runtime, "alpha"), filepath.Join(runtime, "beta")); err != nil {
		t.Fatal(err)
	}
	s.Serve(t) // starts the server, because its desired state is running
	stage.Until(t, "the server runs again", func() bool {
		v, _ := s.Server("beta")
		return v.State == "running"
	})
	if all := onDisk(s, "alpha", "beta"); len(all) != 1 || all[0] != "beta" {
		t.Errorf("the disk has the names %q", all)
	}
	s.Done(t, "delete", "beta")
}

// An interrupted rename that a further rename to a third name replaces leaves no files under the
// second name. The next server of that name would inherit them.
func TestInterruptedRenameCanBeReplacedByThirdName(t *testing.T) {
	t.Parallel()
	s := stage.New(t, 29450, "SIM_MAP_LOAD=100ms", "SIM_PLAYERS=0")
	s.Serve(t)
	s.Create(t, "alpha", nil)
	s.Done(t, "start", "alpha")
	s.Done(t, "stop", "alpha")
	s.Must(t, "POST", "/servers/alpha/rename", map[string]any{"name": "beta"}, nil)
	s.Kill()
	runtime := filepath.Join(s.Root, "runtime")
	if err := errors.Join(os.WriteFile(filepath.Join(runtime, "alpha", "upper", "wrote.txt"), nil, 0o644),
		os.WriteFile(filepath.Join(s.Root, "instances", "alpha", "renaming"), []byte("beta"), 0o644),
		os.Rename(filepath.Join(runtime, "alpha"), filepath.Join(runtime, "beta"))); err != nil {
		t.Fatal(err)
	}
	s.Serve(t)
	s.Must(t, "POST", "/servers/beta/rename", map[string]any{"name": "gamma"}, nil)
	s.Done(t, "start", "gamma")
	if all := onDisk(s, "alpha", "beta", "gamma"); len(all) != 1 || all[0] != "gamma" {
		t.Errorf("the disk has the names %q", all)
	}
	if _, err := os.Stat(filepath.Join(runtime, "gamma", "upper", "wrote.txt")); err != nil {
		t.Error(err)
	}
	s.Done(t, "delete", "gamma")
}

// A server that is renamed while it runs survives a kill of left4me.
func TestRenamedServerOutlivesLeft4me(t *testing.T) {
	t.Parallel()
	s := stage.New(t, 29460, "SIM_MAP_LOAD=100ms", "SIM_PLAYERS=0")
	s.Serve(t)
	s.Create(t, "alpha", nil)
	s.Done(t, "start", "alpha")
	before, _ := s.Server("alpha")
	s.Must(t, "POST", "/servers/alpha/rename", map[string]any{"name": "beta"}, nil)
	for _, end := range []func(){s.Kill, s.Stop} {
		end()
		s.Serve(t)
		stage.Until(t, "left4me has found the running server", func() bool {
			v, _ := s.Server("beta")
			return v.State == "running" && v.PID == before.PID
		})
		if j := newest(t, s, "beta"); j.Kind != "server.start" || j.By == "left4me" {
			t.Errorf("the server was started again: %+v", j)
		}
	}
	s.Done(t, "stop", "beta")
	if all := onDisk(s, "alpha", "beta"); len(all) != 1 || all[0] != "alpha" {
		t.Errorf("the stop renamed the files: %q", all)
	}
	s.Done(t, "delete", "beta")
	if all := onDisk(s, "alpha", "beta"); len(all) > 0 {
		t.Errorf("after the delete, the disk has %q", all)
	}
}

// If left4me is killed at any moment of an overlay's rename, the overlay has exactly one name, and
// so have its revisions, the stack of the running server that uses it, and its next edit.
func TestKillDuringOverlayRenameKeepsOneName(t *testing.T) {
	t.Parallel()
	s := stage.New(t, 29470, "SIM_MAP_LOAD=100ms", "SIM_PLAYERS=0")
	s.Serve(t)
	edit := func(overlay string, text int) {
		t.Helper()
		var j stage.Job
		s.Must(t, "PUT", "/overlays/"+overlay+"/file?path=left4dead2/cfg/a.cfg", text, &j)
		if j = s.Ended(t, j.ID); j.State != "done" {
			t.Fatalf("got %+v", j.Error)
		}
	}
	s.Must(t, "POST", "/overlays", map[string]string{"name": "first", "kind": "files"}, nil)
	edit("first", 0)
	s.Must(t, "POST", "/servers", map[string]any{"name": "alpha", "overlays": []string{"first"}}, nil)
	s.Done(t, "start", "alpha")
	before, _ := s.Server("alpha")
	name := "first"
	for n, after := range moments(0, 4*time.Millisecond, 5) {
		next := fmt.Sprintf("name%d", n)
		asked := make(chan struct{})
		go func() {
			defer close(asked)
			_, _ = s.Call("POST", "/overlays/"+name+"/rename", map[string]string{"name": next}, nil) // fails if left4me is killed first
		}()
		wait := time.NewTimer(after)
		<-wait.C // the delay itself is under test
		s.Kill()
		<-asked
		s.Serve(t)
		stage.Until(t, "left4me has found the running server", func() bool {
			v, _ := s.Server("alpha")
			return v.State == "running" && v.PID == before.PID
		})
		var there []string
		for _, of := range []string{name, next} {
			var o apitype.Overlay
			if _, err := s.Call("GET", "/overlays/"+of, nil, &o); err != nil {
				continue
			}
			there = append(there, of)
			if o.Content.Current != 1+n || o.NameOnHost != "first" && of != "first" || !slices.Equal(o.Servers, []left4me.Name{"alpha"}) {
				t.Errorf("after %s: %s is %+v", after, of, o)
			}
		}
		if len(there) != 1 {
			t.Fatalf("after %s: got overlays %q", after, there)
		}
		name = there[0]
		var v apitype.GameServer
		s.Must(t, "GET", "/servers/alpha", nil, &v)
		if !slices.Equal(v.Overlays, there) || v.RestartRequired {
			t.Errorf("after %s: the server stacks %q, restart required: %t, overlays %q", after, v.Overlays, v.RestartRequired, there)
		}
		edit(name, 1+n)
		s.Done(t, "restart", "alpha")
		before, _ = s.Server("alpha")
	}
	s.Done(t, "delete", "alpha")
}
