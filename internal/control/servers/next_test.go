package servers_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// A server never inherits anything from a deleted server of its name, not even before the event
// readers have seen the deletion.
func TestNewServerInheritsNothingFromDeletedOne(t *testing.T) {
	s := newSite(t)
	old := s.create(t, "alpha")
	s.publish(t, bus.KindStatus, left4me.Status{Name: "alpha", State: left4me.Failed, Reason: "it crashed"})
	start := s.act(t, left4me.StartServer, "alpha")
	s.end(t, start, left4me.JobFailed)
	s.end(t, s.act(t, left4me.DeleteServer, "alpha"), left4me.JobDone)
	now := s.create(t, "alpha")
	if now.ID == old.ID || now.Status.State == left4me.Failed || now.Status.Reason == "it crashed" || now.Failed != nil || now.Job != nil {
		t.Errorf("old %s, new %+v", old.ID, now)
	}
	if all, err := s.jobs.List(t.Context(), "server", "alpha", 10); err != nil || len(all) != 0 {
		t.Errorf("jobs of the new server: %+v, %v", all, err)
	}
	_, err := s.jobs.Retry(t.Context(), left4me.ByUser("al"), start.ID)
	is(t, err, left4me.Conflict, "")

	at := time.Now().UTC().Truncate(time.Millisecond)
	for id, server := range map[string]left4me.ID{"1": old.ID, "2": now.ID} { // the deleted server's crash, reported late, and its own
		crash := bus.Crash{V: bus.Version, Server: "alpha", ServerID: server, At: at, Exit: string(server)}
		if err := s.bus.Record(t.Context(), left4me.LocalHost, bus.KindCrash, id, crash); err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Second)
	}
	var all []store.Crash
	for end := time.Now().Add(patience); len(all) == 0 || all[0].Exit != string(now.ID); time.Sleep(2 * time.Millisecond) {
		if all, err = s.Crashes(t.Context(), "alpha", 9); err != nil || time.Now().After(end) {
			t.Fatalf("crashes %+v, %v", all, err)
		}
	}
	if len(all) != 1 {
		t.Errorf("want only the new server's crash: %+v", all)
	}
}

// A new server doesn't inherit a status that the host reported earlier under its name, unless a
// process is running.
func TestNewServerHasNoOldStatus(t *testing.T) {
	s := newSite(t)
	for name, state := range map[left4me.Name]left4me.ServerState{"alpha": left4me.Failed, "beta": left4me.Running} {
		ctx, cancel := context.WithCancel(t.Context())
		changes := s.Watch(ctx)
		s.publish(t, bus.KindStatus, left4me.Status{Name: name, State: state, Reason: "of before"})
		for n := range changes {
			if n == name {
				break
			}
		}
		cancel()
		if v := s.create(t, name); state.Up() != v.Status.State.Up() || !state.Up() && v.Status.Reason == "of before" {
			t.Errorf("%s was %s, the new one is %+v", name, state, v.Status)
		}
	}
}

// The new server's first state is an event even if it equals the deleted server's.
func TestFirstStateOfNewServerIsAnEvent(t *testing.T) {
	s := newSite(t)
	running := func(id left4me.ID) {
		t.Helper()
		s.publish(t, bus.KindStatus, left4me.Status{Name: "alpha", State: left4me.Running})
		for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
			all, err := s.store.Events().After(t.Context(), 0, 1000)
			if err != nil || time.Now().After(end) {
				t.Fatalf("no event of %s: %+v, %v", id, all, err)
			}
			for _, e := range all {
				if e.Kind == left4me.ServerStateChanged && e.Target.ID == id {
					return
				}
			}
		}
	}
	running(s.create(t, "alpha").ID)
	s.end(t, s.act(t, left4me.DeleteServer, "alpha"), left4me.JobDone)
	running(s.create(t, "alpha").ID)
}

func TestConsoleOfDeletedServerEndsAtNextServer(t *testing.T) {
	s := newSite(t)
	text := make(chan string, 1)
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbConsole: func([]byte) (any, error) {
			return bus.ConsoleChunk{V: bus.Version, Position: 9, Text: <-text}, nil
		},
	})
	s.create(t, "alpha")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	chunks, err := s.Consoles().Follow(ctx, "alpha", 0)
	if err != nil {
		t.Fatal(err)
	}
	s.end(t, s.act(t, left4me.DeleteServer, "alpha"), left4me.JobDone)
	s.create(t, "alpha")
	text <- "of the next one\n"
	for c, e := range chunks {
		if err = e; err == nil {
			t.Fatalf("Follow continues with %q", c.Text)
		}
	}
	if !errors.Is(err, left4me.NotFound) {
		t.Errorf("got %v, want NotFound", err)
	}
}
