package overlays_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

const patience = time.Minute

// until waits for a condition.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("timeout waiting for: " + what)
		}
	}
}

// run starts Run with a clock that the returned function advances.
func (s *site) run(t *testing.T) (ahead func(time.Duration)) {
	t.Helper()
	var (
		mu sync.Mutex
		by time.Duration
	)
	s.Set(func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return time.Now().Add(by)
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return func(d time.Duration) {
		mu.Lock()
		by += d
		mu.Unlock()
		s.Wake()
	}
}

func (s *site) builds(t *testing.T, name left4me.Name) int {
	t.Helper()
	all, err := s.jobs.List(t.Context(), "overlay", name, 100)
	if err != nil {
		t.Fatal(err)
	}
	return len(slices.DeleteFunc(all, func(j left4me.Job) bool { return j.Kind != left4me.BuildOverlay }))
}

func TestRefreshBuildsOneOverlayAtATime(t *testing.T) {
	s := newSite(t)
	var (
		mu      sync.Mutex
		running int
		most    int
	)
	s.serve(t, func(m bus.JobMessage) *left4me.Error {
		if m.Kind != left4me.BuildOverlay {
			return nil
		}
		mu.Lock()
		running++
		most = max(most, running)
		mu.Unlock()
		time.Sleep(50 * time.Millisecond) // long enough for concurrent builds to be seen
		mu.Lock()
		running--
		mu.Unlock()
		return nil
	})
	w := &left4me.Workshop{Entries: []left4me.WorkshopEntry{{ID: "121086524"}}}
	for _, name := range []left4me.Name{"one", "two", "three", "never"} {
		o := left4me.Overlay{Name: name, Kind: left4me.WorkshopOverlay, Workshop: w, Refresh: left4me.Refresh{Hours: 24}}
		if name == "never" {
			o.Refresh.Hours = 0
		}
		if _, err := s.Create(t.Context(), left4me.ByUser(admin), o); err != nil {
			t.Fatal(err)
		}
	}
	ahead := s.run(t)
	until(t, "what nothing needs is removed once a day", func() bool {
		all, err := s.jobs.List(t.Context(), "content", left4me.LocalHost, 9)
		return err == nil && len(all) == 1 && all[0].By == left4me.BySchedule
	})
	if n := s.builds(t, "one"); n != 0 {
		t.Errorf("%d builds a day before the overlay is due", n)
	}
	// After a downtime of days, a single check catches up.
	ahead(72 * time.Hour)
	for _, name := range []left4me.Name{"one", "two", "three"} {
		until(t, "a look for "+string(name), func() bool {
			v, err := s.Get(t.Context(), name)
			return err == nil && !v.CheckedAt.IsZero() && v.Job == nil
		})
	}
	mu.Lock()
	defer mu.Unlock()
	if most != 1 {
		t.Errorf("%d builds at once", most)
	}
	if n := s.builds(t, "never"); n != 0 {
		t.Errorf("%d builds of an overlay without a schedule", n)
	}
}

func TestScheduledRevisionIsRolledOut(t *testing.T) {
	s := newSite(t)
	s.serve(t, func(m bus.JobMessage) *left4me.Error {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case m.Kind == left4me.BuildOverlay:
			v := s.contents[m.Target]
			by := "schedule"
			if strings.Contains(string(m.Spec), admin) {
				by = admin
			}
			if v.Current == 3 {
				return nil // nothing newer
			}
			v.Current++
			v.Revisions = slices.Insert(v.Revisions, 0, left4me.Revision{Number: v.Current, By: by})
			s.contents[m.Target] = v
			s.tell(t)
		case m.Kind == left4me.RestartServer && m.Target == "broken":
			return &left4me.Error{Kind: left4me.Unavailable, Text: "it ended by itself"}
		case m.Kind == left4me.RestartServer:
			s.up(t, m.Target, 0, s.contents["maps"].Current)
		}
		return nil
	})
	o := left4me.Overlay{
		Name: "maps", Kind: left4me.WorkshopOverlay, Workshop: &left4me.Workshop{Entries: []left4me.WorkshopEntry{{ID: "1"}}},
		Refresh: left4me.Refresh{Hours: 24, Restart: "empty"},
	}
	if _, err := s.Create(t.Context(), left4me.ByUser(admin), o); err != nil {
		t.Fatal(err)
	}
	s.lay("maps", 1)
	if _, err := s.Blueprints().Create(t.Context(), left4me.ByUser("tester"),
		left4me.Blueprint{Name: "versus", Overlays: left4me.Refs("maps")}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []left4me.Name{"alpha", "full"} {
		if _, err := s.servers.Create(t.Context(), left4me.ByUser("tester"), left4me.Server{Name: name, Blueprint: "versus"}); err != nil {
			t.Fatal(err)
		}
	}
	s.mu.Lock()
	s.tell(t)
	s.up(t, "alpha", 0, 1)
	s.up(t, "full", 2, 1)
	s.mu.Unlock()
	ahead := s.run(t)
	// Revisions that a user builds are rolled out by that user.
	j, err := s.Build(t.Context(), left4me.ByUser(admin), "maps", overlays.Request{})
	s.ended(t, j, err)
	until(t, "alpha has newer content", func() bool {
		v, err := s.servers.Get(t.Context(), "alpha")
		return err == nil && len(v.NewContent) == 1
	})
	if r, err := s.Restart(t.Context(), "maps"); err != nil || r != nil {
		t.Errorf("got %+v, error %v", r, err)
	}
	ahead(25 * time.Hour)
	until(t, "the rollout has started", func() bool {
		r, err := s.Restart(t.Context(), "maps")
		return err == nil && r != nil && len(r.Wishes)+len(r.Moves) >= 1
	})
	ahead(2 * time.Minute)
	until(t, "alpha is restarted", func() bool {
		v, err := s.servers.Get(t.Context(), "alpha")
		return err == nil && len(v.NewContent) == 0 && v.Job == nil
	})
	r, err := s.Restart(t.Context(), "maps")
	if err != nil || r.State != overlays.RestartRuns || len(r.Wishes) != 1 || r.Wishes[0].Server != "full" ||
		r.Wishes[0].Why.Text != "2 players are connected" {
		t.Errorf("got %+v, error %v", r, err)
	}
	all, err := s.jobs.List(t.Context(), "server", "full", 9)
	if err != nil || len(all) != 0 {
		t.Errorf("a server with players was restarted: %+v, %v", all, err)
	}
	if r, err = s.CancelRestart(t.Context(), left4me.ByUser(admin), "maps"); err != nil || r.State != overlays.RestartCancelled ||
		r.Reason.Text != "cancelled by admin" {
		t.Errorf("got %+v, error %v", r, err)
	}
	s.mu.Lock()
	s.up(t, "full", 0, 1)
	s.mu.Unlock()
	ahead(2 * time.Minute)
	if all, err := s.jobs.List(t.Context(), "server", "alpha", 9); err != nil || len(all) != 1 ||
		!strings.Contains(all[0].By.Name, "revision 3 of maps") {
		t.Errorf("got %+v, error %v", all, err)
	}
	if _, err := s.CancelRestart(t.Context(), left4me.ByUser(admin), "nothing"); !errors.Is(err, left4me.NotFound) {
		t.Error(err)
	}
}

// The report of a new revision may arrive after the end of the job that built it. Until then no
// server seems to need a restart, which must not end the rollout.
func TestRolloutWaitsForReportOfRevision(t *testing.T) {
	s := newSite(t)
	s.serve(t, func(m bus.JobMessage) *left4me.Error {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch m.Kind {
		case left4me.BuildOverlay:
			s.contents["maps"] = left4me.Content{
				Name: "maps", Current: 2, Revisions: []left4me.Revision{{Number: 2, By: left4me.BySchedule.Name}, {Number: 1}},
			} // without a report
		case left4me.RestartServer:
			s.up(t, m.Target, 0, 2)
		}
		return nil
	})
	o := left4me.Overlay{
		Name: "maps", Kind: left4me.WorkshopOverlay, Workshop: &left4me.Workshop{Entries: []left4me.WorkshopEntry{{ID: "1"}}},
		Refresh: left4me.Refresh{Hours: 24, Restart: "empty"},
	}
	if _, err := s.Create(t.Context(), left4me.ByUser(admin), o); err != nil {
		t.Fatal(err)
	}
	s.lay("maps", 1)
	sv := left4me.Server{Name: "alpha", Blueprint: "default", Overlays: left4me.Refs("maps")}
	if _, err := s.servers.Create(t.Context(), left4me.ByUser("tester"), sv); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.tell(t)
	s.up(t, "alpha", 0, 1)
	s.mu.Unlock()
	until(t, "alpha is up", func() bool {
		v, err := s.servers.Get(t.Context(), "alpha")
		return err == nil && v.Status.State == left4me.Running
	})
	ahead := s.run(t)
	ahead(25 * time.Hour)
	until(t, "alpha is restarted and the rollout has ended", func() bool {
		r, err := s.Restart(t.Context(), "maps")
		if err != nil || r == nil || r.State == overlays.RestartRuns {
			ahead(time.Minute) // a server must be empty for a while
			return false
		}
		if len(r.Moves) != 1 || r.Moves[0].Server != "alpha" || r.State != overlays.RestartDone {
			t.Fatalf("got %+v, want one restart, of alpha", r)
		}
		return true
	})
}

// Two passes may see a new revision at the same time, such as at the start of left4me. The second
// one must not revive a rollout that the first began and a user cancelled.
func TestCancelledRolloutIsNotRestarted(t *testing.T) {
	s := newSite(t)
	s.serve(t, nil)
	o := left4me.Overlay{
		Name: "maps", Kind: left4me.WorkshopOverlay, Workshop: &left4me.Workshop{Entries: []left4me.WorkshopEntry{{ID: "1"}}},
		Refresh: left4me.Refresh{Hours: 24, Restart: "empty"},
	}
	if _, err := s.Create(t.Context(), left4me.ByUser(admin), o); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.contents["maps"] = left4me.Content{Name: "maps", Current: 2, Revisions: []left4me.Revision{{Number: 2, By: left4me.BySchedule.Name}}}
	s.mu.Unlock()
	err := s.StartRolloutsBlocked(t.Context(), func() {
		until(t, "startRollouts waits for the lock", func() bool {
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			return slices.ContainsFunc(strings.Split(string(stacks), "\n\n"), func(g string) bool {
				return strings.Contains(g, "sync.Mutex.Lock") && strings.Contains(g, ".(*Overlays).startRollouts(")
			})
		})
		r := store.OverlayRestart{Overlay: "maps", Revision: 2, State: overlays.RestartCancelled, CreatedAt: time.Now()}
		if err := s.store.OverlayRestarts().Set(t.Context(), r); err != nil {
			t.Error(err)
		}
	})
	if r, rerr := s.Restart(t.Context(), "maps"); err != nil || rerr != nil || r.State != overlays.RestartCancelled {
		t.Errorf("got %+v, error %v, error %v", r, err, rerr)
	}
}

// up publishes a server running on a revision of maps. The caller holds the site's lock.
func (s *site) up(t *testing.T, name left4me.Name, players, revision int) {
	st := left4me.Status{
		Name:     name,
		State:    left4me.Running,
		Players:  players,
		Build:    1,
		Overlays: []left4me.OverlayRef{{Name: "maps", Revision: revision}},
	}
	s.statuses[name] = st
	if err := s.bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindStatus), st); err != nil {
		t.Error(err)
	}
}

// tell publishes the current revisions. The caller holds the site's lock.
func (s *site) tell(t *testing.T) {
	c := bus.Currents{V: bus.Version, Revisions: map[left4me.Name]int{}}
	for n, v := range s.contents {
		c.Revisions[n] = v.Current
	}
	if err := s.bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindContent), c); err != nil {
		t.Error(err)
	}
}

// A user named schedule isn't the scheduler: its builds are not rolled out automatically, and they
// don't delay scheduled ones.
func TestUserNamedScheduleIsNotScheduler(t *testing.T) {
	s := newSite(t)
	s.serve(t, nil)
	o := left4me.Overlay{
		Name: "maps", Kind: left4me.WorkshopOverlay, Workshop: &left4me.Workshop{Entries: []left4me.WorkshopEntry{{ID: "1"}}},
		Refresh: left4me.Refresh{Hours: 24, Restart: "empty"},
	}
	if _, err := s.Create(t.Context(), left4me.ByUser(admin), o); err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		by    left4me.Actor
		begin bool
	}{
		{left4me.ByUser("schedule"), false},
		{left4me.Actor{Kind: left4me.TokenActor, Name: "cron", Owner: "schedule"}, false},
		{left4me.BySchedule, true},
	} {
		j, err := s.jobs.Add(t.Context(), c.by, left4me.BuildOverlay, "maps", left4me.LocalHost,
			left4me.BuildSpec{Overlay: o, By: c.by.String()})
		j = s.ended(t, j, err)
		s.mu.Lock()
		r := left4me.Revision{Number: i + 2, By: c.by.String(), Job: j.ID}
		s.contents["maps"] = left4me.Content{Name: "maps", Current: r.Number, Revisions: []left4me.Revision{r}}
		s.mu.Unlock()
		if err := s.StartRollouts(t.Context()); err != nil {
			t.Fatal(err)
		}
		if v, err := s.Restart(t.Context(), "maps"); err != nil || (v != nil) != c.begin {
			t.Errorf("built by %#v: %+v, %v", c.by, v, err)
		}
	}
}

// The rollout of a revision starts after its build and continues after a server's restart even if
// no watcher and no timer fires: here the rows are written without control/jobs.
func TestRevisionRolloutDoesNotDependOnWatchers(t *testing.T) {
	s := newSite(t)
	release := make(chan struct{})
	defer close(release)
	s.serve(t, func(bus.JobMessage) *left4me.Error {
		<-release // the host never reports the end of a job
		return nil
	})
	o := left4me.Overlay{
		Name: "maps", Kind: left4me.WorkshopOverlay, Workshop: &left4me.Workshop{Entries: []left4me.WorkshopEntry{{ID: "1"}}},
		Refresh: left4me.Refresh{Hours: 24, Restart: "empty"},
	}
	if _, err := s.Create(t.Context(), left4me.ByUser(admin), o); err != nil {
		t.Fatal(err)
	}
	s.lay("maps", 1)
	names := []left4me.Name{"alpha", "beta"}
	for _, name := range names {
		if _, err := s.servers.Create(t.Context(), left4me.ByUser("tester"),
			left4me.Server{Name: name, Overlays: left4me.Refs("maps")}); err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		s.up(t, name, 0, 1)
		s.mu.Unlock()
	}
	s.OnlyEvents()
	ahead := s.run(t)
	by := left4me.BySchedule
	build := left4me.Job{ID: "1", Kind: left4me.BuildOverlay, Target: "maps", Host: left4me.LocalHost, By: by}
	_, err := s.store.Jobs().Add(t.Context(), store.QueuedJob{Job: build, Spec: []byte("{}")},
		func([]store.QueuedJob) (*store.QueuedJob, error) { return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	v := left4me.Content{
		Name: "maps", Current: 2,
		Revisions: []left4me.Revision{{Number: 2, By: by.Name, Job: build.ID}, {Number: 1, Servers: names}},
	}
	s.contents["maps"] = v
	s.tell(t)
	s.mu.Unlock()
	until(t, "the servers have newer content", func() bool {
		all, err := s.servers.List(t.Context())
		return err == nil && !slices.ContainsFunc(all, func(v servers.View) bool { return len(v.NewContent) == 0 })
	})
	for range 2 { // the second pass sees that the servers have been empty for a while
		if err := s.Advance(t.Context()); err != nil {
			t.Fatal(err)
		}
		ahead(time.Hour)
	}
	end := func(v left4me.Job) {
		v.State, v.EndedAt = left4me.JobDone, time.Now()
		if _, ended, err := s.store.Jobs().End(t.Context(), v, ""); err != nil || !ended {
			t.Fatal(ended, err)
		}
	}
	end(build)
	for i := range names {
		var r *overlays.Restart
		until(t, "the next server restarts", func() bool {
			r, err = s.Restart(t.Context(), "maps")
			return err == nil && r != nil && len(r.Moves) == i+1
		})
		j, err := s.jobs.Get(t.Context(), r.Moves[i].Job)
		if err != nil {
			t.Fatal(err)
		}
		end(j)
	}
	until(t, "the restarts are over", func() bool {
		r, err := s.Restart(t.Context(), "maps")
		return err == nil && r.State == overlays.RestartDone
	})
}
