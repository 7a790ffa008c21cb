package servers_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/hosts"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/control/sitetest"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/lifecycle/lifecycletest"
	"github.com/left4me/left4me/internal/store"
)

const patience = time.Minute

// site is Servers on a real store and a real bus. It has no host until host is called.
type site struct {
	*servers.Servers
	jobs  *jobs.Jobs
	store *store.Store
	bus   *bus.Bus
	db    string // path of the database
}

func newSite(t *testing.T) *site {
	t.Helper()
	on := sitetest.Open(t, t.TempDir())
	j := jobs.New(on.Store.Jobs(), on.Bus, on.Log) // without Overlays, which would query the host about each stack
	s := &site{
		Servers: servers.New(on.Store, j, hosts.New(on.Bus, left4me.LocalHost), on.Bus, servers.PortRange{Low: 33000, High: 33002}, on.Log),
		jobs:    j, store: on.Store, bus: on.Bus, db: filepath.Join(on.Dir, "left4me.db"),
	}
	if err := lifecycletest.Start(on.Ctx, j, s); err != nil {
		t.Fatal(err)
	}
	return s
}

// host answers requests to the local host.
func (s *site) host(t *testing.T, verbs map[string]func(data []byte) (any, error)) {
	t.Helper()
	err := s.bus.Answer(t.Context(), bus.Command(left4me.LocalHost, "*"),
		func(_ context.Context, subject string, data []byte) (any, error) {
			if f := verbs[bus.VerbOf(subject)]; f != nil {
				return f(data)
			}
			return bus.Empty{V: bus.Version}, nil
		})
	if err != nil {
		t.Fatal(err)
	}
}

func (s *site) publish(t *testing.T, kind string, v any) {
	t.Helper()
	if err := s.bus.Publish(bus.Broadcast(left4me.LocalHost, kind), v); err != nil {
		t.Fatal(err)
	}
}

func (s *site) create(t *testing.T, name left4me.Name) servers.View {
	t.Helper()
	v, err := s.Create(t.Context(), left4me.ByUser("tester"), left4me.Server{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (s *site) act(t *testing.T, kind left4me.JobKind, name left4me.Name) left4me.Job {
	t.Helper()
	j, err := s.Act(t.Context(), left4me.ByUser("al"), kind, name)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// end reports the end of a job as its host would.
func (s *site) end(t *testing.T, j left4me.Job, state left4me.JobState) {
	t.Helper()
	r := bus.JobReport{V: bus.Version, ID: j.ID, State: state}
	if err := s.bus.Request(t.Context(), bus.Ask(left4me.LocalHost, bus.VerbReport), r, nil); err != nil {
		t.Fatal(err)
	}
}

// until waits for a view that f accepts.
func (s *site) until(t *testing.T, name left4me.Name, f func(servers.View) bool) servers.View {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		v, err := s.Get(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if f(v) {
			return v
		}
		if time.Now().After(end) {
			t.Fatalf("after %s: %+v", patience, v)
		}
	}
}

func is(t *testing.T, err error, kind left4me.Kind, field string) {
	t.Helper()
	if e, ok := left4me.Public(err); !ok || e.Kind != kind || e.Field != field {
		t.Errorf("%v is not %s for %q", err, kind, field)
	}
}

func TestCreateFillsInDefaults(t *testing.T) {
	s := newSite(t)
	s.host(t, nil)
	v := s.create(t, "alpha")
	if v.Host != left4me.LocalHost || v.Blueprint != left4me.DefaultBlueprint || v.Port != 33000 || v.CreatedAt.IsZero() {
		t.Errorf("got %+v", v)
	}
	if err := s.store.Blueprints().Create(t.Context(), left4me.Blueprint{Name: "versus"}); err != nil {
		t.Fatal(err)
	}
	v, err := s.Create(t.Context(), left4me.ByUser("tester"), left4me.Server{Name: "beta", Blueprint: "versus", Port: 40000})
	if err != nil || v.Blueprint != "versus" || v.Port != 40000 {
		t.Errorf("got %+v, error %v", v, err)
	}
	all, err := s.List(t.Context())
	if err != nil || len(all) != 2 || all[0].Name != "alpha" {
		t.Errorf("got %+v, error %v", all, err)
	}
}

func TestCreateRefusesNamesAndPortsInUse(t *testing.T) {
	s := newSite(t)
	s.host(t, nil)
	s.create(t, "alpha")
	for _, c := range []struct {
		v     left4me.Server
		kind  left4me.Kind
		field string
	}{
		{left4me.Server{Name: "alpha"}, left4me.Conflict, "name"},
		{left4me.Server{Name: "beta", Port: 33000}, left4me.Conflict, "port"},
		{left4me.Server{Name: "beta", Blueprint: "nothing"}, left4me.Invalid, "blueprint"},
		{left4me.Server{Name: "beta", Host: "far"}, left4me.Invalid, "host"},
		{left4me.Server{Name: "Beta"}, left4me.Invalid, "name"},
	} {
		_, err := s.Create(t.Context(), left4me.ByUser("tester"), c.v)
		is(t, err, c.kind, c.field)
	}
	_, err := s.Get(t.Context(), "beta")
	is(t, err, left4me.NotFound, "")
}

func TestCreateTakesNextFreePort(t *testing.T) {
	s := newSite(t)
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbPort: func(data []byte) (any, error) {
			var r bus.PortRequest
			if err := bus.Decode(data, &r); err != nil || r.Port == 33001 {
				return nil, &left4me.Error{Kind: left4me.Conflict, Text: "another program has it"}
			}
			return bus.Empty{}, nil
		},
	})
	if v := s.create(t, "a"); v.Port != 33000 {
		t.Errorf("first %d", v.Port)
	}
	if v := s.create(t, "b"); v.Port != 33002 {
		t.Errorf("next free port %d, want 33002", v.Port)
	}
	_, err := s.Create(t.Context(), left4me.ByUser("tester"), left4me.Server{Name: "c"})
	is(t, err, left4me.Conflict, "port")
}

func TestConcurrentCreatesGetDifferentPorts(t *testing.T) {
	s := newSite(t)
	s.host(t, nil)
	var all sync.WaitGroup
	for _, n := range []left4me.Name{"a", "b", "c"} { // one for each port of the range
		all.Go(func() {
			if _, err := s.Create(t.Context(), left4me.ByUser("tester"), left4me.Server{Name: n}); err != nil {
				t.Errorf("%s: %v", n, err)
			}
		})
	}
	all.Wait()
}

func TestCreateWithoutHost(t *testing.T) {
	s := newSite(t)
	v := s.create(t, "alpha")
	if v.Port != 33000 || v.Status.State != left4me.Unknown || v.Status.Reason == "" || v.RestartRequired {
		t.Errorf("got %+v", v)
	}
	if _, err := s.Consoles().Command(t.Context(), left4me.ByUser("al"), "alpha", "status"); !errors.Is(err, left4me.Unavailable) {
		t.Errorf("Command without a host: %v", err)
	}
}

func TestStateComesFromHost(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	s.create(t, "beta")
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbStatus: func([]byte) (any, error) {
			return []left4me.Status{{Name: "alpha", State: left4me.Running, PID: 42}}, nil
		},
	})
	s.publish(t, bus.KindHello, bus.Hello{V: bus.Version})
	if v := s.until(t, "alpha", func(v servers.View) bool { return v.Status.State == left4me.Running }); v.Status.PID != 42 {
		t.Errorf("got %+v", v)
	}
	if v, err := s.Get(t.Context(), "beta"); err != nil || v.Status.State != left4me.Stopped {
		t.Errorf("a server that the host doesn't list is not stopped: %+v, %v", v, err)
	}
	s.publish(t, bus.KindStatus, left4me.Status{Name: "alpha", State: left4me.Failed, Reason: "it crashed"})
	if v := s.until(t, "alpha", func(v servers.View) bool { return v.Status.State == left4me.Failed }); v.Status.PID != 0 ||
		v.Status.Reason != "it crashed" {
		t.Errorf("got %+v", v)
	}
	// Invalid messages are ignored.
	if err := s.bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindStatus), "nonsense"); err != nil {
		t.Fatal(err)
	}
	s.publish(t, bus.KindHello, bus.Hello{V: bus.Version})
	s.until(t, "alpha", func(v servers.View) bool { return v.Status.State == left4me.Running })
}

func TestHostIsQueriedAgainAfterError(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	asked := 0
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbStatus: func([]byte) (any, error) {
			if asked++; asked == 1 {
				return nil, &left4me.Error{Kind: left4me.Unavailable, Text: "not now"}
			}
			return []left4me.Status{{Name: "alpha", State: left4me.Running}}, nil
		},
	})
	s.publish(t, bus.KindHello, bus.Hello{V: bus.Version})
	s.until(t, "alpha", func(v servers.View) bool { return v.Status.State == left4me.Running })
}

func TestDeletedServerStatusIsForgotten(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	s.publish(t, bus.KindStatus, left4me.Status{Name: "alpha", State: left4me.Failed, Reason: "it crashed"})
	s.until(t, "alpha", func(v servers.View) bool { return v.Status.State == left4me.Failed })
	s.end(t, s.act(t, left4me.DeleteServer, "alpha"), left4me.JobDone)
	s.create(t, "alpha")
	s.until(t, "alpha", func(v servers.View) bool { return v.Status.State != left4me.Failed && v.Status.Reason != "it crashed" })
}

func TestRetryUsesCurrentDefinition(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	start := s.act(t, left4me.StartServer, "alpha")
	_, err := s.jobs.Retry(t.Context(), left4me.ByUser("al"), start.ID)
	is(t, err, left4me.Conflict, "")
	s.end(t, start, left4me.JobFailed)
	again, err := s.jobs.Retry(t.Context(), left4me.ByUser("al"), start.ID)
	if err != nil || again.ID == start.ID || again.Kind != left4me.StartServer || again.Target != "alpha" {
		t.Fatalf("got %+v, error %v", again, err)
	}
	s.end(t, again, left4me.JobFailed)
	s.end(t, s.act(t, left4me.DeleteServer, "alpha"), left4me.JobDone)
	_, err = s.jobs.Retry(t.Context(), left4me.ByUser("al"), start.ID)
	is(t, err, left4me.NotFound, "") // otherwise a deleted server could run unnoticed
}

func TestOlderListDoesNotUndoNewerStatus(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	s.create(t, "beta")
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbStatus: func([]byte) (any, error) {
			list := []left4me.Status{{Name: "alpha", State: left4me.Running}, {Name: "beta", State: left4me.Running}}
			// The server alpha stops while the list is being sent.
			s.publish(t, bus.KindStatus, left4me.Status{Name: "alpha", State: left4me.Stopped, Reason: "newer"})
			s.until(t, "alpha", func(v servers.View) bool { return v.Status.Reason == "newer" })
			return list, nil
		},
	})
	s.publish(t, bus.KindHello, bus.Hello{V: bus.Version})
	s.until(t, "beta", func(v servers.View) bool { return v.Status.State == left4me.Running })
	if v, err := s.Get(t.Context(), "alpha"); err != nil || v.Status.State != left4me.Stopped {
		t.Errorf("got %+v, error %v", v.Status, err)
	}
}

func TestRestartRequiredAfterSettingsChange(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	spec := left4me.Spec{Name: "alpha", Port: 33000, Overlays: left4me.Refs(), Settings: left4me.Settings{Hostname: "left4me alpha"}}
	says := func(state left4me.ServerState, hash string) servers.View {
		t.Helper()
		s.publish(t, bus.KindStatus, left4me.Status{Name: "alpha", State: state, SpecHash: hash})
		return s.until(t, "alpha", func(v servers.View) bool { return v.Status.State == state && v.Status.SpecHash == hash })
	}
	if says(left4me.Running, spec.Hash()).RestartRequired {
		t.Error("unchanged settings: RestartRequired is true")
	}
	if !says(left4me.Running, "0000000000000000").RestartRequired {
		t.Error("changed settings: RestartRequired is false")
	}
	if says(left4me.Running, "").RestartRequired {
		t.Error("unknown settings: RestartRequired is true")
	}
	if says(left4me.Stopped, "0000000000000000").RestartRequired {
		t.Error("stopped server: RestartRequired is true")
	}
}

func TestViewShowsJob(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	j, err := s.Act(t.Context(), left4me.ByUser("al"), left4me.StartServer, "alpha")
	if err != nil || j.State != left4me.JobQueued || j.Target != "alpha" || j.Host != left4me.LocalHost {
		t.Fatalf("got %+v, error %v", j, err)
	}
	if again, err := s.Act(t.Context(), left4me.ByUser("al"), left4me.StartServer, "alpha"); err != nil || again.ID != j.ID {
		t.Errorf("got %+v, error %v", again, err)
	}
	if v, err := s.Get(t.Context(), "alpha"); err != nil || v.Job == nil || v.Job.ID != j.ID {
		t.Errorf("got %+v, error %v", v.Job, err)
	}
	// The host gets the definition with its blueprint applied.
	q, err := s.store.Jobs().Get(t.Context(), j.ID)
	var told left4me.Spec
	if err = errors.Join(err, json.Unmarshal(q.Spec, &told)); err != nil || told.Port != 33000 ||
		told.Settings.Hostname != "left4me alpha" {
		t.Errorf("got %+v, error %v", told, err)
	}
	_, err = s.Act(t.Context(), left4me.ByUser("al"), left4me.StartServer, "nobody")
	is(t, err, left4me.NotFound, "")
}

func TestWatchCoalescesChanges(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	ctx, cancel := context.WithCancel(t.Context())
	got, resume := make(chan left4me.Name), make(chan struct{})
	var watcher sync.WaitGroup
	changes := s.Watch(ctx)
	watcher.Go(func() {
		for n := range changes {
			got <- n
			<-resume
		}
	})
	s.publish(t, bus.KindStatus, left4me.Status{Name: "alpha", State: left4me.Running})
	if n := <-got; n != "alpha" {
		t.Fatalf("%s changed", n)
	}
	for i := range 1000 { // while the watcher is busy
		s.publish(t, bus.KindStatus, left4me.Status{Name: "beta", State: left4me.Running, PID: i})
	}
	s.publish(t, bus.KindStatus, left4me.Status{Name: "alpha", State: left4me.Stopped})
	s.until(t, "alpha", func(v servers.View) bool { return v.Status.State == left4me.Stopped })
	resume <- struct{}{}
	var names []string
	for range 2 {
		names = append(names, string(<-got))
		resume <- struct{}{}
	}
	slices.Sort(names)
	if strings.Join(names, ",") != "alpha,beta" {
		t.Errorf("got %v", names)
	}
	select {
	case n := <-got:
		t.Errorf("then %s again", n)
	case <-time.After(100 * time.Millisecond):
	}
	cancel()
	watcher.Wait()
}

func TestConsoleContinuesAfterPosition(t *testing.T) {
	s := newSite(t)
	const text = "one\ntwo\nthree\n"
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbConsole: func(data []byte) (any, error) {
			var r bus.ConsoleRequest
			if err := bus.Decode(data, &r); err != nil {
				return nil, err
			}
			switch {
			case r.After >= int64(len(text)):
				return nil, &left4me.Error{Kind: left4me.Unavailable, Text: "the host ends"}
			case r.After < 0: // the beginning is no longer available
				return bus.ConsoleChunk{After: 4, Lost: 4, Position: 8, Text: text[4:8]}, nil
			}
			return bus.ConsoleChunk{After: r.After, Position: r.After + 1, Text: text[r.After : r.After+1]}, nil
		},
	})
	s.create(t, "alpha")
	read := func(after int64) (got string, lost int64, last error) {
		t.Helper()
		chunks, err := s.Consoles().Follow(t.Context(), "alpha", after)
		if err != nil {
			t.Fatal(err)
		}
		for c, err := range chunks {
			if err != nil {
				return got, lost, err
			}
			got, lost = got+c.Text, lost+c.Lost
		}
		return got, lost, nil
	}
	if got, lost, err := read(servers.RecentHistory); got != "two\nthree\n" || lost != 4 || !errors.Is(err, left4me.Unavailable) {
		t.Errorf("%q, %d lost, %v", got, lost, err)
	}
	if got, _, _ := read(9); got != "hree\n" {
		t.Errorf("after 9: %q", got)
	}
	chunks, err := s.Consoles().Follow(t.Context(), "alpha", 0)
	if err != nil {
		t.Fatal(err)
	}
	for range chunks {
		break // must not yield anything further
	}
	_, err = s.Consoles().Follow(t.Context(), "nobody", 0)
	is(t, err, left4me.NotFound, "")
}

func TestConsoleOfDeletedServerEnds(t *testing.T) {
	s := newSite(t)
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbConsole: func([]byte) (any, error) { return bus.ConsoleChunk{V: bus.Version, Position: 5}, nil },
	})
	s.create(t, "alpha")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	chunks, err := s.Consoles().Follow(ctx, "alpha", 5)
	if err != nil {
		t.Fatal(err)
	}
	s.end(t, s.act(t, left4me.DeleteServer, "alpha"), left4me.JobDone)
	for _, err = range chunks {
		if err == nil {
			t.Error("output of a deleted server")
		}
	}
	if !errors.Is(err, left4me.NotFound) {
		t.Errorf("got %v, want NotFound", err)
	}
}

func TestCommandRunsOnHost(t *testing.T) {
	s := newSite(t)
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbCommand: func(data []byte) (any, error) {
			var r bus.CommandRequest
			if err := bus.Decode(data, &r); err != nil {
				return nil, err
			}
			return bus.CommandAnswer{Output: string(r.Server) + " ran " + r.Command}, nil
		},
	})
	s.create(t, "alpha")
	if out, err := s.Consoles().Command(t.Context(), left4me.ByUser("al"), "alpha", "\ufeffstatus"); err != nil ||
		out != "alpha ran status" { // the byte order mark was removed
		t.Errorf("got %q, error %v", out, err)
	}
	_, err := s.Consoles().Command(t.Context(), left4me.ByUser("al"), "alpha", "a\nquit")
	is(t, err, left4me.Invalid, "command")
	_, err = s.Consoles().Command(t.Context(), left4me.ByUser("al"), "nobody", "status")
	is(t, err, left4me.NotFound, "")
}

func TestConsoleQuitAddsStopJob(t *testing.T) {
	s := newSite(t)
	ran := make(chan string, 9)
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbCommand: func(data []byte) (any, error) {
			var r bus.CommandRequest
			if err := bus.Decode(data, &r); err != nil {
				return nil, err
			}
			ran <- r.Command
			return bus.CommandAnswer{Output: "said\n"}, nil
		},
	})
	s.create(t, "alpha")
	s.publish(t, bus.KindStatus, left4me.Status{Name: "alpha", State: left4me.Starting})
	s.until(t, "alpha", func(v servers.View) bool { return v.Status.State == left4me.Starting })
	for command, before := range map[string]string{"quit": "", "say bye; EXIT; say no": "say bye"} {
		out, err := s.Consoles().Command(t.Context(), left4me.ByUser("alice"), "alpha", command)
		if err != nil || !strings.HasSuffix(out, "left4me stops alpha\n") || strings.HasPrefix(out, "said\n") != (before != "") {
			t.Errorf("%s: %q, %v", command, out, err)
		}
		if before != "" && <-ran != before || len(ran) > 0 {
			t.Errorf("%s: the game did not get exactly the commands before it", command)
		}
		all, err := s.jobs.List(t.Context(), "server", "alpha", 9)
		if err != nil || len(all) == 0 || all[0].Kind != left4me.StopServer || all[0].By != left4me.ByUser("alice") {
			t.Fatalf("%s: %+v, %v", command, all, err)
		}
	}
	// _restart reaches the game and is no stop: the host restarts the server.
	if _, err := s.Consoles().Command(t.Context(), left4me.ByUser("alice"), "alpha", "_restart"); err != nil || <-ran != "_restart" {
		t.Errorf("_restart: %v", err)
	}
	s.publish(t, bus.KindStatus, left4me.Status{Name: "alpha", State: left4me.Stopped})
	s.until(t, "alpha", func(v servers.View) bool { return v.Status.State == left4me.Stopped })
	_, err := s.Consoles().Command(t.Context(), left4me.ByUser("alice"), "alpha", "quit")
	is(t, err, left4me.Conflict, "")
}

func TestCrashesAreStored(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	at := time.Now().UTC().Truncate(time.Millisecond)
	if err := s.bus.Record(t.Context(), left4me.LocalHost, bus.KindCrash, "1",
		bus.Crash{V: bus.Version, Server: "alpha", At: at, Exit: "signal 11", Lines: []string{"x"}}); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		all, err := s.Crashes(t.Context(), "alpha", 9)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == 1 && all[0].At.Equal(at) && all[0].Exit == "signal 11" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("got %+v", all)
		}
	}
}

func TestViewListsNewContent(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbStatus: func([]byte) (any, error) {
			return []left4me.Status{{
				Name:     "alpha",
				State:    left4me.Running,
				Build:    1,
				Overlays: []left4me.OverlayRef{{Name: "maps", Revision: 1}},
			}}, nil
		},
		bus.VerbCurrents: func([]byte) (any, error) {
			return bus.Currents{V: bus.Version, Revisions: map[left4me.Name]int{"maps": 2}}, nil
		},
	})
	s.publish(t, bus.KindHello, bus.Hello{V: bus.Version})
	// The server runs with an overlay that its definition no longer lists.
	v := s.until(t, "alpha", func(v servers.View) bool { return len(v.NewContent) > 0 })
	if want := []left4me.OverlayChange{{Overlay: "maps", From: 1}}; !slices.Equal(v.NewContent, want) {
		t.Errorf("got %+v", v.NewContent)
	}
	s.publish(t, bus.KindStatus,
		left4me.Status{Name: "alpha", State: left4me.Stopped, Build: 1, Overlays: []left4me.OverlayRef{{Name: "maps", Revision: 1}}})
	s.until(t, "alpha", func(v servers.View) bool { return len(v.NewContent) == 0 })
}
