// Package chaos holds tests that kill left4me in the middle of its work and check the state that
// remains.
package chaos

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/test/stage"
)

func TestMain(m *testing.M) {
	if attacks() {
		os.Exit(attack())
	}
	// These tests mostly wait for servers, so more of them may run in parallel than there are
	// processors. Tests that check a time limit are not parallel and run first.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	code := m.Run()
	stage.Clean()
	os.Exit(code)
}

// After left4me is killed at any moment of a job, the next left4me process finishes the job, and
// the server has one process or none.
func TestKillDuringJobLeavesOneProcessOrNone(t *testing.T) {
	for i, c := range []struct {
		verb   string
		runs   bool            // whether the server runs before the job
		moment []time.Duration // delays between the request and the kill
	}{
		{"start", false, moments(0, 700*time.Millisecond, 7)},
		{"stop", true, moments(0, 400*time.Millisecond, 5)},
		{"restart", true, moments(100*time.Millisecond, 900*time.Millisecond, 4)},
		{"reset", true, moments(0, 600*time.Millisecond, 4)},
		{"delete", true, moments(0, 400*time.Millisecond, 5)},
	} {
		t.Run(c.verb, func(t *testing.T) {
			t.Parallel()
			s := stage.New(t, 28100+20*i, "SIM_MAP_LOAD=300ms", "SIM_PLAYERS=0")
			s.Serve(t)
			for n, after := range c.moment {
				t.Run(after.String(), func(t *testing.T) { killedDuring(t, s, fmt.Sprint("s", n), c.verb, c.runs, after) })
			}
		})
	}
}

// killedDuring kills left4me at a given delay after a job on a server was requested.
func killedDuring(t *testing.T, s *stage.Stage, name, verb string, runs bool, after time.Duration) {
	t.Helper()
	s.Create(t, name, nil)
	if runs {
		s.Done(t, "start", name)
	}
	job := s.Ask(t, verb, name)
	wait := time.NewTimer(after)
	<-wait.C // the delay itself is under test
	s.Kill()
	s.Serve(t)
	job = s.Ended(t, job.ID)
	if job.State != "done" && (job.Error == nil || job.Error.Text == "") {
		t.Errorf("the job is %s without an error text", job.State)
	}
	waitUntilSettled(t, s, name, verb, job)
	s.Done(t, "delete", name)
	if left := s.Processes(); len(left) > 0 {
		t.Errorf("left running: %v", left)
	}
}

// waitUntilSettled waits until the reported state of a server matches its processes: exactly one game and
// one shim if it runs, none if it does not.
func waitUntilSettled(t *testing.T, s *stage.Stage, name, verb string, job stage.Job) {
	t.Helper()
	stage.Until(t, "the server runs or is stopped", func() bool {
		v, there := s.Server(name)
		games, shims := len(s.Games()), len(s.Shims())
		// A second shim may exist for a moment: the next left4me starts one while the first is not
		// listening yet, and it ends when it finds the server's lock taken. It never starts a game.
		if games > 1 {
			t.Fatalf("got %d games and %d shims, want at most one game", games, shims)
		}
		up := v.State == "running"
		if there && up && verb == "stop" && job.State == "done" {
			t.Fatalf("the server runs after a successful stop")
		}
		switch {
		case !there, v.State == "stopped", v.State == "failed":
			return games == 0 && shims == 0
		case up:
			return games == 1 && shims == 1
		}
		return false
	})
	if m := s.Mounts(); m > 0 {
		t.Errorf("%d mounts are visible outside the server's namespace", m)
	}
	_, there := s.Server(name)
	if verb == "delete" && job.State == "done" {
		if there {
			t.Error("the server exists after a successful delete")
		}
		s.Create(t, name, nil) // the caller deletes it
	} else if !there {
		t.Error("the server no longer exists")
	}
}

// If left4me is killed while it creates a server, the server is either complete or absent.
func TestKillDuringCreateLeavesWholeServerOrNone(t *testing.T) {
	t.Parallel()
	s := stage.New(t, 28200, "SIM_MAP_LOAD=100ms", "SIM_PLAYERS=0")
	s.Serve(t)
	for i, after := range moments(0, 6*time.Millisecond, 6) {
		name := fmt.Sprintf("c%d", i)
		asked := make(chan struct{})
		go func() {
			defer close(asked)
			_, _ = s.Call("POST", "/servers", map[string]any{"name": name}, nil)
		}()
		<-time.NewTimer(after).C
		s.Kill()
		<-asked
		s.Serve(t)
		if _, there := s.Server(name); !there {
			s.Create(t, name, nil)
		}
		s.Done(t, "start", name)
		s.Done(t, "delete", name)
	}
}

// A missing or damaged bus store loses no job, because the database rows hold all jobs.
func TestDamagedBusStoreLosesNoJob(t *testing.T) {
	t.Parallel()
	s := stage.New(t, 29000, "SIM_MAP_LOAD=100ms", "SIM_PLAYERS=0")
	s.Serve(t)
	s.Create(t, "alpha", nil)
	store := filepath.Join(s.Root, "bus", "jetstream")
	each := func(t *testing.T, pattern string, f func(name string) error) {
		t.Helper()
		names, err := filepath.Glob(filepath.Join(store, pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("no file matches %s: %v", pattern, err)
		}
		for _, name := range names {
			if err := f(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name   string
		damage func(t *testing.T)
		said   string
	}{
		{"removed", func(t *testing.T) { each(t, "", os.RemoveAll) }, ""},
		{
			"without metadata", func(t *testing.T) { each(t, "$G/streams/*/meta.inf", os.Remove) },
			"the store can't be used and was put aside",
		},
		{"of another left4me", func(t *testing.T) {
			each(t, "../owner", func(name string) error { return os.WriteFile(name, []byte("x"), 0o600) })
		}, "it belongs to another left4me"},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := s.Ask(t, "start", "alpha")
			s.Kill()
			c.damage(t)
			s.Serve(t)
			if job := s.Ended(t, start.ID); job.State != "done" {
				t.Errorf("got %+v", job)
			}
			if said := s.Log(); !strings.Contains(said, c.said) {
				t.Errorf("the log does not contain %q:\n%s", c.said, said)
			}
			s.Done(t, "stop", "alpha")
		})
	}
}

// A running game survives a kill of left4me, and its console continues without a gap.
func TestServerOutlivesLeft4me(t *testing.T) {
	t.Parallel()
	s := stage.New(t, 28460, "SIM_MAP_LOAD=100ms", "SIM_PLAYERS=0")
	s.Serve(t)
	s.Create(t, "alpha", nil)
	s.Done(t, "start", "alpha")
	before, _ := s.Server("alpha")
	s.Must(t, "POST", "/servers/alpha/console", map[string]string{"command": "say before"}, nil)
	s.Kill()
	s.Serve(t)
	stage.Until(t, "left4me has found the running server", func() bool {
		v, _ := s.Server("alpha")
		return v.State == "running" && v.PID == before.PID
	})
	s.Must(t, "POST", "/servers/alpha/console", map[string]string{"command": "say after"}, nil)
	s.Done(t, "stop", "alpha")
}

// moments returns n evenly spaced durations between from and to.
func moments(from, to time.Duration, n int) []time.Duration {
	var all []time.Duration
	for i := range n {
		all = append(all, from+(to-from)*time.Duration(i)/time.Duration(n-1))
	}
	return all
}
