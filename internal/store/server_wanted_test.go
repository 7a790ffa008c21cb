package store_test

import (
	"testing"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// wants checks the wanted state of alpha and who requested it.
func wants(t *testing.T, s *store.Store, want left4me.Wanted, by string) {
	t.Helper()
	v, err := s.Servers().Get(t.Context(), "alpha")
	if err != nil || v.Wanted != want || v.WantedBy != by {
		t.Errorf("wanted %s by %q, %v; want %s by %q", v.Wanted, v.WantedBy, err, want, by)
	}
}

// add adds a job on alpha.
func add(t *testing.T, s *store.Store, id left4me.JobID, kind left4me.JobKind, by string) {
	t.Helper()
	v := job(id, kind, "alpha")
	v.By = left4me.ByUser(by)
	_, err := s.Jobs().Add(t.Context(), v, always)
	ok(t, err)
}

// end ends a job on alpha.
func end(t *testing.T, s *store.Store, id left4me.JobID, state left4me.JobState) {
	t.Helper()
	v, err := s.Jobs().Get(t.Context(), id)
	ok(t, err)
	v.State, v.EndedAt = state, at
	_, _, err = s.Jobs().End(t.Context(), v.Job, "")
	ok(t, err)
}

// begin marks a job on alpha as running.
func begin(t *testing.T, s *store.Store, id left4me.JobID) {
	t.Helper()
	_, began, err := s.Jobs().Run(t.Context(), id, at)
	if err != nil || !began {
		t.Fatalf("got %v, error %v", began, err)
	}
}

func TestJobSetsWantedStateOfItsServer(t *testing.T) {
	for kind, want := range map[left4me.JobKind]left4me.Wanted{
		left4me.StartServer: left4me.WantRunning, left4me.RestartServer: left4me.WantRunning, left4me.ResetServer: left4me.WantRunning,
		left4me.StopServer: left4me.WantStopped, left4me.DeleteServer: left4me.WantStopped,
	} {
		s := newStore(t)
		serve(t, s, "alpha")
		wants(t, s, left4me.WantStopped, "")
		add(t, s, "1", kind, "al")
		wants(t, s, want, "al")
		end(t, s, "1", left4me.JobFailed) // a failure doesn't change the wanted state
		wants(t, s, want, "al")
	}
	s := newStore(t)
	serve(t, s, "alpha")
	add(t, s, "1", left4me.StartServer, "al")
	add(t, s, "2", left4me.DiscardUpper, "bo")
	wants(t, s, left4me.WantRunning, "al")
}

func TestCancelledJobRestoresWantedState(t *testing.T) {
	t.Run("before the job starts", func(t *testing.T) {
		s := newStore(t)
		serve(t, s, "alpha")
		add(t, s, "1", left4me.StartServer, "al")
		end(t, s, "1", left4me.JobCancelled)
		wants(t, s, left4me.WantStopped, "al")
		add(t, s, "2", left4me.StartServer, "al")
		end(t, s, "2", left4me.JobDone)
		for i, kind := range []left4me.JobKind{left4me.RestartServer, left4me.StopServer} {
			id := left4me.JobID(rune('3' + i))
			add(t, s, id, kind, "bo")
			end(t, s, id, left4me.JobCancelled)
			wants(t, s, left4me.WantRunning, "bo")
		}
	})
	t.Run("after the job has started", func(t *testing.T) {
		for _, kind := range []left4me.JobKind{left4me.StartServer, left4me.RestartServer, left4me.ResetServer, left4me.StopServer} {
			s := newStore(t)
			serve(t, s, "alpha")
			ok(t, s.Servers().SetWanted(t.Context(), "alpha", left4me.WantRunning, left4me.ByUser("al"), at))
			add(t, s, "1", kind, "al")
			begin(t, s, "1")
			end(t, s, "1", left4me.JobCancelled)
			wants(t, s, left4me.WantStopped, "al")
		}
	})
	t.Run("after another request", func(t *testing.T) {
		s := newStore(t)
		serve(t, s, "alpha")
		add(t, s, "1", left4me.StartServer, "al")
		begin(t, s, "1")
		add(t, s, "2", left4me.RestartServer, "bo")
		end(t, s, "1", left4me.JobCancelled)
		wants(t, s, left4me.WantRunning, "bo")
		ok(t, s.Servers().SetWanted(t.Context(), "alpha", left4me.WantStopped, left4me.ByUser("console"), at))
		end(t, s, "2", left4me.JobCancelled)
		wants(t, s, left4me.WantStopped, "console")
	})
}

func TestEqualRequestSetsWantedStateAgain(t *testing.T) {
	s := newStore(t)
	serve(t, s, "alpha")
	add(t, s, "1", left4me.StartServer, "al")
	ok(t, s.Servers().SetWanted(t.Context(), "alpha", left4me.WantStopped, left4me.ByUser("console"), at))
	v := job("2", left4me.StartServer, "alpha")
	v.By = left4me.ByUser("bo")
	got, err := s.Jobs().Add(t.Context(), v, func(active []store.QueuedJob) (*store.QueuedJob, error) { return &active[0], nil })
	if err != nil || got.ID != "1" || got.By != left4me.ByUser("al") {
		t.Errorf("got %+v, error %v", got.Job, err)
	}
	wants(t, s, left4me.WantRunning, "bo")
}

func TestSetWantedReleasesServer(t *testing.T) {
	s := newStore(t)
	serve(t, s, "alpha")
	ok(t, s.Servers().Hold(t.Context(), "alpha", left4me.HeldCrashed))
	ok(t, s.Servers().Hold(t.Context(), "beta", left4me.HeldCrashed)) // an unknown server
	if v, err := s.Servers().Get(t.Context(), "alpha"); err != nil || v.Held != left4me.HeldCrashed {
		t.Errorf("got %+v, error %v", v, err)
	}
	add(t, s, "1", left4me.StartServer, "al")
	if v, err := s.Servers().Get(t.Context(), "alpha"); err != nil || v.Held != "" || !v.WantedAt.Equal(at) {
		t.Errorf("got %+v, error %v", v, err)
	}
	is(t, s.Servers().SetWanted(t.Context(), "beta", left4me.WantStopped, left4me.ByUser("al"), at), left4me.NotFound, "")
}

func TestStartThatCrashesLeft4meHoldsServer(t *testing.T) {
	s := newStore(t)
	serve(t, s, "alpha")
	add(t, s, "1", left4me.StartServer, "al")
	begin(t, s, "1")
	end(t, s, "1", left4me.JobInterrupted)
	if v, err := s.Servers().Get(t.Context(), "alpha"); err != nil || v.Held != left4me.HeldCrashed || v.Wanted != left4me.WantRunning {
		t.Errorf("got %+v, error %v", v, err)
	}
}

func TestAutostartDecidesOnCurrentRow(t *testing.T) {
	s := newStore(t)
	serve(t, s, "alpha")
	ok(t, s.Servers().SetWanted(t.Context(), "alpha", left4me.WantRunning, left4me.ByUser("al"), at))
	v := job("1", left4me.StartServer, "alpha")
	v.By = left4me.ByLeft4me
	got, added, err := s.Jobs().Autostart(t.Context(), v, "boot-1", func(row left4me.Server, active []store.QueuedJob) store.Decision {
		if row.BootID != "" || row.Wanted != left4me.WantRunning || len(active) != 0 {
			t.Errorf("got %+v, %v", row, active)
		}
		return store.Decision{Reason: left4me.NewNote("autostart.after_boot")}
	})
	if !added || err != nil || got.State != left4me.JobQueued {
		t.Fatalf("got %+v, %v, error %v", got, added, err)
	}
	if have, err := s.Jobs().Get(t.Context(), "1"); err != nil || have.Reason.Code != "autostart.after_boot" {
		t.Errorf("got %+v, error %v", have, err)
	}
	_, added, err = s.Jobs().Autostart(t.Context(), v, "boot-2", func(row left4me.Server, active []store.QueuedJob) store.Decision {
		if row.BootID != "boot-1" || len(active) != 1 {
			t.Errorf("got %+v, %v", row, active)
		}
		return store.Decision{Hold: left4me.HeldBoot}
	})
	row, rerr := s.Servers().Get(t.Context(), "alpha")
	if added || err != nil || rerr != nil || row.BootID != "boot-2" || row.Held != left4me.HeldBoot {
		t.Errorf("got %+v, %v, error %v, error %v", row, added, err, rerr)
	}
	// Cancelling an automatic start sets the wanted state to stopped.
	end(t, s, "1", left4me.JobCancelled)
	wants(t, s, left4me.WantStopped, "left4me")
	v.Target = "beta"
	if _, added, err := s.Jobs().Autostart(t.Context(), v, "boot-2", nil); added || err != nil {
		t.Errorf("unknown server: %v, %v", added, err)
	}
}

func TestAutostartSettingIsStored(t *testing.T) {
	s := newStore(t)
	serve(t, s, "alpha")
	v, err := s.Servers().Get(t.Context(), "alpha")
	if err != nil || v.Autostart != left4me.AutostartLast {
		t.Fatalf("got %+v, error %v", v, err)
	}
	v.Autostart = left4me.AutostartNever
	ok(t, s.Servers().Update(t.Context(), v))
	v.Autostart, v.Version = "", 0
	ok(t, s.Servers().Update(t.Context(), v))
	if v, err = s.Servers().Get(t.Context(), "alpha"); err != nil || v.Autostart != left4me.AutostartNever {
		t.Errorf("got %+v, error %v", v, err)
	}
}
