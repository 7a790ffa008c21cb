package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/sitetest"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/lifecycle/lifecycletest"
	"github.com/left4me/left4me/internal/store"
)

// site is left4me with some servers and without a host; dir survives the site, as in a restart.
type site struct {
	store *store.Store
	bus   *bus.Bus
	jobs  *jobs.Jobs
	stop  func()
}

func open(t *testing.T, dir string) *site {
	t.Helper()
	return openWith(t, dir, func(st *store.Store) jobs.Storage { return st.Jobs() })
}

func openWith(t *testing.T, dir string, storage func(*store.Store) jobs.Storage) *site {
	t.Helper()
	on := sitetest.Open(t, dir)
	ctx, st := on.Ctx, on.Store
	for i, n := range []left4me.Name{"alpha", "beta", "queued", "running"} {
		v := left4me.Server{Name: n, Host: left4me.LocalHost, Port: 27015 + i, Blueprint: left4me.DefaultBlueprint, CreatedAt: time.Now()}
		if err := st.Servers().Create(ctx, v); err != nil && !errors.Is(err, left4me.Conflict) {
			t.Fatal(err)
		}
	}
	s := &site{store: st, bus: on.Bus, jobs: jobs.New(storage(st), on.Bus, on.Log), stop: on.Close}
	s.jobs.SetResendInterval(20 * time.Millisecond)
	if err := lifecycletest.Start(ctx, s.jobs); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) add(t *testing.T, kind left4me.JobKind, target left4me.Name) left4me.Job {
	t.Helper()
	j, err := s.jobs.Add(t.Context(), left4me.ByUser("tester"), kind, target, left4me.LocalHost, left4me.Spec{Name: target})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// work starts a host that passes its deliveries to the test.
func (s *site) work(t *testing.T) <-chan bus.Delivery {
	t.Helper()
	c := make(chan bus.Delivery, 64)
	if err := s.bus.Work(t.Context(), left4me.LocalHost, func(d bus.Delivery) { c <- d }); err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *site) claim(t *testing.T, id left4me.JobID) bus.Verdict {
	t.Helper()
	var a bus.ClaimAnswer
	if err := s.bus.Request(t.Context(), bus.Ask(left4me.LocalHost, bus.VerbClaim), bus.ClaimRequest{V: 1, ID: id}, &a); err != nil {
		t.Fatal(err)
	}
	return a.Verdict
}

func (s *site) finish(t *testing.T, d bus.Delivery, state left4me.JobState) {
	t.Helper()
	r := bus.JobReport{V: 1, ID: d.ID, State: state, Steps: []left4me.Step{{Label: left4me.StepStop, State: left4me.StepDone}}}
	if err := s.bus.Request(t.Context(), bus.Ask(left4me.LocalHost, bus.VerbReport), r, nil); err != nil {
		t.Fatal(err)
	}
	if err := d.Done(); err != nil {
		t.Fatal(err)
	}
}

func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func (s *site) state(t *testing.T, id left4me.JobID) left4me.JobState {
	t.Helper()
	j, err := s.jobs.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return j.State
}

func TestJobIsClaimedAndFinished(t *testing.T) {
	s := open(t, t.TempDir())
	work := s.work(t)
	j := s.add(t, left4me.StartServer, "alpha")
	changes, err := s.jobs.Watch(t.Context(), j.ID)
	if err != nil {
		t.Fatal(err)
	}
	d := receive(t, work)
	if d.ID != j.ID || s.claim(t, d.ID) != bus.Go || s.state(t, j.ID) != left4me.JobRunning {
		t.Fatalf("job %s is not claimed", d.ID)
	}
	s.finish(t, d, left4me.JobDone)
	var last left4me.Job
	for c := range changes {
		last = c
	}
	if last.State != left4me.JobDone || len(last.Steps) != 1 || last.EndedAt.IsZero() {
		t.Errorf("watched to %+v", last)
	}
	if v := s.claim(t, j.ID); v != bus.Drop {
		t.Errorf("claim of a job that has ended: %s", v)
	}
}

func TestAddReturnsEqualActiveJob(t *testing.T) {
	s := open(t, t.TempDir())
	a, b := s.add(t, left4me.StartServer, "alpha"), s.add(t, left4me.StartServer, "alpha")
	if a.ID != b.ID {
		t.Errorf("jobs %s and %s, want one", a.ID, b.ID)
	}
	if c := s.add(t, left4me.StartServer, "beta"); c.ID == a.ID {
		t.Error("two servers share a job")
	}
}

func TestTargetRunsOneJobAtATime(t *testing.T) {
	s := open(t, t.TempDir())
	work := s.work(t)
	first := s.add(t, left4me.StopServer, "alpha")
	second := s.add(t, left4me.StartServer, "alpha")
	d := receive(t, work)
	if d.ID != first.ID || s.claim(t, first.ID) != bus.Go {
		t.Fatal("the first job was not delivered first")
	}
	if v := s.claim(t, second.ID); v != bus.Later {
		t.Errorf("claim of a second job: %s", v)
	}
	s.finish(t, d, left4me.JobDone)
	if d := receive(t, work); d.ID != second.ID || s.claim(t, second.ID) != bus.Go {
		t.Error("the second job was not delivered")
	}
}

func TestStopCancelsStart(t *testing.T) {
	s := open(t, t.TempDir())
	cancelled := make(chan bus.CancelRequest, 1)
	err := s.bus.Answer(t.Context(), bus.Command(left4me.LocalHost, bus.VerbCancel),
		func(_ context.Context, _ string, data []byte) (any, error) {
			var r bus.CancelRequest
			err := bus.Decode(data, &r)
			cancelled <- r
			return bus.Empty{}, err
		})
	if err != nil {
		t.Fatal(err)
	}
	work := s.work(t)
	start := s.add(t, left4me.StartServer, "alpha")
	d := receive(t, work)
	s.claim(t, d.ID)
	stop := s.add(t, left4me.StopServer, "alpha")
	if r := receive(t, cancelled); r.ID != start.ID {
		t.Errorf("cancelled %s", r.ID)
	}
	s.finish(t, d, left4me.JobCancelled)
	if d := receive(t, work); d.ID != stop.ID {
		t.Errorf("next job is %s, want the stop", d.Kind)
	}
}

func TestStopIsSentIfStartCannotBeCancelled(t *testing.T) {
	s := open(t, t.TempDir())
	err := s.bus.Answer(t.Context(), bus.Command(left4me.LocalHost, bus.VerbCancel), func(context.Context, string, []byte) (any, error) {
		return nil, &left4me.Error{Kind: left4me.Busy, Text: "not now"}
	})
	if err != nil {
		t.Fatal(err)
	}
	work := s.work(t)
	s.add(t, left4me.StartServer, "alpha")
	d := receive(t, work)
	s.claim(t, d.ID)
	stop := s.add(t, left4me.StopServer, "alpha")
	s.finish(t, d, left4me.JobDone)
	if d := receive(t, work); d.ID != stop.ID {
		t.Errorf("next job is %s, want the stop", d.Kind)
	}
}

func TestCancelEndsQueuedJob(t *testing.T) {
	s := open(t, t.TempDir())
	j := s.add(t, left4me.StartServer, "alpha")
	if _, err := s.jobs.Cancel(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	if st := s.state(t, j.ID); st != left4me.JobCancelled {
		t.Errorf("state %s, want cancelled", st)
	}
	if v := s.claim(t, j.ID); v != bus.Drop {
		t.Errorf("claim of a cancelled job: %s", v)
	}
	if _, err := s.jobs.Retry(t.Context(), left4me.ByUser("tester"), j.ID); !errors.Is(err, left4me.Conflict) {
		t.Errorf("retry without an OnRetry function: %v", err)
	}
	s.jobs.OnRetry("server", func(_ context.Context, by left4me.Actor, v store.QueuedJob) (left4me.Job, error) {
		if by != left4me.ByUser("tester") || v.ID != j.ID || len(v.Spec) == 0 {
			t.Errorf("%s retries %+v", by, v)
		}
		return left4me.Job{ID: "again"}, nil
	})
	if again, err := s.jobs.Retry(t.Context(), left4me.ByUser("tester"), j.ID); err != nil || again.ID != "again" {
		t.Errorf("retry: %+v, %v", again, err)
	}
}

// renames is a store in which a server is renamed just before the end of its job is written.
type renames struct {
	store.Jobs
	rename func()
}

func (r renames) End(ctx context.Context, v left4me.Job, drop left4me.Name) (left4me.Job, bool, error) {
	r.rename()
	return r.Jobs.End(ctx, v, drop)
}

func TestJobEndHasCurrentServerName(t *testing.T) {
	s := openWith(t, t.TempDir(), func(st *store.Store) jobs.Storage {
		return renames{st.Jobs(), sync.OnceFunc(func() {
			if _, _, err := st.Servers().Rename(context.Background(), "alpha", "gamma", 0); err != nil {
				t.Error(err)
			}
		})}
	})
	work := s.work(t)
	first := s.add(t, left4me.StopServer, "alpha")
	waits := s.add(t, left4me.StartServer, "alpha")
	changes, err := s.jobs.Watch(t.Context(), first.ID)
	if err != nil {
		t.Fatal(err)
	}
	d := receive(t, work)
	s.claim(t, d.ID)
	s.finish(t, d, left4me.JobDone)
	var last left4me.Job
	for last = range changes {
	}
	if last.State != left4me.JobDone || last.Target != "gamma" {
		t.Errorf("the watcher got %+v", last)
	}
	if d := receive(t, work); d.ID != waits.ID {
		t.Errorf("next job is %s, want the start", d.Kind)
	}
}

// leaves is a store that simulates a caller who cancels the request right after Add.
type leaves struct {
	store.Jobs
	hangUp func()
}

func (l leaves) Add(ctx context.Context, v store.QueuedJob, decide func([]store.QueuedJob) (*store.QueuedJob, error)) (store.QueuedJob,
	error,
) {
	defer l.hangUp()
	return l.Jobs.Add(ctx, v, decide)
}

func TestJobContinuesWhenCallerGivesUp(t *testing.T) {
	s := open(t, t.TempDir())
	queued := s.add(t, left4me.StartServer, "alpha")
	ctx, hangUp := context.WithCancel(t.Context())
	list := jobs.New(leaves{s.store.Jobs(), hangUp}, s.bus, slog.New(slog.DiscardHandler)) // this list never resends
	stop, err := list.Add(ctx, left4me.ByUser("tester"), left4me.StopServer, "alpha", left4me.LocalHost, left4me.Spec{Name: "alpha"})
	if err != nil {
		t.Fatal(err)
	}
	if st := s.state(t, queued.ID); st != left4me.JobCancelled {
		t.Errorf("the start cancelled by the stop is %s", st)
	}
	for work := s.work(t); ; {
		if d := receive(t, work); d.ID == stop.ID {
			return
		}
	}
}

func TestQueuedJobIsResent(t *testing.T) {
	s := open(t, t.TempDir())
	work := s.work(t)
	v := store.QueuedJob{
		Job:  left4me.Job{ID: "1", Kind: left4me.StopServer, Target: "alpha", Host: left4me.LocalHost},
		Spec: json.RawMessage("{}"),
	}
	if _, err := s.store.Jobs().Add(t.Context(), v, func([]store.QueuedJob) (*store.QueuedJob, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	if d := receive(t, work); d.ID != "1" {
		t.Errorf("%s was sent", d.ID)
	}
}

func TestRestartNeitherLosesNorRepeatsJobs(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	queued := s.add(t, left4me.StartServer, "queued")
	running := s.add(t, left4me.StartServer, "running")
	work := s.work(t)
	for range 2 {
		if d := receive(t, work); d.ID == running.ID {
			s.claim(t, d.ID)
		}
	}
	s.stop() // nothing was acknowledged, as after kill -9

	s = open(t, dir)
	work = s.work(t)
	seen := map[left4me.JobID]int{}
	for range 2 {
		d := receive(t, work)
		seen[d.ID]++
		if v := s.claim(t, d.ID); v != bus.Go {
			t.Errorf("%s: %s", d.Target, v)
		}
		s.finish(t, d, left4me.JobDone)
	}
	if seen[queued.ID] != 1 || seen[running.ID] != 1 {
		t.Errorf("delivered %v", seen)
	}
	j, err := s.jobs.Get(t.Context(), running.ID)
	if err != nil || j.Attempt != 2 || j.State != left4me.JobDone {
		t.Errorf("got %+v, error %v", j, err)
	}
	select {
	case d := <-work:
		t.Errorf("%s was delivered twice", d.Target)
	default:
	}
}

func TestJobThatCrashesHostIsInterrupted(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	j := s.add(t, left4me.StartServer, "alpha")
	for range 4 {
		if v := s.claim(t, j.ID); v != bus.Go {
			t.Fatalf("claim: %s", v)
		}
		s.stop()
		s = open(t, dir)
	}
	got, err := s.jobs.Get(t.Context(), j.ID)
	if err != nil || got.State != left4me.JobInterrupted || got.Error == nil {
		t.Errorf("got %+v, error %v", got, err)
	}
}

func TestJobWithoutReportedEndIsInterrupted(t *testing.T) {
	s := open(t, t.TempDir())
	j := s.add(t, left4me.StartServer, "alpha")
	for range 4 {
		if v := s.claim(t, j.ID); v != bus.Go {
			t.Fatalf("claim: %s", v)
		}
	}
	if v := s.claim(t, j.ID); v != bus.Drop {
		t.Errorf("claim of a job that was started four times: %s", v)
	}
	got, err := s.jobs.Get(t.Context(), j.ID)
	if err != nil || got.State != left4me.JobInterrupted || got.Error == nil ||
		got.Error.Text != "the job was started 4 times and never reported its result" {
		t.Errorf("got %+v, error %v", got, err)
	}
}

func TestAddRefusesOversizedJob(t *testing.T) {
	s := open(t, t.TempDir())
	long := left4me.Spec{Name: "alpha", BlueprintCfg: []string{strings.Repeat("<", 5<<20)}}
	if _, err := s.jobs.Add(t.Context(), left4me.ByUser("tester"), left4me.StartServer, "alpha", left4me.LocalHost, long); !errors.Is(err,
		left4me.Invalid) {
		t.Errorf("got error %.200v", err)
	}
	if active, err := s.store.Jobs().Active(t.Context()); err != nil || len(active) != 0 {
		t.Errorf("%d jobs wait, %v", len(active), err)
	}
}

// Older versions of left4me stored jobs that the bus refuses.
func TestOversizedQueuedJobFails(t *testing.T) {
	s := open(t, t.TempDir())
	spec, err := bus.Marshal(strings.Repeat("<", 5<<20))
	if err != nil {
		t.Fatal(err)
	}
	v := store.QueuedJob{Job: left4me.Job{ID: "1", Kind: left4me.StopServer, Target: "alpha", Host: left4me.LocalHost}, Spec: spec}
	if _, err := s.store.Jobs().Add(t.Context(), v, func([]store.QueuedJob) (*store.QueuedJob, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	changes, err := s.jobs.Watch(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	var last left4me.Job
	for last = range changes {
	}
	if last.State != left4me.JobFailed || !errors.Is(last.Error, left4me.Invalid) {
		t.Errorf("got %+v", last)
	}
}

func TestDeleteJobRemovesServerRow(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := t.Context()
	work := s.work(t)
	s.add(t, left4me.DeleteServer, "alpha")
	if _, err := s.jobs.Add(ctx, left4me.ByUser("tester"), left4me.StartServer, "alpha", left4me.LocalHost,
		left4me.Spec{Name: "alpha"}); !errors.Is(err,
		left4me.Conflict) {
		t.Errorf("start of a server that is being deleted: %v", err)
	}
	d := receive(t, work)
	s.claim(t, d.ID)
	if _, err := s.store.Servers().Get(ctx, "alpha"); err != nil {
		t.Errorf("the row was removed before the job ended: %v", err)
	}
	s.finish(t, d, left4me.JobDone)
	if _, err := s.store.Servers().Get(ctx, "alpha"); !errors.Is(err, left4me.NotFound) {
		t.Errorf("the row still exists: %v", err)
	}
	if _, err := s.jobs.Add(ctx, left4me.ByUser("tester"), left4me.StartServer, "alpha", left4me.LocalHost,
		left4me.Spec{Name: "alpha"}); !errors.Is(err,
		left4me.NotFound) {
		t.Errorf("start of a deleted server: %v", err)
	}
}

func TestHostCannotClaimJobsOfOthers(t *testing.T) {
	s := open(t, t.TempDir())
	j := s.add(t, left4me.StartServer, "alpha")
	var a bus.ClaimAnswer
	if err := s.bus.Request(t.Context(), bus.Ask("other", bus.VerbClaim), bus.ClaimRequest{V: 1, ID: j.ID}, &a); err != nil ||
		a.Verdict != bus.Drop {
		t.Errorf("got %+v, error %v", a, err)
	}
	r := bus.JobReport{V: 1, ID: j.ID, State: left4me.JobDone}
	_ = s.bus.Request(t.Context(), bus.Ask("other", bus.VerbReport), r, nil)
	if st := s.state(t, j.ID); st != left4me.JobQueued {
		t.Errorf("a claim by another host changed the state to %s", st)
	}
}
