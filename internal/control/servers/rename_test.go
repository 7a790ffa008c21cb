package servers_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
)

func (s *site) rename(t *testing.T, name, to left4me.Name) servers.View {
	t.Helper()
	v, err := s.Names().Rename(t.Context(), left4me.ByUser("al"), name, to, 0)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// step claims a job and reports a step of it, as its host would.
func (s *site) step(t *testing.T, j left4me.Job, label string) {
	t.Helper()
	var a bus.ClaimAnswer
	if err := s.bus.Request(t.Context(), bus.Ask(left4me.LocalHost, bus.VerbClaim), bus.ClaimRequest{V: 1, ID: j.ID}, &a); err != nil {
		t.Fatal(err)
	}
	s.publish(t, bus.KindJob, bus.JobReport{
		V: bus.Version, ID: j.ID, State: left4me.JobRunning, Steps: []left4me.Step{{Label: label, State: left4me.StepDone}},
	})
}

// A running server immediately has its new name, with the status that its host reports under the
// old one.
func TestRenamedServerKeepsItsStatus(t *testing.T) {
	s := newSite(t)
	old := s.create(t, "alpha")
	s.publish(t, bus.KindStatus, left4me.Status{Name: "alpha", State: left4me.Running, Players: 2})
	s.until(t, "alpha", func(v servers.View) bool { return v.Status.Players == 2 })
	v := s.rename(t, "alpha", "beta")
	if v.ID != old.ID || v.Name != "beta" || v.Status.Name != "beta" || v.Status.Players != 2 || v.HostName != "alpha" {
		t.Errorf("got %+v", v)
	}
	_, err := s.Get(t.Context(), "alpha")
	is(t, err, left4me.NotFound, "")

	// Later changes are reported under the new name.
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	changes := s.Watch(ctx)
	s.publish(t, bus.KindStatus, left4me.Status{Name: "alpha", State: left4me.Running, Players: 3})
	for n := range changes {
		if v, err := s.Get(ctx, "beta"); n == "beta" && err == nil && v.Status.Players == 3 {
			break
		}
	}
	if ctx.Err() != nil {
		t.Fatal("no change was reported under the new name")
	}
	if got := s.Names().Shown(left4me.LocalHost, []left4me.Name{"alpha", "gamma"}); !slices.Equal(got, []left4me.Name{"beta", "gamma"}) {
		t.Errorf("shown as %q", got)
	}

	// The host renames the server during a start, and reports the new name before that step
	// arrives.
	start := s.act(t, left4me.StartServer, "beta")
	s.publish(t, bus.KindStatus, left4me.Status{Name: "alpha", State: left4me.Stopped})
	s.publish(t, bus.KindStatus, left4me.Status{Name: "beta", State: left4me.Starting})
	s.until(t, "beta", func(v servers.View) bool { return v.Status.State == left4me.Starting && v.HostName == "alpha" })
	s.step(t, start, left4me.StepRename)
	s.until(t, "beta", func(v servers.View) bool { return v.HostName == "" })
	s.end(t, start, left4me.JobDone)
	if now := s.create(t, "alpha"); now.ID == old.ID || now.Status.State != left4me.Unknown || now.Job != nil || now.Failed != nil {
		t.Errorf("the next alpha is %+v", now)
	}
}

// Two servers that are renamed one after the other don't get each other's status.
func TestRenamedServerHasNoOldStatus(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	s.publish(t, bus.KindStatus, left4me.Status{Name: "alpha", State: left4me.Running})
	s.publish(t, bus.KindStatus, left4me.Status{Name: "beta", State: left4me.Failed, Reason: "of before"}) // a leftover
	s.publish(t, bus.KindStatus, left4me.Status{Name: "gamma", State: left4me.Running})
	s.create(t, "gamma")
	s.until(t, "gamma", func(v servers.View) bool { return v.Status.State == left4me.Running }) // all statuses have arrived
	if v := s.rename(t, "alpha", "beta"); v.Status.State != left4me.Running || v.Status.Reason != "" {
		t.Errorf("got %+v", v.Status)
	}
}

// All requests about a server use the name that its host has for it.
func TestHostRequestsUseHostNameOfServer(t *testing.T) {
	s := newSite(t)
	var mu sync.Mutex
	asked := map[string][]string{}
	note := func(verb string, names func(data []byte) []string) func([]byte) (any, error) {
		return func(data []byte) (any, error) {
			mu.Lock()
			asked[verb] = append(asked[verb], names(data)...)
			mu.Unlock()
			return nil, &left4me.Error{Kind: left4me.Unavailable, Text: "not now"}
		}
	}
	server := func(data []byte) []string {
		var v struct{ Server string }
		_ = json.Unmarshal(data, &v)
		return []string{v.Server}
	}
	reach := func(data []byte) []string {
		var v bus.ReachRequest
		if err := json.Unmarshal(data, &v); err != nil || v.Shown != "beta" {
			t.Errorf("Shown = %q, %v", v.Shown, err)
		}
		return []string{string(v.Server)}
	}
	spec := func(data []byte) []string {
		var v struct{ Spec struct{ Name string } }
		_ = json.Unmarshal(data, &v)
		return []string{v.Spec.Name}
	}
	both := func(data []byte) []string {
		var v struct{ From, To struct{ Name string } }
		_ = json.Unmarshal(data, &v)
		return []string{v.From.Name, v.To.Name}
	}
	plain := func(data []byte) []string {
		var v left4me.Spec // the comparison needs both names
		_ = json.Unmarshal(data, &v)
		return []string{string(v.OldName)}
	}
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbConsole: note(bus.VerbConsole, server), bus.VerbCommand: note(bus.VerbCommand, server),
		bus.VerbReach: note(bus.VerbReach, reach), bus.VerbUpper: note(bus.VerbUpper, server),
		bus.VerbStack: note(bus.VerbStack, spec), bus.VerbStackFile: note(bus.VerbStackFile, spec),
		bus.VerbCampaigns: note(bus.VerbCampaigns, spec), bus.VerbClashes: note(bus.VerbClashes, spec),
		bus.VerbStackDiff: note(bus.VerbStackDiff, both), bus.VerbConfigDiff: note(bus.VerbConfigDiff, plain),
	})
	s.create(t, "alpha")
	s.rename(t, "alpha", "beta")
	ctx := t.Context()
	_, _ = s.Consoles().Recent(ctx, "beta")
	_, _ = s.Consoles().Command(ctx, left4me.ByUser("al"), "beta", "status")
	_, _ = s.Reach(ctx, "beta")
	_, _ = s.Files().Written(ctx, "beta", left4me.Filter{})
	_, _ = s.Files().List(ctx, "beta", left4me.Filter{})
	_, _ = s.Files().Get(ctx, "beta", "a", "")
	_, _ = s.Files().Pending(ctx, "beta", "", 10)
	_, _ = s.Files().Compare(ctx, "beta", "beta", "", 10)
	_, _ = s.Files().ConfigDiff(ctx, "beta")
	_, _ = s.Files().Clashes(ctx, "beta")
	_, _ = s.Campaigns(ctx, "beta")
	_ = s.Warnings().Of(ctx, "beta")
	mu.Lock()
	defer mu.Unlock()
	if len(asked) != 10 {
		t.Errorf("asked %v", asked)
	}
	for verb, names := range asked {
		for _, n := range names {
			// Plugin requirements of a stack are queried without a server.
			if n != "alpha" && (n != "" || verb != bus.VerbClashes) {
				t.Errorf("%s request about %q", verb, n)
			}
		}
	}
}

// Jobs contain both names; the host determines which one it has.
func TestJobOnRenamedServerHasBothNames(t *testing.T) {
	s := newSite(t)
	work := make(chan bus.Delivery, 8)
	if err := s.bus.Work(t.Context(), left4me.LocalHost, func(d bus.Delivery) { work <- d }); err != nil {
		t.Fatal(err)
	}
	s.create(t, "alpha")
	s.rename(t, "alpha", "beta")
	s.act(t, left4me.StartServer, "beta")
	select {
	case d := <-work:
		var spec left4me.Spec
		if err := json.Unmarshal(d.Spec, &spec); err != nil || d.Target != "beta" || spec.Name != "beta" || spec.OldName != "alpha" {
			t.Errorf("got %s, %s", d.Target, d.Spec)
		}
	case <-time.After(patience):
		t.Fatal("no job arrived")
	}
}

// A job requested before a rename continues under the old name until the server is renamed on its
// host.
func TestJobFromBeforeRenameHasOldName(t *testing.T) {
	s := newSite(t)
	work := make(chan bus.Delivery, 8)
	if err := s.bus.Work(t.Context(), left4me.LocalHost, func(d bus.Delivery) { work <- d }); err != nil {
		t.Fatal(err)
	}
	s.create(t, "alpha")
	start := s.act(t, left4me.StartServer, "alpha")
	s.step(t, start, left4me.StepLaunch)
	waits := s.act(t, left4me.RestartServer, "alpha")
	if v := s.rename(t, "alpha", "beta"); v.Job == nil || v.Job.ID != start.ID {
		t.Errorf("Job = %+v", v.Job)
	}
	s.end(t, start, left4me.JobDone)
	for {
		select {
		case d := <-work:
			if d.ID != waits.ID {
				continue // skips the start job
			}
			var spec left4me.Spec
			if err := json.Unmarshal(d.Spec, &spec); err != nil || d.Target != "alpha" || spec.Name != "alpha" || spec.OldName != "" {
				t.Errorf("got %s, %s", d.Target, d.Spec)
			}
			if j, err := s.jobs.Get(t.Context(), waits.ID); err != nil || j.Target != "beta" {
				t.Errorf("Target = %s, want beta, %v", j.Target, err)
			}
			return
		case <-time.After(patience):
			t.Fatal("no job arrived")
		}
	}
}

// Follow continues under the new name, even if the host has renamed the server before left4me
// knows.
func TestConsoleFollowsRename(t *testing.T) {
	s := newSite(t)
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbConsole: func(data []byte) (any, error) {
			var r bus.ConsoleRequest
			if err := bus.Decode(data, &r); err != nil {
				return nil, err
			}
			if r.Server == "alpha" {
				return bus.ConsoleChunk{V: bus.Version}, nil // no log of this name any more
			}
			return bus.ConsoleChunk{V: bus.Version, After: r.After, Position: r.After + 4, Text: "new\n"}, nil
		},
	})
	s.create(t, "alpha")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	chunks, err := s.Consoles().Follow(ctx, "alpha", 100)
	if err != nil {
		t.Fatal(err)
	}
	s.rename(t, "alpha", "beta")
	s.end(t, s.act(t, left4me.StopServer, "beta"), left4me.JobDone)
	start := s.act(t, left4me.StartServer, "beta")
	s.step(t, start, left4me.StepRename)
	for c, err := range chunks {
		if err != nil || c.After != 100 || c.Text != "new\n" {
			t.Errorf("got %+v, error %v", c, err)
		}
		break
	}
}

// If the end of a rename was lost, or the host's disk is older or newer than the database, the name
// comes from the host's list of servers.
func TestHostReportsNameOfServer(t *testing.T) {
	for _, c := range []struct {
		on  left4me.Name // name on the host
		id  bool         // whether the host reports the id
		now left4me.Name // HostName afterwards
	}{{"beta", true, ""}, {"beta", false, ""}, {"gamma", true, "gamma"}, {"gamma", false, "alpha"}} {
		s := newSite(t)
		v := s.create(t, "alpha")
		s.rename(t, "alpha", "beta")
		st := left4me.Status{Name: c.on, State: left4me.Running}
		if c.id {
			st.ID = v.ID
		}
		s.host(t, map[string]func([]byte) (any, error){
			bus.VerbStatus: func([]byte) (any, error) { return []left4me.Status{st}, nil },
		})
		s.publish(t, bus.KindHello, bus.Hello{V: bus.Version})
		want := left4me.Running
		if c.now == "alpha" {
			want = left4me.Stopped
		}
		s.until(t, "beta", func(v servers.View) bool { return v.HostName == c.now && v.Status.State == want })
	}
}

// A cancelled job may have renamed the server on its host without reporting it. left4me then
// queries the host and uses the name the host has until the next start.
func TestHostNameIsCheckedAfterJob(t *testing.T) {
	s := newSite(t)
	v := s.create(t, "alpha")
	s.rename(t, "alpha", "beta")
	all := []left4me.Status{{Name: "beta", ID: v.ID, State: left4me.Stopped}}
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbStatus: func([]byte) (any, error) { return all, nil },
	})
	start := s.act(t, left4me.StartServer, "beta")
	s.step(t, start, left4me.StepStop)
	s.end(t, start, left4me.JobCancelled)
	s.until(t, "beta", func(v servers.View) bool { return v.HostName == "" })
	if v := s.rename(t, "beta", "gamma"); v.HostName != "beta" {
		t.Errorf("got %+v", v)
	}
}

// Files of another server under the old host name must not hide the location of the renamed server.
func TestHostNameIsFoundThoughOldNameIsReused(t *testing.T) {
	s := newSite(t)
	v := s.create(t, "alpha")
	s.rename(t, "alpha", "beta")
	all := []left4me.Status{
		{Name: "alpha", ID: "other", State: left4me.Stopped}, {Name: "beta", ID: v.ID, State: left4me.Running},
	}
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbStatus: func([]byte) (any, error) { return all, nil },
	})
	s.publish(t, bus.KindHello, bus.Hello{V: bus.Version})
	s.until(t, "beta", func(v servers.View) bool { return v.HostName == "" && v.Status.State == left4me.Running })
}

// Another instance with the host name or the new name of a server is not mistaken for it.
func TestStrayInstanceIsNotMistakenForRenamedServer(t *testing.T) {
	s := newSite(t)
	v := s.create(t, "alpha")
	s.rename(t, "alpha", "beta")
	both := []left4me.Status{
		{Name: "alpha", ID: v.ID, State: left4me.Running, Players: 2}, {Name: "beta", ID: "other", State: left4me.Failed},
	}
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbStatus: func([]byte) (any, error) { return both, nil },
	})
	s.publish(t, bus.KindHello, bus.Hello{V: bus.Version})
	s.until(t, "beta", func(v servers.View) bool { return v.Status.State == left4me.Running && v.HostName == "alpha" })
	s.publish(t, bus.KindStatus, left4me.Status{Name: "alpha", State: left4me.Running, Players: 3})
	s.until(t, "beta", func(v servers.View) bool { return v.Status.Players == 3 })
}

// The reason why a server is held is recorded under its new name.
func TestRenamedServerThatGaveUpIsHeld(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	s.rename(t, "alpha", "beta")
	s.publish(t, bus.KindStatus, left4me.Status{Name: "alpha", State: left4me.Failed, GaveUp: true})
	s.until(t, "beta", func(v servers.View) bool { return v.Held == left4me.HeldCrashed })
}

// Follow doesn't show output of the next server with the old name.
func TestConsoleOfRenamedServerSkipsNextServer(t *testing.T) {
	s := newSite(t)
	v := s.create(t, "alpha")
	asked, answer := make(chan left4me.Name, 8), make(chan string, 8)
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbConsole: func(data []byte) (any, error) {
			var r bus.ConsoleRequest
			if err := bus.Decode(data, &r); err != nil {
				return nil, err
			}
			asked <- r.Server
			text := <-answer
			return bus.ConsoleChunk{V: bus.Version, After: r.After, Position: r.After + int64(len(text)), Text: text}, nil
		},
	})
	s.rename(t, "alpha", "beta")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	chunks, err := s.Consoles().Follow(ctx, "beta", 0)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-asked // the request about alpha
		if err := s.store.Servers().OnHostAs(ctx, v.ID, "beta"); err != nil {
			t.Error(err)
		}
		answer <- "of the next one\n"
		if n := <-asked; n != "beta" {
			t.Errorf("console request about %s, want beta", n)
		}
		answer <- "its own\n"
	}()
	for c, err := range chunks {
		if err != nil || c.Text != "its own\n" || c.After != 0 {
			t.Errorf("got %+v, error %v", c, err)
		}
		break
	}
}

// A list of servers that was read before a rename must not undo it.
func TestOlderListDoesNotUndoRename(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	reads := 0
	err := s.LearnNames(func() ([]left4me.Server, error) {
		all, err := s.store.Servers().List(t.Context())
		if reads++; reads == 1 {
			s.rename(t, "alpha", "beta")
		}
		return all, err
	})
	if err != nil {
		t.Fatal(err)
	}
	if shown := s.Names().Shown(left4me.LocalHost, []left4me.Name{"alpha"}); shown[0] != "beta" {
		t.Errorf("Shown(alpha) = %s, want beta", shown[0])
	}
}

// Errors of a host show the current name of a server in answers, in jobs and in its state.
func TestHostErrorsShowCurrentServerName(t *testing.T) {
	s := newSite(t)
	fails := func(data []byte) (any, error) {
		return nil, left4me.NewError(left4me.Conflict, "server.not_running", "server", "alpha")
	}
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbConsole: fails, bus.VerbCommand: fails, bus.VerbReach: fails, bus.VerbUpper: fails, bus.VerbStack: fails,
		bus.VerbConfigDiff: fails,
	})
	s.create(t, "alpha")
	s.rename(t, "alpha", "beta")
	ctx := t.Context()
	second := func(_ any, err error) error { return err }
	named := func(what string, err error) {
		t.Helper()
		if e, ok := left4me.Public(err); !ok || e.Args["server"] != "beta" || !strings.HasPrefix(e.Text, "server beta ") {
			t.Errorf("%s: %v", what, err)
		}
	}
	named("console", second(s.Consoles().Recent(ctx, "beta")))
	named("command", second(s.Consoles().Command(ctx, left4me.ByUser("al"), "beta", "status")))
	named("connectivity", second(s.Reach(ctx, "beta")))
	named("files", second(s.Files().List(ctx, "beta", left4me.Filter{})))
	named("what it wrote", second(s.Files().Written(ctx, "beta", left4me.Filter{})))
	named("configuration", second(s.Files().ConfigDiff(ctx, "beta")))

	why := left4me.NewError(left4me.Conflict, "server.runs_already", "server", "alpha")
	stop := s.act(t, left4me.StopServer, "beta")
	r := bus.JobReport{
		V: bus.Version, ID: stop.ID, State: left4me.JobFailed,
		Error: left4me.NewError(left4me.Unavailable, "server.start_failed", "server", "alpha", "reason", why),
	}
	if err := s.bus.Request(ctx, bus.Ask(left4me.LocalHost, bus.VerbReport), r, nil); err != nil {
		t.Fatal(err)
	}
	j, err := s.jobs.Get(ctx, stop.ID)
	if err != nil || j.Error == nil || j.Error.Args["server"] != "beta" || j.Error.Text != "server beta is already running" {
		t.Errorf("job error %+v, %v", j.Error, err)
	}
	st := left4me.Status{Name: "alpha", State: left4me.Failed}
	st.Explain(why)
	s.publish(t, bus.KindStatus, st)
	v := s.until(t, "beta", func(v servers.View) bool { return v.Status.State == left4me.Failed })
	if v.Status.Reason != "server beta is already running" {
		t.Errorf("Reason = %s", v.Status.Reason)
	}
}

// Results of the connectivity check show the reasons from the host with current names, and without
// those that the reader may not see.
func TestConnectivityHidesNamesInReasons(t *testing.T) {
	s := newSite(t)
	why := left4me.NewError(left4me.Conflict, "port.in_use", "port", 27015, "server", "alpha")
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbReach: func([]byte) (any, error) {
			check := left4me.NewCheck(left4me.CheckBroken, "process", "process.failed", "reason", why,
				"log", left4me.Commands("date"), "command", left4me.Commands("date"))
			newer, older := check, left4me.Check{Name: "process", Text: check.Text} // checks from hosts with another version
			newer.Code = "process.of_tomorrow"
			return []left4me.Check{check, newer, older}, nil
		},
	})
	s.create(t, "alpha")
	s.rename(t, "alpha", "beta")
	mine := s.create(t, "mine")
	st := left4me.Status{Name: "mine", State: left4me.Failed}
	st.Explain(why)
	s.publish(t, bus.KindStatus, st)
	s.until(t, "mine", func(v servers.View) bool { return v.Status.State == left4me.Failed })
	for what, c := range map[string]struct {
		who  accounts.Actor
		want string
	}{
		"an actor without restrictions": {accounts.Actor{UserID: 1, Name: "ann"}, "the server failed: port 27015 is already used by beta"},
		"an actor who sees one server": {
			accounts.Actor{UserID: 1, Name: "ann", Only: &accounts.Targets{mine.Target()}},
			"the server failed: the request conflicts with an object that you do not have permission to view",
		},
	} {
		checks, err := servers.ReachFor(t.Context(), s.Servers, c.who, "mine")
		if err != nil || len(checks) != 3 {
			t.Fatalf("%s: %+v, %v", what, checks, err)
		}
		for _, check := range checks {
			b, err := json.Marshal(check)
			if err != nil || check.Text != c.want || strings.Contains(string(b), "alpha") {
				t.Errorf("%s: got %s, %v, want %q", what, b, err, c.want)
			}
		}
	}
}

// Requests are built from one transaction: an overlay that is renamed at the same time, and back,
// has the host's name in every request, and requires no restart.
func TestConcurrentOverlayRenameKeepsHostName(t *testing.T) {
	s := newSite(t)
	ctx := t.Context()
	asked := func(data []byte) (any, error) {
		var sp left4me.Spec
		if err := json.Unmarshal(data, &sp); err != nil || !slices.Equal(sp.Overlays, left4me.Refs("maps")) {
			t.Errorf("request for %v, %v", sp.Overlays, err)
		}
		return bus.ConfigDiff{V: bus.Version}, nil
	}
	s.host(t, map[string]func([]byte) (any, error){bus.VerbConfigDiff: asked})
	by := left4me.ByUser("al")
	if _, err := s.store.Overlays().Create(ctx, by, left4me.Overlay{Name: "maps", Kind: left4me.FilesOverlay}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(ctx, by, left4me.Server{Name: "alpha", Overlays: left4me.Refs("maps")}); err != nil {
		t.Fatal(err)
	}
	for i := range 100 { // many blueprints, so that reading them after the server takes time
		if err := s.store.Blueprints().Create(ctx, left4me.Blueprint{Name: left4me.Name(fmt.Sprintf("b%d", i))}); err != nil {
			t.Fatal(err)
		}
	}
	spec, _, err := s.Spec(ctx, "alpha")
	if err != nil {
		t.Fatal(err)
	}
	s.publish(t, bus.KindStatus, left4me.Status{Name: "alpha", State: left4me.Running, SpecHash: spec.Hash()})
	s.until(t, "alpha", func(v servers.View) bool { return v.Status.State == left4me.Running })
	renamed := make(chan error, 1)
	go func() {
		var err error
		for range 15 {
			_, _, there := s.store.Overlays().Rename(ctx, "maps", "campaigns", 0)
			_, _, back := s.store.Overlays().Rename(ctx, "campaigns", "maps", 0)
			err = errors.Join(err, there, back)
		}
		renamed <- err
	}()
	for {
		if _, err := s.Files().ConfigDiff(ctx, "alpha"); err != nil {
			t.Fatal(err)
		}
		if v, err := s.Get(ctx, "alpha"); err != nil || v.RestartRequired {
			t.Fatalf("RestartRequired = %t, %v", v.RestartRequired, err)
		}
		select {
		case err := <-renamed:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
		}
	}
}

// While a rename by the host is unknown to left4me, the missing log of the old name must not be
// treated as a new log.
func TestConsoleWaitsForRenameOnHost(t *testing.T) {
	s := newSite(t)
	v := s.create(t, "alpha")
	asked := make(chan left4me.Name, 64)
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbConsole: func(data []byte) (any, error) {
			var r bus.ConsoleRequest
			if err := bus.Decode(data, &r); err != nil {
				return nil, err
			}
			asked <- r.Server
			if r.Server == "alpha" {
				return bus.ConsoleChunk{V: bus.Version}, nil
			}
			return bus.ConsoleChunk{V: bus.Version, After: r.After, Position: r.After + 4, Text: "new\n"}, nil
		},
	})
	s.rename(t, "alpha", "beta")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	chunks, err := s.Consoles().Follow(ctx, "beta", 100)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-asked
		<-asked // the second request about alpha
		if err := s.store.Servers().OnHostAs(ctx, v.ID, "beta"); err != nil {
			t.Error(err)
		}
	}()
	for c, err := range chunks {
		if err != nil || c.After != 100 || c.Text != "new\n" {
			t.Errorf("got %+v, error %v", c, err)
		}
		break
	}
}

// If the log was removed, Follow restarts at its beginning after the time that a rename on the host
// could take.
func TestConsoleContinuesAfterLogWasRemoved(t *testing.T) {
	s := newSite(t)
	s.RenamedWithin(300 * time.Millisecond)
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbConsole: func(data []byte) (any, error) {
			var r bus.ConsoleRequest
			if err := bus.Decode(data, &r); err != nil {
				return nil, err
			}
			if r.After > 0 {
				return bus.ConsoleChunk{V: bus.Version}, nil
			}
			return bus.ConsoleChunk{V: bus.Version, Position: 4, Text: "new\n"}, nil
		},
	})
	s.create(t, "alpha")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	chunks, err := s.Consoles().Follow(ctx, "alpha", 100)
	if err != nil {
		t.Fatal(err)
	}
	for c, err := range chunks {
		if err != nil || c.Text != "new\n" || c.Position != 4 {
			t.Errorf("got %+v, error %v", c, err)
		}
		return
	}
	t.Error("no output")
}

// Discard jobs use the server's host name, and a retry uses its host name at that time.
func TestDiscardUsesHostNameOfRenamedServer(t *testing.T) {
	s := newSite(t)
	work := make(chan bus.Delivery, 8)
	if err := s.bus.Work(t.Context(), left4me.LocalHost, func(d bus.Delivery) { work <- d }); err != nil {
		t.Fatal(err)
	}
	s.create(t, "alpha")
	s.rename(t, "alpha", "beta")
	j, err := s.Files().Discard(t.Context(), left4me.ByUser("al"), "beta", []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	named := func(want left4me.Name) {
		t.Helper()
		select {
		case d := <-work:
			var spec bus.DiscardSpec
			if err := json.Unmarshal(d.Spec, &spec); err != nil || d.Target != want || spec.Server != want {
				t.Errorf("%s, %s, want %s", d.Target, d.Spec, want)
			}
		case <-time.After(patience):
			t.Fatal("no job arrived")
		}
	}
	named("alpha")
	s.end(t, j, left4me.JobFailed)
	s.rename(t, "beta", "alpha")
	s.rename(t, "alpha", "gamma")
	if _, err := s.jobs.Retry(t.Context(), left4me.ByUser("al"), j.ID); err != nil {
		t.Fatal(err)
	}
	named("alpha")
}

func TestRenameRefusesInvalidNames(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	for _, n := range []left4me.Name{"", "No good", "../x", left4me.InstallInstance} {
		_, err := s.Names().Rename(t.Context(), left4me.ByUser("al"), "alpha", n, 0)
		var wrong left4me.Fields
		if !errors.As(err, &wrong) || len(wrong) == 0 || wrong[0].Field != "name" {
			t.Errorf("%q: %v", n, err)
		}
	}
	if v := s.rename(t, "alpha", "alpha"); v.Version != 1 {
		t.Errorf("rename to the same name: Version = %d, want 1", v.Version)
	}
}
