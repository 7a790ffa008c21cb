// Package chaos holds tests that end left4me in the middle of what it does and
// look at what is left.
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
	// Most of the time these tests wait for servers: more of them run at once than
	// there are processors. Those that hold left4me to a time run alone, before.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	code := m.Run()
	stage.Clean()
	os.Exit(code)
}

// After left4me was killed at any moment of a job, its successor brings the job
// to an end, and the server runs once or not at all.
func TestKilledDuringAJob(t *testing.T) {
	for i, c := range []struct {
		verb   string
		runs   bool            // before the job
		moment []time.Duration // after it was asked for
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

// killedDuring kills left4me some time after a job on a server was asked for.
func killedDuring(t *testing.T, s *stage.Stage, name, verb string, runs bool, after time.Duration) {
	t.Helper()
	s.Create(t, name, nil)
	if runs {
		s.Done(t, "start", name)
	}
	job := s.Ask(t, verb, name)
	wait := time.NewTimer(after)
	<-wait.C // the moment is what is tested, not something to happen
	s.Kill()
	s.Serve(t)
	job = s.Ended(t, job.ID)
	if job.State != "done" && (job.Error == nil || job.Error.Text == "") {
		t.Errorf("the job is %s and doesn't say why", job.State)
	}
	settled(t, s, name, verb, job)
	s.Done(t, "delete", name)
	if left := s.Processes(); len(left) > 0 {
		t.Errorf("left running: %v", left)
	}
}

// settled waits until what left4me says of a server is true of the machine: it
// runs and there is one game, or it doesn't and there is none.
func settled(t *testing.T, s *stage.Stage, name, verb string, job stage.Job) {
	t.Helper()
	stage.Until(t, "the server runs or is stopped", func() bool {
		v, there := s.Server(name)
		games, shims := len(s.Games()), len(s.Shims())
		if games > 1 || shims > 1 {
			t.Fatalf("%d games and %d shims", games, shims)
		}
		up := v.State == "running"
		if there && up && verb == "stop" && job.State == "done" {
			t.Fatalf("stopped, and it runs")
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
		t.Errorf("%d mounts in the host's table", m)
	}
	_, there := s.Server(name)
	if verb == "delete" && job.State == "done" {
		if there {
			t.Error("deleted, and it is there")
		}
		s.Create(t, name, nil) // for the end of the test
	} else if !there {
		t.Error("the server is gone")
	}
}

// A server that is being created when left4me is killed is there as a whole or
// not at all.
func TestKilledDuringCreate(t *testing.T) {
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

// A store of the bus that is gone or damaged costs no job: the rows have them all.
func TestKilledAndTheStoreOfTheBusDamaged(t *testing.T) {
	t.Parallel()
	s := stage.New(t, 29000, "SIM_MAP_LOAD=100ms", "SIM_PLAYERS=0")
	s.Serve(t)
	s.Create(t, "alpha", nil)
	store := filepath.Join(s.Root, "bus", "jetstream")
	each := func(t *testing.T, pattern string, f func(name string) error) {
		t.Helper()
		names, err := filepath.Glob(filepath.Join(store, pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("no %s: %v", pattern, err)
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
				t.Errorf("%+v", job)
			}
			if said := s.Log(); !strings.Contains(said, c.said) {
				t.Errorf("it doesn't say %q:\n%s", c.said, said)
			}
			s.Done(t, "stop", "alpha")
		})
	}
}

// A game that runs is not touched by the end of left4me, and its console goes on
// without a gap.
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
	stage.Until(t, "the server is found again", func() bool {
		v, _ := s.Server("alpha")
		return v.State == "running" && v.PID == before.PID
	})
	s.Must(t, "POST", "/servers/alpha/console", map[string]string{"command": "say after"}, nil)
	s.Done(t, "stop", "alpha")
}

// moments are n of them from one to another.
func moments(from, to time.Duration, n int) []time.Duration {
	var all []time.Duration
	for i := range n {
		all = append(all, from+(to-from)*time.Duration(i)/time.Duration(n-1))
	}
	return all
}
