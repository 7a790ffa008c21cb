package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

func TestNewIDIsUniqueAndSorted(t *testing.T) {
	seen := map[left4me.ID]bool{}
	before := left4me.ID("0000ffffffffffffffffffff") // the highest that the migration creates
	for i := range 1000 {
		id := store.NewID(at.Add(time.Duration(i) * time.Microsecond))
		if len(id) != 24 || id <= before {
			t.Fatalf("%s follows %s", id, before)
		}
		if before = id; seen[id] || seen[store.NewID(at)] {
			t.Fatalf("%s was generated before", id)
		}
		seen[id] = true
	}
}

// A new server with the name of a deleted one has another id and inherits nothing.
func TestNewServerInheritsNothingFromDeletedServer(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	server := left4me.Server{Name: "alpha", Host: "local", Port: 27015, Blueprint: "default", CreatedAt: at}
	create := func() left4me.Target {
		t.Helper()
		ok(t, s.Servers().Create(ctx, server))
		v, err := s.Servers().Get(ctx, "alpha")
		ok(t, err)
		on, err := s.Target(ctx, left4me.ServerTarget, "alpha")
		ok(t, err)
		if on != v.Target() || on.ID == "" {
			t.Fatalf("%v is %v", v.Target(), on)
		}
		return on
	}
	old := create()
	ok(t, s.Crashes().Add(ctx, store.Crash{Host: "local", Server: "alpha", At: at}))
	ok(t, s.Reports().Set(ctx, []store.Report{{Host: "local", Noun: "server", Name: "alpha", Value: "running"}}))
	ok(t, addJob(ctx, s, jobOn("1", left4me.DeleteServer, "alpha")))
	deletion := jobOn("1", left4me.DeleteServer, "alpha")
	deletion.State = left4me.JobDone
	_, _, err := s.Jobs().End(ctx, deletion, "alpha")
	ok(t, err)
	events, err := s.Events().After(ctx, 0, 100)
	ok(t, err)
	for _, e := range events {
		if e.Target != old {
			t.Errorf("%s of %+v, want %+v", e.Kind, e.Target, old)
		}
	}
	if on, err := s.Target(ctx, left4me.ServerTarget, "alpha"); err != nil || on != left4me.OnServer("alpha") {
		t.Errorf("Target of an unknown server: %v, %v", on, err)
	}

	now := create()
	if now.ID == old.ID {
		t.Errorf("the id %s was reused", now.ID)
	}
	if all, err := s.Crashes().List(ctx, "alpha", 10); err != nil || len(all) != 0 {
		t.Errorf("crashes of the new server: %v, %v", all, err)
	}
	asked := jobOn("2", left4me.StartServer, "alpha") // by a user who read the old one
	asked.TargetID = old.ID
	if err := addJob(ctx, s, asked); !errors.Is(err, left4me.NotFound) {
		t.Errorf("a job on the old server: %v", err)
	}
	position := last(t, s)
	ok(t, s.Reports().Set(ctx, []store.Report{{Host: "local", Noun: "server", Name: "alpha", Value: "running"}}))
	events, err = s.Events().After(ctx, position, 100)
	ok(t, err)
	if len(events) != 1 || events[0].Target != now {
		t.Errorf("first state of the new server: %+v", events)
	}
}

// Jobs and events of a deleted user keep that user's id when another user takes the name.
func TestNewUserInheritsNothingFromDeletedUser(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	create := func() store.User {
		t.Helper()
		u, err := s.Users().Create(ctx, store.User{Name: "zoe", Password: "x", Admin: true, CreatedAt: at})
		ok(t, err)
		return u
	}
	_, err := s.Users().Create(ctx, store.User{Name: "root", Password: "x", Admin: true, CreatedAt: at})
	ok(t, err)
	ok(t, s.Servers().Create(ctx, left4me.Server{Name: "alpha", Host: "local", Port: 27015, Blueprint: "default", CreatedAt: at}))
	old := create()
	start := jobOn("1", left4me.StartServer, "alpha")
	start.By = left4me.ByUser("zoe")
	ok(t, addJob(ctx, s, start))
	_, err = s.Users().Delete(ctx, old)
	ok(t, err)
	now := create()
	if now.ID == old.ID || now.ID < 1<<32 || now.ID >= 1<<53 {
		t.Errorf("ids %d and %d", old.ID, now.ID)
	}
	position := last(t, s)
	start.State = left4me.JobDone
	_, _, err = s.Jobs().End(ctx, start, "")
	ok(t, err)
	_, err = s.By(left4me.Actor{Kind: left4me.UserActor, Name: "zoe"}).Blueprints().Get(ctx, "default")
	ok(t, err)
	ok(t, s.By(left4me.Actor{Kind: left4me.UserActor, Name: "zoe"}).Blueprints().Create(ctx, left4me.Blueprint{Name: "versus"}))
	events, err := s.Events().After(ctx, position, 100)
	ok(t, err)
	if len(events) != 2 || events[0].Actor.ID != store.UserID(old.ID) || events[1].Actor.ID != store.UserID(now.ID) {
		t.Errorf("old %d, new %d: %+v", old.ID, now.ID, events)
	}
}
