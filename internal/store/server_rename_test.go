package store_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// named creates a server with this name.
func named(t *testing.T, s *store.Store, name left4me.Name, port int) left4me.Server {
	t.Helper()
	ok(t, s.Servers().Create(t.Context(), left4me.Server{Name: name, Host: "local", Port: port, Blueprint: "default", CreatedAt: at}))
	v, err := s.Servers().Get(t.Context(), name)
	ok(t, err)
	return v
}

// addStart adds a job whose payload has both names of a server.
func addStart(t *testing.T, s *store.Store, id left4me.JobID, v left4me.Server) (store.QueuedJob, error) {
	t.Helper()
	spec, err := json.Marshal(left4me.SpecOf(v, left4me.Blueprint{}, nil))
	ok(t, err)
	j := jobOn(id, left4me.StartServer, v.Name)
	j.TargetID = v.ID
	return s.Jobs().Add(t.Context(), store.QueuedJob{Job: j, Spec: spec},
		func([]store.QueuedJob) (*store.QueuedJob, error) { return nil, nil })
}

// Rename updates everything that belongs to a server; its host keeps the old name.
func TestRenameServerUpdatesReferences(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	alpha := named(t, s, "alpha", 27015)
	ok(t, addJob(ctx, s, jobOn("1", left4me.StartServer, "alpha")))
	ok(t, s.Crashes().Add(ctx, store.Crash{Host: "local", Server: "alpha", At: at}))
	ok(t, s.Reports().Set(ctx, []store.Report{{Host: "local", Noun: "server", Name: "alpha", Value: "running"}}))
	ok(t, s.Game().SetRollout(ctx, store.Rollout{Host: "local", State: "moving", Moves: []store.Move{{Server: "alpha", Job: "1"}}}))
	_, err := s.Overlays().Create(ctx, left4me.ByUser("ann"), left4me.Overlay{Name: "maps", Kind: left4me.FilesOverlay, CreatedAt: at})
	ok(t, err)
	ok(t, s.OverlayRestarts().Set(ctx, store.OverlayRestart{Overlay: "maps", Moves: []store.Move{{Server: "alpha"}, {Server: "other"}}}))

	before, after, err := s.Servers().Rename(ctx, "alpha", "beta", alpha.Version)
	ok(t, err)
	if before.Name != "alpha" || after.Name != "beta" || after.OnHost() != "alpha" || after.ID != alpha.ID ||
		after.Version != alpha.Version+1 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	now, err := s.Servers().Get(ctx, "beta")
	ok(t, err)
	if now.HostName != "alpha" || now.Version != after.Version || now.Wanted != left4me.WantRunning {
		t.Errorf("the row is %+v", now)
	}
	_, err = s.Servers().Get(ctx, "alpha")
	is(t, err, left4me.NotFound, "")
	if all, err := s.Jobs().List(ctx, "server", "beta", "", 10); err != nil || len(all) != 1 || all[0].Target != "beta" {
		t.Errorf("jobs %+v, %v", all, err)
	}
	if all, err := s.Crashes().List(ctx, "beta", 10); err != nil || len(all) != 1 || all[0].Server != "beta" {
		t.Errorf("crashes %+v, %v", all, err)
	}
	if v, err := s.Game().Rollout(ctx, "local"); err != nil || len(v.Moves) != 1 || v.Moves[0].Server != "beta" || v.Moves[0].Job != "1" {
		t.Errorf("rollout %+v, %v", v, err)
	}
	if all, err := s.OverlayRestarts().List(ctx); err != nil || len(all) != 1 || all[0].Moves[0].Server != "beta" ||
		all[0].Moves[1].Server != "other" {
		t.Errorf("restarts %+v, %v", all, err)
	}
	// The last reported state is still the current one.
	last := lastEvent(t, s)
	ok(t, s.Reports().Set(ctx, []store.Report{{Host: "local", Noun: "server", Name: "beta", Value: "running"}}))
	if e := lastEvent(t, s); e.Position != last.Position {
		t.Errorf("event for an unchanged state: %+v", e)
	}
	var data left4me.RenameEvent
	ok(t, last.Read(&data))
	if last.Kind != left4me.ServerRenamed || last.Target != after.Target() ||
		data != (left4me.RenameEvent{From: "alpha", To: "beta", Version: 2}) {
		t.Errorf("event %+v, %+v", last, data)
	}
}

func lastEvent(t *testing.T, s *store.Store) left4me.Event {
	t.Helper()
	all, err := s.Events().After(t.Context(), 0, 1000)
	ok(t, err)
	return all[len(all)-1]
}

// Until the first start after a rename, both names are taken.
func TestBothNamesOfRenamedServerAreTaken(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	alpha := named(t, s, "alpha", 27015)
	named(t, s, "other", 27016)
	_, _, err := s.Servers().Rename(ctx, "alpha", "other", 0)
	is(t, err, left4me.Conflict, "name")
	_, _, err = s.Servers().Rename(ctx, "nobody", "gamma", 0)
	is(t, err, left4me.NotFound, "")
	_, _, err = s.Servers().Rename(ctx, "alpha", "beta", 7)
	is(t, err, left4me.Conflict, "version")
	_, _, err = s.Servers().Rename(ctx, "alpha", "beta", 0)
	ok(t, err)
	for _, name := range []left4me.Name{"alpha", "beta"} {
		err := s.Servers().Create(ctx, left4me.Server{Name: name, Host: "local", Port: 27017, Blueprint: "default", CreatedAt: at})
		is(t, err, left4me.Conflict, "name")
		_, _, err = s.Servers().Rename(ctx, "other", name, 0)
		is(t, err, left4me.Conflict, "name")
		v, err := s.Servers().ByHostName(ctx, "local", name)
		if err != nil || v.ID != alpha.ID {
			t.Errorf("ByHostName(%s): %+v, %v", name, v, err)
		}
	}
	_, back, err := s.Servers().Rename(ctx, "beta", "alpha", 0)
	if err != nil || back.HostName != "" {
		t.Errorf("back to the host's name: %+v, %v", back, err)
	}
	named(t, s, "beta", 27018) // the name is free again
}

// The host name is updated by the step of the job that renamed the server there.
func TestJobStepUpdatesHostName(t *testing.T) {
	for _, end := range []bool{false, true} {
		s := newStore(t)
		ctx := t.Context()
		named(t, s, "alpha", 27015)
		_, beta, err := s.Servers().Rename(ctx, "alpha", "beta", 0)
		ok(t, err)
		j, err := addStart(t, s, "1", beta)
		ok(t, err)
		_, _, err = s.Jobs().Run(ctx, "1", at)
		ok(t, err)
		tell := func(state left4me.StepState) left4me.Name {
			t.Helper()
			steps := []left4me.Step{{Label: left4me.StepRename, State: state}}
			if end {
				v := j.Job
				v.State, v.Steps, v.EndedAt = left4me.JobFailed, steps, at.Add(time.Minute)
				_, _, err := s.Jobs().End(ctx, v, "")
				ok(t, err)
			} else {
				ok(t, s.Jobs().Step(ctx, "1", steps, nil))
			}
			v, err := s.Servers().Get(ctx, "beta")
			ok(t, err)
			return v.HostName
		}
		if !end {
			if n := tell(left4me.StepRunning); n != "alpha" {
				t.Errorf("HostName = %q before the step is done", n)
			}
			if n := tell(left4me.StepFailed); n != "alpha" {
				t.Errorf("HostName = %q after the step failed", n)
			}
		}
		if n := tell(left4me.StepDone); n != "" {
			t.Errorf("end %t: HostName = %q, want empty", end, n)
		}
		named(t, s, "alpha", 27016)
	}
}

// While a job renames a server on its host, its final name there is unknown.
func TestRenameRefusedWhileStartRenames(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	alpha := named(t, s, "alpha", 27015)
	_, err := addStart(t, s, "1", alpha) // under its current name
	ok(t, err)
	_, beta, err := s.Servers().Rename(ctx, "alpha", "beta", 0)
	ok(t, err)
	j, err := s.Jobs().Get(ctx, "1")
	if err != nil || j.Target != "beta" {
		t.Errorf("job target %s, want beta, %v", j.Target, err)
	}
	_, err = addStart(t, s, "2", beta)
	ok(t, err)
	_, _, err = s.Servers().Rename(ctx, "beta", "gamma", 0)
	is(t, err, left4me.Busy, "")
	for _, id := range []left4me.JobID{"1", "2"} {
		_, _, err = s.Jobs().End(ctx,
			left4me.Job{ID: id, Kind: left4me.StartServer, Target: "beta", State: left4me.JobCancelled, EndedAt: at}, "")
		ok(t, err)
	}
	_, _, err = s.Servers().Rename(ctx, "beta", "gamma", 0)
	ok(t, err)
	// A job based on an older definition would restore a name that others may have now.
	_, err = addStart(t, s, "3", beta)
	is(t, err, left4me.Conflict, "")
	deletion := jobOn("4", left4me.DeleteServer, "gamma")
	ok(t, addJob(ctx, s, deletion))
	_, _, err = s.Servers().Rename(ctx, "gamma", "delta", 0)
	is(t, err, left4me.Conflict, "")
}

// A user who read the server before the rename may request a job under the old name.
func TestJobFollowsRenamedServer(t *testing.T) {
	s := newStore(t)
	alpha := named(t, s, "alpha", 27015)
	_, _, err := s.Servers().Rename(t.Context(), "alpha", "beta", 0)
	ok(t, err)
	j, err := addStart(t, s, "1", alpha)
	if err != nil || j.Target != "beta" || j.TargetID != alpha.ID {
		t.Errorf("got %+v, error %v", j.Job, err)
	}
}

// The host's report of a server's name is authoritative.
func TestOnHostAsUpdatesHostName(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	named(t, s, "alpha", 27015)
	_, beta, err := s.Servers().Rename(ctx, "alpha", "beta", 0)
	ok(t, err)
	_, err = addStart(t, s, "1", beta)
	ok(t, err)
	ok(t, s.Servers().OnHostAs(ctx, beta.ID, "beta"))
	if v, err := s.Servers().Get(ctx, "beta"); err != nil || v.HostName != "alpha" {
		t.Errorf("while a job is active: %+v, %v", v, err)
	}
	_, _, err = s.Jobs().End(ctx,
		left4me.Job{ID: "1", Kind: left4me.StartServer, Target: "beta", State: left4me.JobInterrupted, EndedAt: at},
		"")
	ok(t, err)
	ok(t, s.Servers().OnHostAs(ctx, beta.ID, "beta"))
	if v, err := s.Servers().Get(ctx, "beta"); err != nil || v.HostName != "" {
		t.Errorf("got %+v, error %v", v, err)
	}
	// For example, the database predates the rename, or the host's disk does.
	ok(t, s.Servers().OnHostAs(ctx, beta.ID, "gamma"))
	if v, err := s.Servers().Get(ctx, "beta"); err != nil || v.HostName != "gamma" {
		t.Errorf("got %+v, error %v", v, err)
	}
	named(t, s, "other", 27016)
	ok(t, s.Servers().OnHostAs(ctx, beta.ID, "other"))
	if v, err := s.Servers().Get(ctx, "beta"); err != nil || v.HostName != "gamma" {
		t.Errorf("with another server's name: %+v, %v", v, err)
	}
}

// Once the host has renamed a server, another may take the old name, so no job on the renamed
// server may contain it.
func TestJobsDropOldNameAfterRenameOnHost(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	named(t, s, "alpha", 27015)
	_, beta, err := s.Servers().Rename(ctx, "alpha", "beta", 0)
	ok(t, err)
	for _, id := range []left4me.JobID{"1", "2"} {
		_, err := addStart(t, s, id, beta)
		ok(t, err)
	}
	discard := jobOn("3", left4me.DiscardUpper, "beta")
	discard.TargetID = beta.ID
	_, err = s.Jobs().Add(ctx, store.QueuedJob{Job: discard, Spec: []byte(`{"server":"alpha","paths":["a"]}`)},
		func([]store.QueuedJob) (*store.QueuedJob, error) { return nil, nil })
	ok(t, err)
	ok(t, addJob(ctx, s, jobOn("4", left4me.StopServer, "beta"))) // without either name
	_, _, err = s.Jobs().Run(ctx, "1", at)
	ok(t, err)
	ok(t, s.Jobs().Step(ctx, "1", []left4me.Step{{Label: left4me.StepRename, State: left4me.StepDone}}, nil))
	all, err := s.Jobs().Active(ctx)
	if err != nil || len(all) != 4 {
		t.Fatalf("%d jobs, %v", len(all), err)
	}
	for _, v := range all {
		if strings.Contains(string(v.Spec), "alpha") || v.ID != "4" && !strings.Contains(string(v.Spec), "beta") {
			t.Errorf("job %s has spec %s", v.ID, v.Spec)
		}
	}
	// The server can be renamed again at once, and the active job doesn't undo that.
	_, _, err = s.Servers().Rename(ctx, "beta", "gamma", 0)
	ok(t, err)
	ok(t, s.Jobs().Step(ctx, "1", []left4me.Step{{Label: left4me.StepRename, State: left4me.StepDone}}, nil))
	if v, err := s.Servers().Get(ctx, "gamma"); err != nil || v.HostName != "beta" {
		t.Errorf("got %+v, error %v", v, err)
	}
}

// A job that was read before its server was renamed must end with effect on that server, not on
// another one with the old name.
func TestJobEndAppliesToRenamedServer(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	alpha := named(t, s, "alpha", 27015)
	before, err := addStart(t, s, "1", alpha)
	ok(t, err)
	_, _, err = s.Jobs().Run(ctx, "1", at)
	ok(t, err)
	_, _, err = s.Servers().Rename(ctx, "alpha", "beta", 0)
	ok(t, err)
	end := before.Job
	end.State, end.EndedAt = left4me.JobInterrupted, at
	_, _, err = s.Jobs().End(ctx, end, "")
	ok(t, err)
	if v, err := s.Servers().Get(ctx, "beta"); err != nil || v.Held != left4me.HeldCrashed {
		t.Errorf("Held = %q, %v", v.Held, err)
	}
}

// A rollout that was read before a rename is stored with the server's new name.
func TestRolloutIsStoredWithCurrentNames(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	alpha := named(t, s, "alpha", 27015)
	_, err := addStart(t, s, "1", alpha)
	ok(t, err)
	_, _, err = s.Servers().Rename(ctx, "alpha", "beta", 0)
	ok(t, err)
	moves := []store.Move{{Server: "alpha", Job: "1"}, {Server: "left"}}
	ok(t, s.Game().SetRollout(ctx, store.Rollout{Host: "local", State: "moving", Moves: moves}))
	v, err := s.Game().Rollout(ctx, "local")
	if err != nil || len(v.Moves) != 2 || v.Moves[0].Server != "beta" || v.Moves[1].Server != "left" {
		t.Errorf("got %+v, error %v", v, err)
	}
	_, err = s.Overlays().Create(ctx, left4me.ByUser("ann"), left4me.Overlay{Name: "maps", Kind: left4me.FilesOverlay, CreatedAt: at})
	ok(t, err)
	ok(t, s.OverlayRestarts().Set(ctx, store.OverlayRestart{Overlay: "maps", Moves: moves}))
	if all, err := s.OverlayRestarts().List(ctx); err != nil || len(all) != 1 || all[0].Moves[0].Server != "beta" {
		t.Errorf("got %+v, error %v", all, err)
	}
}

// A host reports a crash under the name that the server has on the host. Servers started by older
// versions have no id in the report.
func TestCrashOfRenamedServer(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	alpha := named(t, s, "alpha", 27015)
	_, _, err := s.Servers().Rename(ctx, "alpha", "beta", 0)
	ok(t, err)
	for i, c := range []store.Crash{
		{Server: "alpha"}, {Server: "alpha", ServerID: alpha.ID}, {Server: "gone", ServerID: alpha.ID}, {Server: "alpha", ServerID: "x"},
	} {
		c.Host, c.At = "local", at.Add(time.Duration(i)*time.Second)
		ok(t, s.Crashes().Add(ctx, c))
	}
	if all, err := s.Crashes().List(ctx, "beta", 10); err != nil || len(all) != 3 {
		t.Errorf("%d crashes, %v", len(all), err)
	}
	if e := lastEvent(t, s); e.Kind != left4me.ServerCrashed || e.Target.Name != "beta" || e.Target.ID != alpha.ID {
		t.Errorf("got %+v", e)
	}
}

// Deleting a renamed server frees both names.
func TestDeletedServerFreesBothNames(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	named(t, s, "alpha", 27015)
	_, beta, err := s.Servers().Rename(ctx, "alpha", "beta", 0)
	ok(t, err)
	ok(t, addJob(ctx, s, jobOn("1", left4me.DeleteServer, "beta")))
	_, _, err = s.Jobs().End(ctx, left4me.Job{ID: "1", Kind: left4me.DeleteServer, Target: "beta", State: left4me.JobDone, EndedAt: at},
		"beta")
	ok(t, err)
	if _, err := s.Servers().ByID(ctx, beta.ID); !errors.Is(err, left4me.NotFound) {
		t.Error(err)
	}
	named(t, s, "alpha", 27015)
	named(t, s, "beta", 27016)
}
