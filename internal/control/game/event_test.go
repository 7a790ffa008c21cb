package game_test

import (
	"testing"
	"time"

	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// A rollout begins when its job has ended, also when no watcher was told of that: here
// the row is written by nobody of control/jobs.
func TestARolloutDoesNotDependOnAWatcher(t *testing.T) {
	s := open(t, t.TempDir(), newHost())
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
	v.State, v.EndedAt = left4me.JobDone, time.Now()
	began := time.Now()
	if ended, err := s.store.Jobs().End(t.Context(), v, ""); err != nil || !ended {
		t.Fatal(ended, err)
	}
	s.rollout(t, "that it is over", state(game.Done))
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it began after %v, when the clock said so", took)
	}
}
