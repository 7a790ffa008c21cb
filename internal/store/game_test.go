package store_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

func TestSetRolloutReplacesPreviousOne(t *testing.T) {
	s := newStore(t)
	if _, err := s.Game().Rollout(t.Context(), "local"); !errors.Is(err, left4me.NotFound) {
		t.Errorf("before SetPolicy: %v", err)
	}
	first := store.Rollout{
		Host:      "local",
		Mode:      "empty",
		Job:       "1",
		State:     "waiting",
		By:        left4me.ByUser("al"),
		CreatedAt: at,
		Moves:     []store.Move{},
	}
	second := store.Rollout{
		Host: "local", Mode: "04:30", Job: "2", Build: 9000000000, State: "failed", Reason: left4me.Note{Text: "alpha did not come up"},
		By:        left4me.ByUser("bo"),
		CreatedAt: at, BegunAt: at.Add(time.Second), EndedAt: at.Add(time.Minute),
		Moves: []store.Move{{Server: "alpha", Job: "3", State: "failed", Reason: left4me.NewNote("rollout.restart_cancelled")}},
	}
	for _, want := range []store.Rollout{first, second} {
		if err := s.Game().SetRollout(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Game().Rollout(t.Context(), "local"); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v\nwant %+v", got, err, want)
		}
	}
	if _, err := s.Game().Rollout(t.Context(), "other"); !errors.Is(err, left4me.NotFound) {
		t.Errorf("on another host: %v", err)
	}
}

func TestGamePolicyIsStored(t *testing.T) {
	s := newStore(t)
	if _, err := s.Game().Policy(t.Context(), "local"); !errors.Is(err, left4me.NotFound) {
		t.Errorf("before the first rollout: %v", err)
	}
	for _, want := range []store.GamePolicy{
		{CheckEvery: 6 * time.Hour, Restart: "never"},
		{Update: true, UpdateAt: "05:00", Restart: "empty"},
	} {
		if err := s.Game().SetPolicy(t.Context(), "local", want); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Game().Policy(t.Context(), "local"); err != nil || got != want {
			t.Errorf("got %+v, error %v", got, err)
		}
	}
}
