package store

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/left4me/left4me/internal/left4me"
)

// Jobs from before request ids have none; newer jobs keep theirs over upgrades.
func TestJobsKeepRequestIDOverUpgrades(t *testing.T) {
	path := filepath.Join(t.TempDir(), "left4me.db")
	write, err := sql.Open("sqlite", dsn(path, busyWithin, ""))
	if err != nil {
		t.Fatal(err)
	}
	write.SetMaxOpenConns(1)
	old, since := with(t, ""), int64(0)
	for name := range old {
		if strings.HasSuffix(name, "_job_request.sql") {
			since, _ = goose.NumericComponent(name)
		}
	}
	for name := range old {
		if v, _ := goose.NumericComponent(name); v >= since {
			delete(old, name)
		}
	}
	before := &Store{core: &core{write: write}}
	if err := before.migrate(t.Context(), path, old); err != nil || since == 0 {
		t.Fatal(since, err)
	}
	if _, err := write.ExecContext(t.Context(), `INSERT INTO job(id, kind, noun, target, host, state, spec, steps, asked_by, created_at)
		VALUES ('1', 'game.check', 'game', 'local', 'local', 'queued', '{}', '[]', 'al', 1000)`); err != nil {
		t.Fatal(err)
	}
	before.Close()

	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { s.Close() }()
	has := func(id left4me.JobID, want string) {
		t.Helper()
		one, err := s.Jobs().Get(t.Context(), id)
		if err != nil || one.RequestID != want {
			t.Errorf("job %s: RequestID = %q, %v, want %q", id, one.RequestID, err, want)
		}
		all, err := s.Jobs().Active(t.Context())
		for _, v := range all {
			if v.ID == id && v.RequestID != want {
				t.Errorf("active job %s: RequestID = %q, want %q", id, v.RequestID, want)
			}
		}
		if err != nil || len(all) == 0 {
			t.Errorf("%d active jobs, %v", len(all), err)
		}
	}
	has("1", "")
	_, err = s.Jobs().Add(t.Context(), QueuedJob{Spec: []byte("{}"), Job: left4me.Job{
		ID: "2", Kind: left4me.CheckGame, Target: "local", Host: "local", By: left4me.ByUser("al"), CreatedAt: time.Now(),
		RequestID: "7f3a",
	}}, func([]QueuedJob) (*QueuedJob, error) { return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	has("2", "7f3a")
	s.Close()
	if s, err = Open(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if err := s.migrate(t.Context(), path, with(t, "UPDATE job SET attempt = attempt;")); err != nil {
		t.Fatal(err)
	}
	has("1", "")
	has("2", "7f3a")
	if v, ok, err := s.Jobs().Run(t.Context(), "1", time.Now()); err != nil || !ok || v.RequestID != "" {
		t.Errorf("got %q, ok %t, error %v", v.RequestID, ok, err)
	}
}
