package store_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
	"github.com/left4me/left4me/internal/store/storetest"
)

// at is a time with the store's precision of one millisecond.
var at = time.Date(2026, 11, 24, 12, 0, 0, 123e6, time.UTC)

func mustOpen(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func newStore(t *testing.T) *store.Store {
	t.Helper()
	return storetest.New(t)
}

// is checks the kind and the field of an error.
func is(t *testing.T, err error, kind left4me.Kind, field string) {
	t.Helper()
	if e, ok := left4me.Public(err); !ok || e.Kind != kind || e.Field != field {
		t.Errorf("%v is not %s for %q", err, kind, field)
	}
}

// ok fails the test on an error.
func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestNewDatabaseIsReady(t *testing.T) {
	path := filepath.Join(t.TempDir(), "left4me.db")
	s := mustOpen(t, path)
	ok(t, s.Ping(t.Context()))
	b, err := s.Blueprints().Get(t.Context(), left4me.DefaultBlueprint)
	if err != nil || b.Name != left4me.DefaultBlueprint || len(b.Overlays) != 0 || b.CreatedAt.IsZero() {
		t.Errorf("got %+v, error %v", b, err)
	}
	for _, f := range []string{path, path + "-wal"} {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v: mode other than 0600", f, info.Mode(), err)
		}
	}
	s.Close()
	mustOpen(t, path)
	if copies, _ := filepath.Glob(path + ".v*"); len(copies) > 0 {
		t.Errorf("copies without an upgrade: %v", copies)
	}
}

// raw changes a database without the store.
func raw(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	ok(t, err)
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "left4me.db")
	mustOpen(t, path).Close()
	raw(t, path, `INSERT INTO goose_db_version(version_id, is_applied) VALUES (999, 1)`)
	s, err := store.Open(t.Context(), path)
	if err == nil {
		s.Close()
	}
	is(t, err, left4me.Invalid, "")
	if !strings.Contains(err.Error(), "999") || !strings.Contains(err.Error(), path) {
		t.Errorf("error without file and version: %v", err)
	}
}

func TestOpenRefusesOtherFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "left4me.db")
	ok(t, os.WriteFile(path, []byte(strings.Repeat("not a database ", 100)), 0o600))
	if s, err := store.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, error %v", s, err)
	}
	if s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "nothing", "left4me.db")); err == nil {
		t.Errorf("in a missing directory: %v", s)
	}
}

func TestServersAreStoredAndChanged(t *testing.T) {
	s := newStore(t)
	v := left4me.Server{
		Name: "beta", Host: "local", Port: 27015, Blueprint: "default", CreatedAt: at,
		Settings: left4me.Settings{Hostname: "x", Cfg: []string{"a", "b"}, MaxPlayers: 8},
	}
	ok(t, s.Servers().Create(t.Context(), v))
	got, err := s.Servers().Get(t.Context(), "beta")
	v.ID, v.Version, v.Autostart, v.Wanted = got.ID, 1, left4me.AutostartLast, left4me.WantStopped
	if d := cmp.Diff(v, got); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
	change := func(f func(*left4me.Server)) left4me.Server {
		c := v
		f(&c)
		return c
	}
	is(t, s.Servers().Create(t.Context(), change(func(c *left4me.Server) { c.Port++ })), left4me.Conflict, "name")
	is(t, s.Servers().Create(t.Context(), change(func(c *left4me.Server) { c.Name = "alpha" })), left4me.Conflict, "port")
	is(t, s.Servers().Create(t.Context(), change(func(c *left4me.Server) { c.Name, c.Port, c.Blueprint = "alpha", 1, "nothing" })),
		left4me.Invalid, "blueprint")
	ok(t, s.Servers().Create(t.Context(), change(func(c *left4me.Server) { c.Name, c.Host = "alpha", "far" })))
	all, err := s.Servers().List(t.Context())
	if err != nil || len(all) != 2 || all[0].Name != "alpha" {
		t.Errorf("by name: %+v, %v", all, err)
	}
	_, err = s.Servers().Get(t.Context(), "nobody")
	is(t, err, left4me.NotFound, "")
}

func TestBlueprintsAreStoredAndChanged(t *testing.T) {
	s := newStore(t)
	v := left4me.Blueprint{Name: "versus", Overlays: left4me.Refs("b", "a"), Settings: left4me.Settings{Mode: "versus"}, CreatedAt: at}
	ok(t, s.Blueprints().Create(t.Context(), v))
	is(t, s.Blueprints().Create(t.Context(), v), left4me.Conflict, "name")
	got, err := s.Blueprints().Get(t.Context(), "versus")
	v.ID, v.Version = got.ID, 1
	if d := cmp.Diff(v, got); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
	if all, err := s.Blueprints().List(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("got %+v, error %v", all, err)
	}
	_, err = s.Blueprints().Get(t.Context(), "nothing")
	is(t, err, left4me.NotFound, "")
}

// An update based on an outdated version is refused.
func TestUpdateRefusesOutdatedVersion(t *testing.T) {
	s := newStore(t)
	serve(t, s, "alpha")
	ok(t, s.Servers().Create(t.Context(), left4me.Server{Name: "beta", Host: "local", Port: 27099, Blueprint: "default", CreatedAt: at}))
	v, err := s.Servers().Get(t.Context(), "beta")
	ok(t, err)
	v.Settings.Hostname, v.Overlays = "first", left4me.Refs("maps")
	ok(t, s.Servers().Update(t.Context(), v))
	second := v
	second.Settings.Hostname = "second"
	is(t, s.Servers().Update(t.Context(), second), left4me.Conflict, "version")
	got, err := s.Servers().Get(t.Context(), "beta")
	if v.Version = 2; err != nil || cmp.Diff(v, got) != "" {
		t.Errorf("%v\n%s", err, cmp.Diff(v, got))
	}
	second.Version = 2
	ok(t, s.Servers().Update(t.Context(), second))
	second.Version = 0 // skips the check
	ok(t, s.Servers().Update(t.Context(), second))
	alpha, err := s.Servers().Get(t.Context(), "alpha")
	ok(t, err)
	second.Port = alpha.Port
	is(t, s.Servers().Update(t.Context(), second), left4me.Conflict, "port")
	second.Port, second.Blueprint = 33333, "nothing"
	is(t, s.Servers().Update(t.Context(), second), left4me.Invalid, "blueprint")
	second.Name = "nobody"
	is(t, s.Servers().Update(t.Context(), second), left4me.NotFound, "")

	b := left4me.Blueprint{Name: "versus", CreatedAt: at}
	ok(t, s.Blueprints().Create(t.Context(), b))
	b.Version, b.Overlays, b.Settings.Mode = 1, left4me.Refs("maps"), "versus"
	ok(t, s.Blueprints().Update(t.Context(), b))
	is(t, s.Blueprints().Update(t.Context(), b), left4me.Conflict, "version")
	if got, err := s.Blueprints().Get(t.Context(), "versus"); err != nil || got.Version != 2 || got.Settings.Mode != "versus" ||
		len(got.Overlays) != 1 {
		t.Errorf("got %+v, error %v", got, err)
	}
	alpha.Blueprint = "versus"
	ok(t, s.Servers().Update(t.Context(), alpha))
	err = s.Blueprints().Delete(t.Context(), "versus")
	if is(t, err, left4me.Conflict, ""); !strings.Contains(err.Error(), "alpha") {
		t.Errorf("%v doesn't name the server that uses it", err)
	}
	alpha.Blueprint, alpha.Version = "default", 2
	ok(t, s.Servers().Update(t.Context(), alpha))
	ok(t, s.Blueprints().Delete(t.Context(), "versus"))
	is(t, s.Blueprints().Delete(t.Context(), "versus"), left4me.NotFound, "")
	is(t, s.Blueprints().Update(t.Context(), b), left4me.NotFound, "")
}

func TestCrashesAreStoredOnceNewestFirst(t *testing.T) {
	s := newStore(t)
	serve(t, s, "alpha")
	for i := range 3 {
		c := store.Crash{
			Host:   "local",
			Server: "alpha",
			At:     at.Add(time.Duration(i) * time.Second),
			Exit:   "signal 11",
			Uptime: time.Minute,
			Lines:  []string{"x"},
		}
		ok(t, s.Crashes().Add(t.Context(), c))
		ok(t, s.Crashes().Add(t.Context(), c))
	}
	all, err := s.Crashes().List(t.Context(), "alpha", 2)
	if err != nil || len(all) != 2 || !all[0].At.Equal(at.Add(2*time.Second)) || all[0].Exit != "signal 11" ||
		all[0].Uptime != time.Minute || len(all[0].Lines) != 1 {
		t.Errorf("got %+v, error %v", all, err)
	}
	if all, err := s.Crashes().List(t.Context(), "alpha", 9); err != nil || len(all) != 3 {
		t.Errorf("%d crashes, want 3, %v", len(all), err)
	}
	for i := range 100 {
		ok(t,
			s.Crashes().Add(t.Context(), store.Crash{Host: "local", Server: "alpha", At: at.Add(time.Hour + time.Duration(i)*time.Second)}))
	}
	ok(t, s.Crashes().Add(t.Context(), store.Crash{Host: "local", Server: "alpha", At: at}))
	all, err = s.Crashes().List(t.Context(), "alpha", 999)
	if err != nil || len(all) != 100 || !all[99].At.Equal(at.Add(time.Hour)) {
		t.Errorf("%d crashes, want the newest hundred, %v", len(all), err)
	}
	ok(t, s.Crashes().Add(t.Context(), store.Crash{Host: "local", Server: "gone", At: at}))
	if all, err := s.Crashes().List(t.Context(), "gone", 9); err != nil || len(all) != 0 {
		t.Errorf("crashes of an unknown server: %v, %v", all, err)
	}
}

func TestUsersSessionsAndTokensAreStored(t *testing.T) {
	s := newStore(t)
	u, err := s.Users().Create(t.Context(), store.User{Name: "Al", Password: "hash", Admin: true, CreatedAt: at})
	if err != nil || u.ID == 0 {
		t.Fatalf("got %+v, error %v", u, err)
	}
	_, err = s.Users().Create(t.Context(), store.User{Name: "AL", Password: "hash", CreatedAt: at})
	is(t, err, left4me.Conflict, "name")
	got, err := s.Users().Get(t.Context(), "aL")
	if d := cmp.Diff(u, got); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
	_, err = s.Users().Get(t.Context(), "nobody")
	is(t, err, left4me.NotFound, "")

	v := store.Session{
		Hash:      []byte("one"),
		UserID:    u.ID,
		Agent:     "browser",
		Address:   "1.2.3.4",
		CreatedAt: at,
		SeenAt:    at,
		ExpiresAt: at.Add(time.Hour),
	}
	ok(t, s.Sessions().Create(t.Context(), v, 0))
	ok(t, s.Sessions().Touch(t.Context(), v.Hash, at.Add(time.Minute), at.Add(2*time.Hour)))
	v.SeenAt, v.ExpiresAt = at.Add(time.Minute), at.Add(2*time.Hour)
	session, owner, err := s.Sessions().Get(t.Context(), v.Hash)
	if d := cmp.Diff(v, session) + cmp.Diff(u, owner); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
	// Creating a session deletes expired ones.
	ok(t,
		s.Sessions().Create(t.Context(),
			store.Session{Hash: []byte("two"), UserID: u.ID, CreatedAt: at.Add(3 * time.Hour), ExpiresAt: at.Add(4 * time.Hour)}, 0))
	_, _, err = s.Sessions().Get(t.Context(), v.Hash)
	is(t, err, left4me.NotFound, "")
	ok(t, s.Sessions().Delete(t.Context(), []byte("two")))
	ok(t, s.Sessions().Delete(t.Context(), []byte("two")))
	ok(t, s.Sessions().Touch(t.Context(), []byte("two"), at, at))
	_, _, err = s.Sessions().Get(t.Context(), []byte("two"))
	is(t, err, left4me.NotFound, "")

	k := store.Token{Hash: []byte("t"), UserID: u.ID, Label: "script", CreatedAt: at}
	ok(t, s.Tokens().Create(t.Context(), k))
	ok(t, s.Tokens().Touch(t.Context(), k.Hash, at.Add(time.Second)))
	k.UsedAt = at.Add(time.Second)
	token, owner, err := s.Tokens().Get(t.Context(), k.Hash)
	if d := cmp.Diff(k, token) + cmp.Diff(u, owner); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
	other, err := s.Users().Create(t.Context(), store.User{Name: "zoe", Password: "hash", CreatedAt: at})
	ok(t, err)
	late := store.Token{Hash: []byte("u"), UserID: other.ID, Label: "late", CreatedAt: at, ExpiresAt: at.Add(time.Hour)}
	ok(t, s.Tokens().Create(t.Context(), late))
	for user, want := range map[int64][]store.OwnedToken{
		0: {{Token: k, Owner: "Al"}, {Token: late, Owner: "zoe"}}, u.ID: {{Token: k, Owner: "Al"}},
		other.ID: {{Token: late, Owner: "zoe"}}, 99: nil,
	} {
		if all, err := s.Tokens().List(t.Context(), user); err != nil || !cmp.Equal(all, want) {
			t.Errorf("%v\n%s", err, cmp.Diff(want, all))
		}
	}
	ok(t, s.Tokens().Delete(t.Context(), k.Hash))
	is(t, s.Tokens().Delete(t.Context(), k.Hash), left4me.NotFound, "")
	_, _, err = s.Tokens().Get(t.Context(), k.Hash)
	is(t, err, left4me.NotFound, "")
	if err := s.Tokens().Create(t.Context(), store.Token{Hash: []byte("x"), UserID: 99, CreatedAt: at}); err == nil {
		t.Error("a token of an unknown user was stored")
	}
}

func job(id left4me.JobID, kind left4me.JobKind, target left4me.Name) store.QueuedJob {
	return store.QueuedJob{
		Job: left4me.Job{
			ID:        id,
			Kind:      kind,
			Target:    target,
			Host:      "local",
			By:        left4me.ByUser("al"),
			CreatedAt: at,
			Steps:     []left4me.Step{},
		},
		Spec: json.RawMessage(fmt.Sprintf(`{"name":%q,"port":27015}`, target)),
	}
}

// serve adds servers as targets of jobs.
func serve(t *testing.T, s *store.Store, names ...left4me.Name) {
	t.Helper()
	for i, n := range names {
		ok(t, s.Servers().Create(t.Context(), left4me.Server{Name: n, Host: "local", Port: 27015 + i, Blueprint: "default", CreatedAt: at}))
	}
}

func always([]store.QueuedJob) (*store.QueuedJob, error) { return nil, nil }

func TestJobIsAddedRunAndFinished(t *testing.T) {
	s := newStore(t)
	serve(t, s, "alpha")
	v := job("1", left4me.StartServer, "alpha")
	added, err := s.Jobs().Add(t.Context(), v, always)
	v.TargetID, v.State = added.TargetID, left4me.JobQueued
	if d := cmp.Diff(v, added); d != "" || err != nil {
		t.Fatalf("%v\n%s", err, d)
	}
	running, began, err := s.Jobs().Run(t.Context(), "1", at.Add(time.Second))
	if err != nil || !began || running.State != left4me.JobRunning || running.Attempt != 1 ||
		!running.StartedAt.Equal(at.Add(time.Second)) {
		t.Fatalf("got %+v, %v, error %v", running, began, err)
	}
	// The host crashed and restarts the job: another attempt with the same start time.
	running, began, err = s.Jobs().Run(t.Context(), "1", at.Add(time.Hour))
	if err != nil || !began || running.Attempt != 2 || !running.StartedAt.Equal(at.Add(time.Second)) {
		t.Errorf("got %+v, %v, error %v", running, began, err)
	}
	steps := []left4me.Step{{
		Label:     "one",
		State:     left4me.StepDone,
		StartedAt: at,
		Progress:  left4me.Progress{Done: 1, Total: 2, Unit: "files"},
	}}
	ok(t, s.Jobs().Step(t.Context(), "1", steps, []string{"a line"}))
	if c, err := s.Jobs().Cancel(t.Context(), "1"); err != nil || !c.Cancelling || c.State != left4me.JobRunning {
		t.Errorf("got %+v, error %v", c, err)
	}
	running.Job.Steps, running.Job.State, running.Job.EndedAt = steps, left4me.JobFailed, at.Add(2*time.Hour)
	running.Job.Log = []string{"a line", "the last"}
	running.Job.Error = &left4me.Error{Kind: left4me.Conflict, Text: "taken", Hint: "choose"}
	if _, ended, err := s.Jobs().End(t.Context(), running.Job, ""); !ended || err != nil {
		t.Fatalf("got %v, error %v", ended, err)
	}
	// A job that has ended cannot change any more.
	again := running.Job
	again.State = left4me.JobDone
	if _, ended, err := s.Jobs().End(t.Context(), again, "alpha"); ended || err != nil {
		t.Errorf("the job ended twice: %v", err)
	}
	ok(t, s.Jobs().Step(t.Context(), "1", nil, nil))
	_, _, err = s.Jobs().Run(t.Context(), "1", at)
	is(t, err, left4me.NotFound, "")
	running.Cancelling = true
	got, err := s.Jobs().Get(t.Context(), "1")
	if d := cmp.Diff(running, got); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
	for _, f := range []func() error{
		func() error { _, err := s.Jobs().Get(t.Context(), "x"); return err },
		func() error { _, err := s.Jobs().Cancel(t.Context(), "x"); return err },
		func() error { _, _, err := s.Jobs().Run(t.Context(), "x", at); return err },
	} {
		is(t, f(), left4me.NotFound, "")
	}
}

func TestJobRowSizeIsLimited(t *testing.T) {
	s := newStore(t)
	serve(t, s, "alpha")
	ctx := t.Context()
	v := job("1", left4me.StartServer, "alpha")
	_, err := s.Jobs().Add(ctx, v, always)
	ok(t, err)
	long := strings.Repeat("<\x01\xff", 100<<10)
	v.State, v.EndedAt = left4me.JobFailed, time.Now()
	v.Log, v.Error = slices.Repeat([]string{long}, 300), &left4me.Error{Kind: left4me.Invalid, Text: long, Hint: long}
	_, _, err = s.Jobs().End(ctx, v.Job, "")
	ok(t, err)
	got, err := s.Jobs().Get(ctx, "1")
	ok(t, err)
	n := 0
	for _, line := range got.Log {
		n += left4me.TextLen(line)
	}
	if n > left4me.MaxJobLogBytes || n < left4me.MaxJobLogBytes/2 || !strings.HasSuffix(got.Log[0], " bytes cut)") ||
		len(got.Error.Error()) > 20<<10 {
		t.Errorf("%d bytes of log, %d of error", n, len(got.Error.Error()))
	}
}

func TestOneJobRunsPerTarget(t *testing.T) {
	s := newStore(t)
	serve(t, s, "alpha", "beta")
	if _, err := s.Overlays().Create(t.Context(), left4me.ByUser("admin"),
		left4me.Overlay{Name: "alpha", Kind: left4me.FilesOverlay, CreatedAt: at}); err != nil {
		t.Fatal(err)
	}
	for _, v := range []store.QueuedJob{
		job("1", left4me.StartServer, "alpha"), job("2", left4me.StopServer, "alpha"),
		job("3", left4me.StartServer, "beta"), job("4", "overlay.build", "alpha"),
	} {
		if _, err := s.Jobs().Add(t.Context(), v, always); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[left4me.JobID]bool{"1": true, "3": true, "4": true} {
		if _, began, err := s.Jobs().Run(t.Context(), id, at); began != want || err != nil {
			t.Errorf("%s: %v, %v", id, began, err)
		}
	}
	if _, began, err := s.Jobs().Run(t.Context(), "2", at); began || err != nil {
		t.Errorf("a second job runs for alpha, %v", err)
	}
	active, err := s.Jobs().Active(t.Context())
	if err != nil || len(active) != 4 || active[0].ID != "1" {
		t.Errorf("got %+v, error %v", active, err)
	}
	one := active[0].Job
	one.State, one.EndedAt = left4me.JobDone, at
	if _, _, err := s.Jobs().End(t.Context(), one, ""); err != nil {
		t.Fatal(err)
	}
	if _, began, err := s.Jobs().Run(t.Context(), "2", at); !began || err != nil {
		t.Errorf("the next job cannot run: %v", err)
	}
	if all, err := s.Jobs().List(t.Context(), "server", "alpha", "", 9); err != nil || len(all) != 2 || all[0].ID != "2" {
		t.Errorf("jobs of the server, newest first: %+v, %v", all, err)
	}
	if all, err := s.Jobs().List(t.Context(), "", "", "", 9); err != nil || len(all) != 4 {
		t.Errorf("jobs of all targets: %d, %v", len(all), err)
	}
}

func TestCancelledQueuedJobDoesNotRun(t *testing.T) {
	s := newStore(t)
	serve(t, s, "alpha")
	_, err := s.Jobs().Add(t.Context(), job("1", left4me.StartServer, "alpha"), always)
	ok(t, err)
	if c, err := s.Jobs().Cancel(t.Context(), "1"); err != nil || c.State != left4me.JobQueued {
		t.Fatalf("got %+v, error %v", c, err)
	}
	_, _, err = s.Jobs().Run(t.Context(), "1", at)
	is(t, err, left4me.NotFound, "")
}

func TestConcurrentEqualRequestsAddOneJob(t *testing.T) {
	s := newStore(t)
	serve(t, s, "alpha")
	ids := make(chan left4me.JobID, 20)
	var all sync.WaitGroup
	for i := range cap(ids) {
		all.Go(func() {
			v, err := s.Jobs().Add(t.Context(), job(left4me.JobID(string(rune('a'+i))), left4me.StartServer, "alpha"),
				func(active []store.QueuedJob) (*store.QueuedJob, error) {
					if len(active) > 0 {
						return &active[0], nil
					}
					return nil, nil
				})
			if err != nil {
				t.Error(err)
			}
			ids <- v.ID
		})
	}
	all.Wait()
	first := <-ids
	for range cap(ids) - 1 {
		if id := <-ids; id != first {
			t.Errorf("jobs %s and %s", first, id)
		}
	}
	if active, err := s.Jobs().Active(t.Context()); err != nil || len(active) != 1 {
		t.Errorf("%d jobs, %v", len(active), err)
	}
	refuse := errors.New("no")
	if _, err := s.Jobs().Add(t.Context(), job("z", left4me.StopServer, "alpha"),
		func([]store.QueuedJob) (*store.QueuedJob, error) { return nil, refuse }); !errors.Is(err, refuse) {
		t.Errorf("refused: %v", err)
	}
}

func TestEndOfDeleteJobRemovesServer(t *testing.T) {
	s := newStore(t)
	serve(t, s, "alpha")
	ok(t, s.Crashes().Add(t.Context(), store.Crash{Host: "local", Server: "alpha", At: at}))
	v, err := s.Jobs().Add(t.Context(), job("1", left4me.DeleteServer, "alpha"), always)
	ok(t, err)
	v.State, v.EndedAt = left4me.JobDone, at
	before := s.Generation()
	if _, ended, err := s.Jobs().End(t.Context(), v.Job, "alpha"); !ended || err != nil {
		t.Fatalf("got %v, error %v", ended, err)
	}
	if s.Generation() == before {
		t.Error("Generation did not change")
	}
	_, err = s.Servers().Get(t.Context(), "alpha")
	is(t, err, left4me.NotFound, "")
	if c, err := s.Crashes().List(t.Context(), "alpha", 9); err != nil || len(c) != 0 {
		t.Errorf("crashes remain after the deletion: %v, %v", c, err)
	}
	_, err = s.Jobs().Add(t.Context(), job("2", left4me.StartServer, "alpha"), always)
	is(t, err, left4me.NotFound, "")
	// A repeated end of the job must not delete a new server of the same name.
	serve(t, s, "alpha")
	if _, ended, err := s.Jobs().End(t.Context(), v.Job, "alpha"); ended || err != nil {
		t.Errorf("got %v, error %v", ended, err)
	}
	if _, err := s.Servers().Get(t.Context(), "alpha"); err != nil {
		t.Errorf("the old job deleted the new server: %v", err)
	}
}

func TestReadersDoNotWaitForWriter(t *testing.T) {
	s := newStore(t)
	serve(t, s, "alpha")
	inside, leave := make(chan struct{}), make(chan struct{})
	written := make(chan error)
	go func() {
		_, err := s.Jobs().Add(t.Context(), job("1", left4me.StartServer, "alpha"), func([]store.QueuedJob) (*store.QueuedJob, error) {
			close(inside)
			<-leave
			return nil, nil
		})
		written <- err
	}()
	<-inside
	if all, err := s.Jobs().Active(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("got %v, error %v", all, err)
	}
	close(leave)
	ok(t, <-written)
	if all, err := s.Jobs().Active(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("got %v, error %v", all, err)
	}
}

func TestRememberMovesKeepsVersion(t *testing.T) {
	s := newStore(t)
	made, err := s.Overlays().Create(t.Context(), left4me.ByUser("anna"),
		left4me.Overlay{Name: "comp", Kind: left4me.FilesOverlay, CreatedAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	moves := []left4me.FolderMove{{From: "docs", To: "-"}}
	if err := s.Overlays().RememberMoves(t.Context(), "comp", moves); err != nil {
		t.Fatal(err)
	}
	made.Note = "other"
	changed, err := s.Overlays().Update(t.Context(), left4me.ByUser("anna"), made.Overlay) // made has no moves
	if err != nil || changed.Version != made.Version+1 || len(changed.Moves) != 1 || changed.Moves[0] != moves[0] {
		t.Errorf("got %+v, error %v", changed, err)
	}
	if err := s.Overlays().RememberMoves(t.Context(), "comp", []left4me.FolderMove{{From: "cfg", To: "left4dead2/cfg"}}); err != nil {
		t.Fatal(err)
	}
	if v, err := s.Overlays().Get(t.Context(), "comp"); err != nil || len(v.Moves) != 2 {
		t.Errorf("another move: %+v, %v", v.Moves, err)
	}
	if err := s.Overlays().RememberMoves(t.Context(), "comp", []left4me.FolderMove{{From: "docs"}}); err != nil {
		t.Fatal(err)
	}
	if v, err := s.Overlays().Get(t.Context(), "comp"); err != nil || len(v.Moves) != 1 || v.Moves[0].From != "cfg" {
		t.Errorf("after forgetting one: %+v, %v", v.Moves, err)
	}
	if err := s.Overlays().RememberMoves(t.Context(), "none", moves); !errors.Is(err, left4me.NotFound) {
		t.Error(err)
	}
}
