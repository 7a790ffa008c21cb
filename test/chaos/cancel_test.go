package chaos

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/test/stage"
)

// promised is the time limit for the end of a cancelled start, measured at the API.
const promised = 5 * time.Second

// hung makes games load their map without end and ignore everything but SIGKILL.
var hung = []string{"SIM_MAP_LOAD=3600s", "SIM_IGNORE_QUIT=1", "SIM_IGNORE_SIGINT=1"}

// waitForStep waits until a job is in the middle of the step label and the step's note contains note.
func waitForStep(t *testing.T, s *stage.Stage, id, label, note string) {
	t.Helper()
	stage.Until(t, fmt.Sprintf("job %s is at %s %s", id, label, note), func() bool {
		var j stage.Job
		s.Must(t, "GET", "/jobs/"+id, nil, &j)
		if j.Ended() {
			t.Fatalf("the job has already ended: %+v, %+v", j, j.Error)
		}
		return slices.ContainsFunc(j.Steps, func(v struct {
			Label string `json:"label"`
			State string `json:"state"`
			Note  string `json:"note"`
		},
		) bool {
			return v.Label == label && (v.State == "running" || note != "") && strings.Contains(v.Note, note)
		})
	})
}

// wantCancelled cancels a job and checks that it ends within the limit promised.
func wantCancelled(t *testing.T, s *stage.Stage, id string) {
	t.Helper()
	begin := time.Now()
	s.Must(t, "POST", "/jobs/"+id+"/cancel", nil, nil)
	j := s.Ended(t, id)
	took := time.Since(begin)
	t.Logf("cancelled within %v", took)
	if j.State != "cancelled" || took > promised {
		t.Errorf("the job is %s after %v, %+v", j.State, took, j.Error)
	}
}

// wantDeleted deletes a server that is starting. It checks that the deletion ends within the limit
// promised, and that the start job was cancelled.
func wantDeleted(t *testing.T, s *stage.Stage, name, start string) {
	t.Helper()
	begin := time.Now()
	j := s.Done(t, "delete", name)
	took := time.Since(begin)
	t.Logf("deleted within %v", took)
	if took > promised {
		t.Errorf("the deletion took %v: %+v", took, j.Steps)
	}
	if j := s.Ended(t, start); j.State != "cancelled" {
		t.Errorf("the start is %s, %+v", j.State, j.Error)
	}
}

// wantNoProcess checks that no process of a server is left.
func wantNoProcess(t *testing.T, s *stage.Stage, name string) {
	t.Helper()
	stage.Until(t, "no process is left", func() bool { return len(s.Processes()) == 0 })
	if v, there := s.Server(name); there && v.State != "stopped" {
		t.Errorf("the server is %s: %s", v.State, v.Reason)
	}
}

func TestStartCancelledBeforeGameAnswersEndsWithin5s(t *testing.T) {
	s := stage.New(t, 28300, hung...)
	s.Serve(t)
	s.Create(t, "alpha", nil)
	start := s.Ask(t, "start", "alpha")
	waitForStep(t, s, start.ID, left4me.StepAwaitReady, "")
	wantCancelled(t, s, start.ID)
	wantNoProcess(t, s, "alpha")
	start = s.Ask(t, "start", "alpha")
	waitForStep(t, s, start.ID, left4me.StepAwaitReady, "")
	wantDeleted(t, s, "alpha", start.ID)
	wantNoProcess(t, s, "alpha")
}

func TestStartCancelledDuringMountEndsWithin5s(t *testing.T) {
	s := stage.New(t, 28310, hung...)
	// The shim executes a separate copy of the program, which is replaced by a program that hangs
	// before it mounts anything.
	exe, program := s.Left4me, filepath.Join(t.TempDir(), "left4me")
	copyFile(t, exe, program)
	s.Left4me = program
	s.Serve(t)
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	pids := filepath.Join(t.TempDir(), "pids")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho $$ >>"+pids+"\ntrap '' TERM\nwhile :; do sleep 1; done\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	begun := func() {
		t.Helper()
		stage.Until(t, "the shim has started", func() bool {
			b, err := os.ReadFile(pids)
			return err == nil && strings.HasSuffix(string(b), "\n")
		})
	}
	ends := func() {
		t.Helper()
		b, err := os.ReadFile(pids)
		if err != nil {
			t.Fatal(err)
		}
		for _, pid := range strings.Fields(string(b)) {
			if _, err := os.Stat("/proc/" + pid); err == nil {
				t.Errorf("the shim %s still runs", pid)
				n := 0
				if _, err := fmt.Sscan(pid, &n); err == nil {
					_ = syscall.Kill(n, syscall.SIGKILL)
				}
			}
		}
	}
	s.Create(t, "alpha", nil)
	start := s.Ask(t, "start", "alpha")
	waitForStep(t, s, start.ID, left4me.StepLaunch, "")
	begun()
	wantCancelled(t, s, start.ID)
	ends()
	start = s.Ask(t, "start", "alpha")
	waitForStep(t, s, start.ID, left4me.StepLaunch, "")
	wantDeleted(t, s, "alpha", start.ID)
	ends()
	wantNoProcess(t, s, "alpha")
	s.Left4me = exe
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	r, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err == nil {
		_, err = io.Copy(w, r)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestStartCancelledWhileQueuedEndsWithin5s(t *testing.T) {
	s := stage.New(t, 28320, hung...)
	s.Serve(t)
	var starts []stage.Job
	for i := range max(4, 2*runtime.NumCPU()) + 1 {
		name := fmt.Sprint("s", i)
		s.Create(t, name, nil)
		starts = append(starts, s.Ask(t, "start", name))
	}
	waits := ""
	stage.Until(t, "a start waits in the queue", func() bool {
		for _, j := range starts {
			var now stage.Job
			s.Must(t, "GET", "/jobs/"+j.ID, nil, &now)
			if len(now.Steps) > 0 && strings.Contains(now.Steps[0].Note, "other servers are starting") {
				waits = j.ID
			}
		}
		return waits != ""
	})
	wantCancelled(t, s, waits)
	for i := range starts {
		s.Ask(t, "delete", fmt.Sprint("s", i))
	}
	begin := time.Now()
	for _, j := range starts {
		s.Ended(t, j.ID)
	}
	if took := time.Since(begin); took > promised {
		t.Errorf("all starts took %v to end after their servers were deleted, want at most %v", took, promised)
	}
}

// While shims do not answer, the check which server has a revision mounted takes long. No start
// waits for that check.
func TestStartNotDelayedByRevisionRemoval(t *testing.T) {
	t.Parallel()
	s := stage.New(t, 28340, "SIM_MAP_LOAD=100ms", "SIM_PLAYERS=0")
	s.Serve(t)
	s.Must(t, "POST", "/overlays", map[string]any{"name": "maps", "kind": "files"}, nil)
	for _, name := range []string{"beta", "gamma"} {
		s.Create(t, name, nil)
		s.Done(t, "start", name)
	}
	s.Create(t, "alpha", nil)
	for _, pid := range s.Shims() {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = syscall.Kill(pid, syscall.SIGCONT) }()
	}
	stopped := s.Shims()
	s.Env = append(s.Env, hung...)
	s.Stop()
	s.Serve(t)
	dropped := make(chan struct{})
	begin := time.Now()
	go func() {
		defer close(dropped)
		_, _ = s.Call("DELETE", "/overlays/maps/revisions/1", nil, nil) // revision 1 is current, so it stays
	}()
	start := s.Ask(t, "start", "alpha")
	waitForStep(t, s, start.ID, left4me.StepAwaitReady, "")
	t.Logf("the game was started after %v", time.Since(begin))
	select {
	case <-dropped:
		t.Errorf("the start waited %v for the end of the removal", time.Since(begin))
	default:
	}
	wantCancelled(t, s, start.ID)
	start = s.Ask(t, "start", "alpha")
	wantDeleted(t, s, "alpha", start.ID)
	for _, pid := range stopped {
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
	<-dropped
}
