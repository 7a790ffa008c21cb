package game_test

import (
	"testing"
	"time"

	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// end ends a job in its row only; no watcher is notified.
func (s *site) end(t *testing.T, v left4me.Job) {
	t.Helper()
	v.State, v.EndedAt = left4me.JobDone, time.Now()
	if _, ended, err := s.store.Jobs().End(t.Context(), v, ""); err != nil || !ended {
		t.Fatal(ended, err)
	}
}

// A rollout starts after its job's end and continues after a server's restart even if no watcher
// and no timer fires: here the rows are written without control/jobs.
func TestRolloutDoesNotDependOnWatchers(t *testing.T) {
	h := newHost()
	h.held["alpha"], h.held["beta"] = true, true
	s := openWith(t, t.TempDir(), h, (*game.Game).OnlyEvents)
	s.server(t, "alpha", 0)
	s.server(t, "beta", 0)
	s.do(func() { s.game.Current = 2 })
	v := left4me.Job{ID: "1", Kind: left4me.UpdateGame, Target: left4me.LocalHost, Host: left4me.LocalHost, By: left4me.ByUser("al")}
	_, err := s.store.Jobs().Add(t.Context(), store.QueuedJob{Job: v, Spec: []byte("{}")},
		func([]store.QueuedJob) (*store.QueuedJob, error) { return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	err = s.store.Game().SetRollout(t.Context(),
		store.Rollout{Host: left4me.LocalHost, Mode: "now", Job: v.ID, State: game.Waiting, By: left4me.ByUser("al")})
	if err != nil {
		t.Fatal(err)
	}
	s.end(t, v)
	for i, want := range []string{"it begins", "it goes on"} {
		r := s.rollout(t, want, func(r *game.Rollout) bool { return len(r.Moves) == i+1 })
		j, err := s.jobs.Get(t.Context(), r.Moves[i].Job)
		if err != nil {
			t.Fatal(err)
		}
		s.end(t, j)
	}
	s.rollout(t, "it is over", state(game.Done))
}
