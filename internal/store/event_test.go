package store_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// after returns the kinds and targets of the events after a position, as text.
func after(t *testing.T, s *store.Store, position int64) (all []string) {
	t.Helper()
	events, err := s.Events().After(t.Context(), position, 1000)
	ok(t, err)
	for _, e := range events {
		all = append(all, string(e.Kind)+" "+e.Target.Name+" by "+string(e.Actor.Kind)+" "+e.Actor.Name)
	}
	return all
}

func last(t *testing.T, s *store.Store) int64 {
	t.Helper()
	events, err := s.Events().After(t.Context(), 0, 1000)
	ok(t, err)
	if len(events) == 0 {
		return 0
	}
	return events[len(events)-1].Position
}

func jobOn(id left4me.JobID, kind left4me.JobKind, target left4me.Name) left4me.Job {
	return left4me.Job{ID: id, Kind: kind, Target: target, Host: "local", By: left4me.ByUser("ann"), CreatedAt: at}
}

func addJob(ctx context.Context, s *store.Store, v left4me.Job) error {
	_, err := s.Jobs().Add(ctx, store.QueuedJob{Job: v, Spec: []byte("{}")},
		func([]store.QueuedJob) (*store.QueuedJob, error) { return nil, nil })
	return err
}

// Every change writes the listed events; a refused change, or one without effect, writes none.
func TestChangesWriteEvents(t *testing.T) {
	s := newStore(t)
	ctx, by := t.Context(), s.By(left4me.Actor{Kind: left4me.UserActor, Name: "ann"})
	server := left4me.Server{Name: "alpha", Host: "local", Port: 27015, Blueprint: "default", CreatedAt: at}
	job, report := jobOn, func(noun string, name left4me.Name, value string) func() error {
		return func() error {
			return s.Reports().Set(ctx, []store.Report{{Host: "local", Noun: noun, Name: name, Value: value}})
		}
	}
	add := func(v left4me.Job) error { return addJob(ctx, s, v) }
	end := func(v left4me.Job, drop left4me.Name) error {
		v.State, v.EndedAt = left4me.JobDone, at.Add(time.Minute)
		_, _, err := s.Jobs().End(ctx, v, drop)
		return err
	}
	haveEvents(t, s, []change{
		{"create server", func() error { return by.Servers().Create(ctx, server) }, "server.created alpha by user ann"},
		{"create the server again", func() error { return by.Servers().Create(ctx, server) }, ""},
		{"update server", func() error { return by.Servers().Update(ctx, server) }, "server.changed alpha by user ann"},
		{"update an unknown server", func() error { return by.Servers().Update(ctx, left4me.Server{Name: "beta"}) }, ""},
		{"hold", func() error { return s.Servers().Hold(ctx, "alpha", left4me.HeldCrashed) }, "server.held alpha by system "},
		{"hold again", func() error { return s.Servers().Hold(ctx, "alpha", left4me.HeldCrashed) }, ""},
		{"unknown state", report("server", "alpha", ""), ""},
		{"state", report("server", "alpha", "running"), "server.state alpha by host local"},
		{"the same state", report("server", "alpha", "running"), ""},
		{"state of an unknown server", report("server", "nobody", "running"), ""},
		{"revision", report("overlay", "maps", "2"), "overlay.revision maps by host local"},
		{"build", report("game", "", "17"), "game.build local by host local"},
		{
			"crash", func() error { return s.Crashes().Add(ctx, store.Crash{Host: "local", Server: "alpha", At: at}) },
			"server.crashed alpha by host local",
		},
		{"the same crash", func() error { return s.Crashes().Add(ctx, store.Crash{Host: "local", Server: "alpha", At: at}) }, ""},
		{"unknown server crashes", func() error { return s.Crashes().Add(ctx, store.Crash{Host: "local", Server: "nobody", At: at}) }, ""},
		{
			"start", func() error { return add(job("1", left4me.StartServer, "alpha")) },
			"job.added alpha by user ann, server.held alpha by user ann", // it releases the server
		},
		{"hold later", func() error { return s.Servers().Hold(ctx, "alpha", left4me.HeldCrashed) }, "server.held alpha by system "},
		{
			"stop from its console",
			func() error {
				return s.Servers().SetWanted(ctx, "alpha", left4me.WantStopped, left4me.ByUser("bob"), at)
			},
			"server.held alpha by user bob",
		},
		{"start an unknown server", func() error { return add(job("2", left4me.StartServer, "nobody")) }, ""},
		{"end", func() error { return end(job("1", left4me.StartServer, "alpha"), "") }, "job.ended alpha by user ann"},
		{"end again", func() error { return end(job("1", left4me.StartServer, "alpha"), "") }, ""},
		{"delete", func() error { return add(job("3", left4me.DeleteServer, "alpha")) }, "job.added alpha by user ann"},
		{
			"deleted", func() error { return end(job("3", left4me.DeleteServer, "alpha"), "alpha") },
			"job.ended alpha by user ann, server.deleted alpha by user ann",
		},
		{"create another server of the name", func() error { return s.Servers().Create(ctx, server) }, "server.created alpha by system "},
		{"first state of that server", report("server", "alpha", "running"), "server.state alpha by host local"},
		{
			"blueprint", func() error { return by.Blueprints().Create(ctx, left4me.Blueprint{Name: "versus"}) },
			"blueprint.created versus by user ann",
		},
		{
			"change blueprint", func() error { return by.Blueprints().Update(ctx, left4me.Blueprint{Name: "versus"}) },
			"blueprint.changed versus by user ann",
		},
		{"outdated change", func() error { return by.Blueprints().Update(ctx, left4me.Blueprint{Name: "versus", Version: 1}) }, ""},
		{"delete blueprint", func() error { return by.Blueprints().Delete(ctx, "versus") }, "blueprint.deleted versus by user ann"},
		{"delete blueprint again", func() error { return by.Blueprints().Delete(ctx, "versus") }, ""},
		{"overlay", func() error {
			_, err := s.Overlays().Create(ctx, left4me.ByUser("ann"),
				left4me.Overlay{Name: "maps", Kind: left4me.FilesOverlay, CreatedAt: at})
			return err
		}, "overlay.created maps by user ann"},
		{"change the overlay", func() error {
			_, err := s.Overlays().Update(ctx, left4me.ByUser("ann"), left4me.Overlay{Name: "maps", Kind: left4me.FilesOverlay, Version: 1})
			return err
		}, "overlay.changed maps by user ann"},
		{"delete overlay", func() error { return add(job("4", left4me.DeleteOverlay, "maps")) }, "job.added maps by user ann"},
		{
			"end of the deletion", func() error { return end(job("4", left4me.DeleteOverlay, "maps"), "") },
			"job.ended maps by user ann, overlay.deleted maps by user ann",
		},
		{"drop the overlay too early", func() error { return s.Overlays().Drop(ctx, "maps", at) }, ""},
		{"drop", func() error { return s.Overlays().Drop(ctx, "maps", at.Add(time.Hour)) }, "overlay.dropped maps by system "},
		{"rollout", func() error {
			return s.Game().SetRollout(ctx, store.Rollout{Host: "local", State: "waiting", By: left4me.BySchedule, CreatedAt: at})
		}, "game.rollout local by system schedule"},
		{"settings", func() error { return by.Game().SetPolicy(ctx, "local", store.GamePolicy{}) }, "settings.changed  by user ann"},
		{"names", func() error { return s.Site().SetArchiveNames(ctx, "cp932", true) }, "settings.changed  by system "},
		{"set archive names if unset", func() error { return s.Site().SetArchiveNames(ctx, "gbk", true) }, ""},
		{
			"backups", func() error { return by.Backups().SetPolicy(ctx, left4me.BackupPolicy{At: "04:30"}, at) },
			"settings.changed  by user ann",
		},
	})
}

func TestUserChangesWriteEvents(t *testing.T) {
	s := newStore(t)
	ctx, by := t.Context(), s.By(left4me.Actor{Kind: left4me.UserActor, Name: "ann"})
	user, rookie := store.User{Name: "bob", Password: "x", CreatedAt: at}, store.User{}
	disabled := true
	haveEvents(t, s, []change{
		{"user", func() (err error) { rookie, err = by.Users().Create(ctx, user); return err }, "user.created bob by user ann"},
		{"create user again", func() error { _, err := by.Users().Create(ctx, user); return err }, ""},
		{"sign in", func() error {
			return s.Sessions().Create(ctx, store.Session{Hash: []byte("s"), UserID: rookie.ID, ExpiresAt: at}, rookie.Version)
		}, "user.signed_in bob by user bob"},
		{"sign in with an old version", func() error {
			return s.Sessions().Create(ctx, store.Session{Hash: []byte("s2"), UserID: rookie.ID, ExpiresAt: at}, rookie.Version+1)
		}, ""},
		{
			"token", func() error {
				return by.Tokens().Create(ctx, store.Token{Hash: []byte("t"), UserID: rookie.ID, Label: "ci"})
			},
			"token.created bob by user ann",
		},
		{"revoke", func() error { return by.Tokens().Delete(ctx, []byte("t")) }, "token.revoked bob by user ann"},
		{"revoke again", func() error { return by.Tokens().Delete(ctx, []byte("t")) }, ""},
		{"disable", func() (err error) {
			rookie, _, err = by.Users().Change(ctx, rookie, store.UserChange{Disabled: &disabled})
			return err
		}, "user.changed bob by user ann"},
		{"disable again", func() error {
			_, _, err := by.Users().Change(ctx, rookie, store.UserChange{Disabled: &disabled})
			return err
		}, ""},
		{"remove", func() error { _, err := by.Users().Delete(ctx, rookie); return err }, "user.deleted bob by user ann"},
	})
}

// change is one change of a store.
type change struct {
	what string
	do   func() error
	want string // its events, comma-separated; if empty, the change may be refused
}

// haveEvents makes changes in order and checks their events.
func haveEvents(t *testing.T, s *store.Store, all []change) {
	t.Helper()
	for _, c := range all {
		before := last(t, s)
		err := c.do()
		if _, refused := left4me.Public(err); err != nil && (!refused || c.want != "") {
			t.Fatalf("%s: %v", c.what, err)
		}
		if got := strings.Join(after(t, s, before), ", "); got != c.want {
			t.Errorf("%s: events %q, want %q", c.what, got, c.want)
		}
	}
}

// A transaction that fails after an event rolls the event back, and no reader skips a position.
func TestFailedChangeWritesNoEvent(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	ok(t, s.Servers().Create(ctx, left4me.Server{Name: "alpha", Host: "local", Port: 27015, Blueprint: "default", CreatedAt: at}))
	ok(t, s.Events().KeepReaders(ctx, []string{"test"}))
	before := last(t, s)
	broken := errors.New("broken")
	err := s.Events().Advance(ctx, "test", 0, before, func(ctx context.Context, tx *store.Store) error {
		ok(t, tx.Servers().Hold(ctx, "alpha", left4me.HeldCrashed))
		if v, err := tx.Servers().Get(ctx, "alpha"); err != nil || v.Held == "" {
			t.Errorf("the transaction sees %+v, %v", v.Held, err)
		}
		if v, err := s.Servers().Get(ctx, "alpha"); err != nil || v.Held != "" {
			t.Errorf("others see %+v, %v", v.Held, err)
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if v, err := s.Servers().Get(ctx, "alpha"); err != nil || v.Held != "" || last(t, s) != before {
		t.Errorf("after the rollback: Held = %q, %v, events %v", v.Held, err, after(t, s, before))
	}
	if p, err := s.Events().Position(ctx, "test"); err != nil || p != 0 {
		t.Errorf("position %d, %v", p, err)
	}
}

// A refused change inside a transaction fails the whole transaction, even if the caller ignores the
// error. A change through another store is refused instead of deadlocking.
func TestChangesInsideTransaction(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	ok(t, s.Events().KeepReaders(ctx, []string{"test"}))
	err := s.Events().Advance(ctx, "test", 0, 0, func(ctx context.Context, tx *store.Store) error {
		is(t, errors.Unwrap(tx.Blueprints().Delete(ctx, "none")), left4me.NotFound, "")
		return nil
	})
	if !errors.Is(err, left4me.NotFound) {
		t.Errorf("ignored error of a change: %v", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err = s.Events().Advance(ctx, "test", 0, 0, func(ctx context.Context, _ *store.Store) error {
		return s.Site().SetArchiveNames(ctx, "cp932", false)
	})
	if err == nil || !strings.Contains(err.Error(), "through its view") {
		t.Errorf("change through another store: %v", err)
	}
}

// Positions continue after the highest one ever used, also in a snapshot, and the snapshot has
// events for the jobs and servers it settles.
func TestEventPositionsAreNeverReused(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	ok(t, s.Servers().Create(ctx, left4me.Server{Name: "alpha", Host: "local", Port: 27015, Blueprint: "default", CreatedAt: at}))
	highest := last(t, s)
	if n, err := s.Events().Prune(ctx, 0, at); err != nil || n != 1 {
		t.Fatalf("removed %d, %v", n, err)
	}
	ok(t, addJob(ctx, s, jobOn("1", left4me.StartServer, "alpha")))
	if p := last(t, s); p != highest+1 {
		t.Errorf("position %d after %d", p, highest)
	}
	file := filepath.Join(t.TempDir(), "copy.db")
	ok(t, s.Snapshot(ctx, file, at))
	restored := mustOpen(t, file)
	want := []string{"job.ended alpha by system ", "server.held alpha by system "}
	if got := after(t, restored, last(t, s)); !slices.Equal(got, want) {
		t.Errorf("events of the snapshot: %q", got)
	}
}

// Prune keeps events that a reader has not read, whatever their age.
func TestPruneKeepsUnreadEvents(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	fill(t, s, 5000) // more than one transaction removes
	ok(t, s.Events().KeepReaders(ctx, []string{"slow"}))
	count := func() int {
		t.Helper()
		n := 0
		for p := int64(0); ; {
			all, err := s.Events().After(ctx, p, 1000)
			ok(t, err)
			if len(all) == 0 {
				return n
			}
			n, p = n+len(all), all[len(all)-1].Position
		}
	}
	prune := func(most int64, before time.Time) int {
		t.Helper()
		n, err := s.Events().Prune(ctx, most, before)
		ok(t, err)
		return n
	}
	if n := prune(10, time.Now().Add(time.Hour)); n != 0 || count() != 5000 {
		t.Errorf("pruned %d unread events", n)
	}
	ok(t, s.Events().Advance(ctx, "slow", 0, 4500, nil))
	if n := prune(1000, time.Unix(0, 0)); n != 4000 || count() != 1000 {
		t.Errorf("pruned %d, %d left, want 4000, 1000", n, count())
	}
	if n := prune(1000, time.Now().Add(time.Hour)); n != 500 || count() != 500 {
		t.Errorf("pruned %d old events, %d left, want 500, 500", n, count())
	}
	ok(t, s.Events().KeepReaders(ctx, nil))
	if n := prune(1000, time.Now().Add(time.Hour)); n != 500 || count() != 0 {
		t.Errorf("pruned %d without a reader, %d left, want 500, 0", n, count())
	}
}

func TestAdvanceNeedsCurrentPosition(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	fill(t, s, 10)
	if p, err := s.Events().Position(ctx, "test"); err != nil || p != 0 {
		t.Fatalf("position %d, %v", p, err)
	}
	ok(t, s.Events().Advance(ctx, "test", 0, 7, nil))
	if err := s.Events().Advance(ctx, "test", 0, 10, nil); !errors.Is(err, left4me.Conflict) {
		t.Errorf("from another position: %v", err)
	}
	if p, err := s.Events().Position(ctx, "test"); err != nil || p != 7 {
		t.Errorf("position %d, %v", p, err)
	}
}

// fill writes crash events in one transaction.
func fill(tb testing.TB, s *store.Store, n int) {
	tb.Helper()
	db, err := sql.Open("sqlite", s.Path())
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	_, err = db.ExecContext(tb.Context(), `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO event(kind, target_kind, target_id, target_name, actor_kind, actor_name, at, version, data)
		SELECT 'job.ended', 'server', '', 'alpha-' || i % 50, 'user', 'administrator', 1795000000000 + i, 1,
			'{"job":"06gf8k2v0000' || (1000000000000 + i) || '","kind":"server.restart","host":"local","state":"done"}' FROM n`, n)
	if err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkEvent compares a change with and without events.
func BenchmarkEvent(b *testing.B) {
	for _, events := range []int{0, 10} {
		b.Run(map[int]string{0: "none", 10: "ten"}[events], func(b *testing.B) {
			s, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "left4me.db"))
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			for b.Loop() {
				if err := s.WriteEvents(b.Context(), events); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEventsOnDisk measures the bytes per event.
func BenchmarkEventsOnDisk(b *testing.B) {
	const n = 1_000_000
	for b.Loop() {
		s, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "left4me.db"))
		if err != nil {
			b.Fatal(err)
		}
		before := s.Size(b)
		fill(b, s, n)
		b.ReportMetric(float64(s.Size(b)-before)/n, "bytes/event")
		s.Close()
	}
}

// A user or token may be named like a component of left4me; jobs, rollouts and their events keep
// the kind of the actor.
func TestActorKindIsStored(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	ok(t, s.Servers().Create(ctx, left4me.Server{Name: "alpha", Host: "local", Port: 27015, Blueprint: "default", CreatedAt: at}))
	for i, by := range []left4me.Actor{
		left4me.ByUser("schedule"),
		left4me.ByUser("left4me"),
		left4me.ByUser("rollout of"),
		{Kind: left4me.TokenActor, Name: "left4me", Owner: "schedule"},
		left4me.BySchedule,
		left4me.BySystem("schedule, for revision 3 of maps"),
		left4me.ByLeft4me,
	} {
		from := last(t, s)
		v := jobOn(left4me.JobID(rune('a'+i)), left4me.StopServer, "alpha")
		v.By = by
		ok(t, addJob(ctx, s, v))
		kept, err := s.Jobs().Get(ctx, v.ID)
		ok(t, err)
		kept.State, kept.EndedAt = left4me.JobDone, at
		_, _, err = s.Jobs().End(ctx, kept.Job, "")
		ok(t, err)
		ok(t, s.Game().SetRollout(ctx, store.Rollout{Host: "local", State: "waiting", By: by, CreatedAt: at}))
		rollout, err := s.Game().Rollout(ctx, "local")
		ok(t, err)
		if kept.By != by || rollout.By != by {
			t.Errorf("%#v: the job has %#v, the rollout %#v", by, kept.By, rollout.By)
		}
		events, err := s.Events().After(ctx, from, 10)
		ok(t, err)
		if len(events) != 3 {
			t.Errorf("%#v: %d events", by, len(events))
		}
		for _, e := range events {
			if e.Actor != by {
				t.Errorf("%#v: %s is by %#v", by, e.Kind, e.Actor)
			}
		}
	}
}
