package store_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// rang reports whether a listener was notified.
func rang(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestListenReportsWritesToItsTables(t *testing.T) {
	s := newStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	blueprints, servers, both := s.Listen(ctx, "blueprint"), s.Listen(ctx, "server"), s.Listen(ctx, "server", "blueprint")
	ok(t, s.Blueprints().Create(t.Context(), left4me.Blueprint{Name: "one"}))
	if !rang(blueprints) || rang(servers) || !rang(both) {
		t.Error("a new blueprint must notify exactly its listeners")
	}
	ok(t,
		s.Servers().Create(t.Context(),
			left4me.Server{Name: "alpha", Host: left4me.LocalHost, Port: 27015, Blueprint: "one", CreatedAt: at}))
	if rang(blueprints) || !rang(servers) || !rang(both) {
		t.Error("a new server must notify exactly its listeners")
	}
	if err := s.Blueprints().Create(t.Context(), left4me.Blueprint{Name: "one"}); err == nil || rang(blueprints) {
		t.Error("a failed write notified a listener")
	}
	cancel()
}

func TestBellForgetsListenerWhoseContextEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b store.Bell
		ctx, cancel := context.WithCancel(t.Context())
		c := b.Listen(ctx)
		b.Ring()
		b.Ring()
		if !rang(c) || rang(c) {
			t.Error("two rings were not coalesced")
		}
		cancel()
		synctest.Wait()
		if b.Ring(); rang(c) {
			t.Error("a listener was notified after its context ended")
		}
	})
}

func TestFailedReturnsNewestJobOnly(t *testing.T) {
	s := newStore(t)
	ok(t,
		s.Servers().Create(t.Context(),
			left4me.Server{Name: "alpha", Host: left4me.LocalHost, Port: 27015, Blueprint: left4me.DefaultBlueprint, CreatedAt: at}))
	failed := func() int {
		t.Helper()
		all, err := s.Jobs().Failed(t.Context(), "server", []left4me.Name{"alpha", "nobody"})
		ok(t, err)
		for _, j := range all {
			if j.Error == nil || j.Error.Field != "port" || len(j.Log) > 0 {
				t.Errorf("got %+v", j)
			}
		}
		return len(all)
	}
	end := func(id left4me.JobID, state left4me.JobState, why *left4me.Error) {
		t.Helper()
		v := store.QueuedJob{
			Job: left4me.Job{
				ID:        id,
				Kind:      left4me.StartServer,
				Target:    "alpha",
				Host:      left4me.LocalHost,
				State:     left4me.JobQueued,
				CreatedAt: at,
			},
			Spec: []byte("{}"),
		}
		_, err := s.Jobs().Add(t.Context(), v, func([]store.QueuedJob) (*store.QueuedJob, error) { return nil, nil })
		ok(t, err)
		v.State, v.Error, v.EndedAt, v.Log = state, why, at, []string{"long"}
		_, _, err = s.Jobs().End(t.Context(), v.Job, "")
		ok(t, err)
	}
	end("a", left4me.JobFailed, &left4me.Error{Kind: left4me.Conflict, Field: "port", Text: "port 27015 is used by python3"})
	if n := failed(); n != 1 {
		t.Errorf("%d failed jobs after a failure", n)
	}
	end("b", left4me.JobDone, nil)
	if n := failed(); n != 0 {
		t.Errorf("%d failed jobs after a success", n)
	}
}
