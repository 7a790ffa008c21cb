package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// Environment variables for the process that is killed: its directory, and where it is killed.
const (
	killDirVar   = "LEFT4ME_TEST_KILL_DIR"
	killPointVar = "LEFT4ME_TEST_KILL_POINT"
)

// Points between "enqueue" and "claim", in order of execution.
var killPoints = []string{"row", "sent", "delivered", "claimed", "answered"}

// killed is a store whose process is killed after a write.
type killed struct {
	store.Jobs
	point string
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func (k killed) Add(ctx context.Context, v store.QueuedJob, decide func([]store.QueuedJob) (*store.QueuedJob, error)) (store.QueuedJob,
	error,
) {
	v, err := k.Jobs.Add(ctx, v, decide)
	if k.point == "row" {
		die()
	}
	return v, err
}

func (k killed) Run(ctx context.Context, id left4me.JobID, now time.Time) (store.QueuedJob, bool, error) {
	v, ok, err := k.Jobs.Run(ctx, id, now)
	if k.point == "claimed" {
		die()
	}
	return v, ok, err
}

// TestHelperKilledProcess runs in the child process of TestJobsRunOnceAfterKill. It adds
// a job and kills itself at the given point.
func TestHelperKilledProcess(t *testing.T) {
	dir, point := os.Getenv(killDirVar), os.Getenv(killPointVar)
	if dir == "" {
		t.Skip("run by TestJobsRunOnceAfterKill")
	}
	s := openWith(t, dir, func(st *store.Store) jobs.Storage { return killed{st.Jobs(), point} })
	work := s.work(t)
	for _, n := range []left4me.Name{"alpha", "beta"} {
		s.add(t, left4me.StartServer, n)
	}
	if point == "sent" {
		die()
	}
	d := receive(t, work)
	if point == "delivered" {
		die()
	}
	s.claim(t, d.ID)
	if point == "answered" {
		die()
	}
	t.Fatalf("unknown kill point %q", point)
}

// The restarted process runs every requested job once, regardless of the moment of the kill and of the
// state of the bus store.
func TestJobsRunOnceAfterKill(t *testing.T) {
	none := func(*testing.T, string) {}
	streams := filepath.Join("bus", "jetstream", "$G", "streams")
	damages := map[string]func(t *testing.T, dir string){
		"removed": func(t *testing.T, dir string) { ok(t, os.RemoveAll(filepath.Join(dir, "bus"))) },
		"truncated": func(t *testing.T, dir string) {
			blocks, err := filepath.Glob(filepath.Join(dir, streams, "*", "msgs", "*.blk"))
			ok(t, err)
			for _, name := range blocks {
				st, err := os.Stat(name)
				ok(t, err)
				ok(t, os.Truncate(name, st.Size()/2))
			}
		},
		"without metadata": func(t *testing.T, dir string) {
			ok(t, filepath.WalkDir(filepath.Join(dir, streams), func(p string, d fs.DirEntry, err error) error {
				if err == nil && d.Name() == "meta.inf" {
					err = os.Remove(p)
				}
				return err
			}))
		},
		"from another machine": func(t *testing.T, dir string) {
			ok(t, os.RemoveAll(filepath.Join(dir, "bus")))
			other := t.TempDir()
			s := open(t, other)
			s.add(t, left4me.StopServer, "alpha")
			s.stop()
			ok(t, os.CopyFS(filepath.Join(dir, "bus"), os.DirFS(filepath.Join(other, "bus"))))
		},
	}
	for _, point := range killPoints {
		t.Run(point, func(t *testing.T) { survives(t, point, none) })
	}
	for name, damage := range damages {
		t.Run("sent and the store "+name, func(t *testing.T) { survives(t, "sent", damage) })
		t.Run("answered and the store "+name, func(t *testing.T) { survives(t, "answered", damage) })
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func survives(t *testing.T, point string, damage func(*testing.T, string)) {
	dir := t.TempDir()
	exe, err := os.Executable()
	ok(t, err)
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestHelperKilledProcess$")
	cmd.Env = append(os.Environ(), killDirVar+"="+dir, killPointVar+"="+point)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the process was not killed: %v\n%s", err, out)
	}
	damage(t, dir)

	s := open(t, dir)
	before, err := s.jobs.List(t.Context(), "", "", 100)
	ok(t, err)
	want := map[bool]int{true: 1, false: 2}[point == "row"]
	if len(before) != want {
		t.Fatalf("%d rows, want %d", len(before), want)
	}
	work := s.work(t)
	done := map[left4me.JobID]bool{}
	for len(done) < want {
		d := receive(t, work)
		if v := s.claim(t, d.ID); v != bus.Go {
			t.Errorf("%s of %s: %s", d.Kind, d.Target, v)
		}
		if done[d.ID] {
			t.Errorf("%s was delivered twice", d.ID)
		}
		done[d.ID] = true
		s.finish(t, d, left4me.JobDone)
	}
	for _, v := range before {
		got, err := s.jobs.Get(t.Context(), v.ID)
		attempts := 1
		if v.State == left4me.JobRunning {
			attempts = 2
		}
		if err != nil || got.State != left4me.JobDone || got.Attempt != attempts {
			t.Errorf("got %+v, error %v", got, err)
		}
	}
	select {
	case d := <-work:
		t.Errorf("unexpected %s of %s", d.Kind, d.Target)
	default:
	}
}

// Covers combinations of rows and messages that a kill can leave behind.
func TestClaimDropsInconsistentMessages(t *testing.T) {
	s := open(t, t.TempDir())
	message := func(id left4me.JobID) bus.JobMessage {
		return bus.JobMessage{V: bus.Version, ID: id, Kind: left4me.StopServer, Target: "alpha", Spec: json.RawMessage("{}")}
	}
	work := s.work(t)
	send := func(id left4me.JobID) bus.Delivery {
		ok(t, s.bus.Enqueue(t.Context(), left4me.LocalHost, message(id)))
		return receive(t, work)
	}
	if d := send("nobody-knows"); s.claim(t, d.ID) != bus.Drop {
		t.Error("a message without a row is not dropped")
	}
	j := s.add(t, left4me.StopServer, "alpha")
	d := receive(t, work)
	if v := s.claim(t, d.ID); v != bus.Go {
		t.Errorf("the first claim: %s", v)
	}
	if v := s.claim(t, d.ID); v != bus.Go { // the answer to the first claim was lost
		t.Errorf("repeated claim: %s", v)
	}
	s.finish(t, d, left4me.JobDone)
	if v := s.claim(t, j.ID); v != bus.Drop {
		t.Errorf("claim of a job that has ended: %s", v)
	}
	if active, err := s.store.Jobs().Active(t.Context()); err != nil || len(active) != 0 {
		t.Error(fmt.Sprint(active), err)
	}
}
