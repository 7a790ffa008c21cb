package store_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

func TestSnapshotHasNoActiveJob(t *testing.T) {
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "left4me.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.Now().UTC().Truncate(time.Millisecond)
	for _, id := range []left4me.JobID{"queued", "running"} {
		v := store.QueuedJob{
			Job:  left4me.Job{ID: id, Kind: left4me.CreateBackup, Target: left4me.Name(id), Host: left4me.LocalHost},
			Spec: json.RawMessage("{}"),
		}
		if _, err := s.Jobs().Add(t.Context(), v, func([]store.QueuedJob) (*store.QueuedJob, error) { return nil, nil }); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok, err := s.Jobs().Run(t.Context(), "running", now); !ok || err != nil {
		t.Fatal(ok, err)
	}
	policy := left4me.BackupPolicy{Enabled: true, At: "03:00", BackupKeep: left4me.BackupKeep{Daily: 2, Weekly: 1}}
	if err := s.Backups().SetPolicy(t.Context(), policy, now); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "copy ?#%.db")
	for range 2 { // an existing file is replaced
		if err := s.Snapshot(t.Context(), file, now); err != nil {
			t.Fatal(err)
		}
	}
	if active, err := s.Jobs().Active(t.Context()); err != nil || len(active) != 2 {
		t.Errorf("in the original: %v, %v", active, err)
	}
	c, err := store.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if active, err := c.Jobs().Active(t.Context()); err != nil || len(active) != 0 {
		t.Errorf("in the copy: %v, %v", active, err)
	}
	if j, err := c.Jobs().Get(t.Context(), "running"); err != nil || j.State != left4me.JobInterrupted || j.Error == nil ||
		!j.EndedAt.Equal(now) {
		t.Errorf("got %+v, error %v", j, err)
	}
	if p, last, err := c.Backups().Policy(t.Context()); err != nil || p != policy || !last.Equal(now) {
		t.Errorf("got %+v, %v, error %v", p, last, err)
	}
}

func TestSnapshotHoldsServers(t *testing.T) {
	s := newStore(t)
	serve(t, s, "alpha", "beta")
	ok(t, s.Servers().SetWanted(t.Context(), "alpha", left4me.WantRunning, left4me.ByUser("al"), at))
	_, _, err := s.Jobs().Autostart(t.Context(), job("1", left4me.StartServer, "alpha"), "boot",
		func(left4me.Server, []store.QueuedJob) store.Decision { return store.Decision{} })
	ok(t, err)
	file := filepath.Join(t.TempDir(), "copy.db")
	ok(t, s.Snapshot(t.Context(), file, at))
	c := mustOpen(t, file)
	for name, want := range map[left4me.Name]left4me.Held{"alpha": left4me.HeldRestored, "beta": ""} {
		if v, err := c.Servers().Get(t.Context(), name); err != nil || v.Held != want || v.BootID != "" {
			t.Errorf("got %+v, error %v", v, err)
		}
	}
	if v, err := s.Servers().Get(t.Context(), "alpha"); err != nil || v.Held != "" || v.Wanted != left4me.WantRunning ||
		v.BootID != "boot" {
		t.Errorf("in the original: %+v, %v", v, err)
	}
}

func TestNoteKeepsPolicy(t *testing.T) {
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "left4me.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, _, err := s.Backups().Policy(t.Context()); !errors.Is(err, left4me.NotFound) {
		t.Errorf("got error %v", err)
	}
	usual := left4me.BackupPolicy{Enabled: true, At: "04:30", BackupKeep: left4me.BackupKeep{Daily: 7, Weekly: 4}}
	at := time.UnixMilli(1000).UTC()
	if err := s.Backups().Note(t.Context(), usual, at); err != nil {
		t.Fatal(err)
	}
	if p, last, err := s.Backups().Policy(t.Context()); err != nil || p != usual || !last.Equal(at) {
		t.Errorf("got %+v, %v, error %v", p, last, err)
	}
	own := left4me.BackupPolicy{At: "05:00"}
	err = errors.Join(s.Backups().SetPolicy(t.Context(), own, at), s.Backups().Note(t.Context(), usual, at.Add(time.Second)))
	if p, last, rerr := s.Backups().Policy(t.Context()); err != nil || rerr != nil || p != own || !last.Equal(at.Add(time.Second)) {
		t.Errorf("got %+v, %v, error %v, error %v", p, last, err, rerr)
	}
}
