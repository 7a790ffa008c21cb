package bulk_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/bulk"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/control/sitetest"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/lifecycle/lifecycletest"
)

const patience = time.Minute

var admin = accounts.Actor{UserID: 1, Name: "admin", Admin: true}

// site is the control packages on a real store and bus, with a host that ends each job as the test
// says. The host survives the site, as in a restart of left4me.
type site struct {
	sitetest.Control
	on *sitetest.Site
	*host
}

type host struct {
	mu       sync.Mutex
	statuses map[left4me.Name]left4me.Status
	broken   map[left4me.Name]bool // servers whose jobs fail
	held     map[left4me.Name]bool // servers whose jobs do not begin
	did      []string
	pid      int
}

func newHost() *host {
	return &host{statuses: map[left4me.Name]left4me.Status{}, broken: map[left4me.Name]bool{}, held: map[left4me.Name]bool{}, pid: 100}
}

func (h *host) do(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

func open(t *testing.T, dir string, h *host) *site {
	t.Helper()
	s := &site{on: sitetest.Open(t, dir), host: h}
	s.Control = s.on.Control(servers.PortRange{Low: 32300, High: 32399})
	nothing := func(context.Context, string, []byte) (any, error) { return bus.Empty{V: bus.Version}, nil }
	err := errors.Join(
		lifecycletest.Start(s.on.Ctx, s.Jobs, s.Servers),
		s.on.Bus.Answer(s.on.Ctx, bus.Command(left4me.LocalHost, bus.VerbPort), nothing),
		s.on.Bus.Answer(s.on.Ctx, bus.Command(left4me.LocalHost, bus.VerbStatus), func(context.Context, string, []byte) (any, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			all := []left4me.Status{}
			for _, st := range h.statuses {
				all = append(all, st)
			}
			return all, nil
		}),
		s.on.Bus.Work(s.on.Ctx, left4me.LocalHost, func(d bus.Delivery) { go s.work(d) }),
		s.on.Bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindHello), bus.Hello{V: bus.Version}),
	)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { _ = s.Bulk.Run(s.on.Ctx) })
	t.Cleanup(func() { s.on.Close(); running.Wait() })
	return s
}

// work performs a job as the host.
func (s *site) work(d bus.Delivery) {
	s.mu.Lock()
	held := s.held[d.Target]
	s.mu.Unlock()
	if held {
		_ = d.Later(20 * time.Millisecond)
		return
	}
	var claim bus.ClaimAnswer
	if err := s.on.Bus.Request(s.on.Ctx, bus.Ask(left4me.LocalHost, bus.VerbClaim), bus.ClaimRequest{V: bus.Version, ID: d.ID},
		&claim); err != nil || claim.Verdict != bus.Go {
		return
	}
	report := bus.JobReport{V: bus.Version, ID: d.ID, State: left4me.JobDone}
	s.mu.Lock()
	s.did = append(s.did, d.Kind.Verb()+" "+string(d.Target))
	st := s.statuses[d.Target]
	s.pid++
	switch {
	case s.broken[d.Target]:
		report.State, report.Error = left4me.JobFailed, left4me.NewError(left4me.Unavailable, "console.of_server_silent")
		st.State = left4me.Failed
	case d.Kind == left4me.StopServer:
		st.State, st.PID = left4me.Stopped, 0
	default:
		st.State, st.PID = left4me.Running, s.pid
	}
	s.statuses[d.Target] = st
	s.mu.Unlock()
	_ = s.on.Bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindStatus), st)
	_ = s.on.Bus.Request(s.on.Ctx, bus.Ask(left4me.LocalHost, bus.VerbReport), report, nil)
	_ = d.Done()
}

// add creates servers with numbers of players; -1 stands for a stopped server.
func (s *site) add(t *testing.T, players map[left4me.Name]int) {
	t.Helper()
	for name, n := range players {
		if _, err := s.Servers.Create(t.Context(), left4me.ByUser("admin"), left4me.Server{Name: name}); err != nil {
			t.Fatal(err)
		}
		s.play(t, name, n)
	}
}

// play sets the number of players of a server.
func (s *site) play(t *testing.T, name left4me.Name, n int) {
	t.Helper()
	s.mu.Lock()
	st := left4me.Status{Name: name, State: left4me.Running, Players: n, PID: s.statuses[name].PID}
	if n < 0 {
		st = left4me.Status{Name: name, State: left4me.Stopped}
	} else if st.PID == 0 {
		s.pid++
		st.PID = s.pid
	}
	s.statuses[name] = st
	s.mu.Unlock()
	if err := s.on.Bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindStatus), st); err != nil {
		t.Fatal(err)
	}
	await(t, "the players of "+string(name), func() bool {
		v, err := s.Servers.Get(t.Context(), name)
		return err == nil && v.Status.State == st.State && v.Status.Players == st.Players
	})
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come", what)
		}
	}
}

func (s *site) start(t *testing.T, r bulk.Request) bulk.Act {
	t.Helper()
	a, err := s.Bulk.Start(t.Context(), admin, r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// state returns the state of a bulk action and of its servers, such as "running a:moved b:".
func (s *site) state(t *testing.T, id string) string {
	t.Helper()
	a, err := s.Bulk.Get(t.Context(), admin, id)
	if err != nil {
		t.Fatal(err)
	}
	text := a.State
	for _, v := range a.Servers {
		text += " " + string(v.Name) + ":" + v.State
	}
	return text
}

func (s *site) becomes(t *testing.T, id, want string) {
	t.Helper()
	last := ""
	defer func() {
		if t.Failed() {
			t.Logf("last state: %s", last)
		}
	}()
	await(t, want, func() bool { last = s.state(t, id); return last == want })
}

func (s *site) done() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.did)
}

func TestOneByOneWaitsForEachServerAndStopsAtFailure(t *testing.T) {
	t.Parallel()
	dir, h := t.TempDir(), newHost()
	s := open(t, dir, h)
	s.add(t, map[left4me.Name]int{"a": 2, "b": 0, "c": 1, "d": 3, "off": -1})
	h.do(func() { h.held["c"], h.broken["a"] = true, true })
	a := s.start(t, bulk.Request{Kind: left4me.RestartServer, Mode: bulk.OneByOne, All: true})
	s.becomes(t, a.ID, "running b:moved c:moving a: d:")
	if did := s.done(); !slices.Equal(did, []string{"restart b"}) {
		t.Fatalf("%q", did)
	}
	s.on.Close() // a restart of left4me loses nothing
	s = open(t, dir, h)
	s.becomes(t, a.ID, "running b:moved c:moving a: d:")
	h.do(func() { h.held["c"] = false })
	s.becomes(t, a.ID, "failed b:moved c:moved a:failed d:")
	if did := s.done(); !slices.Equal(did, []string{"restart b", "restart c", "restart a"}) {
		t.Errorf("%q", did)
	}
	end, err := s.Bulk.Get(t.Context(), admin, a.ID)
	if err != nil || end.Servers[2].Why == nil || end.EndedAt.IsZero() {
		t.Errorf("%+v, %v", end, err)
	}
	all, err := s.Servers.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if shown, err := s.Bulk.Shown(t.Context(), admin, all); err != nil || len(shown) != 1 {
		t.Errorf("a failure is not shown: %v, %v", shown, err)
	}
}

func TestEmptyWaitsUntilNobodyPlays(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), newHost())
	s.add(t, map[left4me.Name]int{"busy": 2, "empty": 0})
	a := s.start(t, bulk.Request{Kind: left4me.StopServer, Mode: bulk.Empty, Servers: []left4me.Name{"busy", "empty"}})
	s.becomes(t, a.ID, "running empty: busy:")
	s.Bulk.Ahead(2 * time.Minute)
	s.play(t, "busy", 1)
	s.becomes(t, a.ID, "running empty:moved busy:")
	ahead := 2 * time.Minute
	await(t, "the end of the bulk action", func() bool { // each check sees the server empty for longer
		ahead += 2 * time.Minute
		s.Bulk.Ahead(ahead)
		s.play(t, "busy", 0)
		return s.state(t, a.ID) != "running empty:moved busy:"
	})
	s.becomes(t, a.ID, "done empty:moved busy:moved")
}

func TestCancelLeavesWaitingServersAlone(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), newHost())
	s.add(t, map[left4me.Name]int{"a": 1, "b": 2})
	a := s.start(t, bulk.Request{Kind: left4me.RestartServer, Mode: bulk.Empty, All: true})
	viewer := accounts.Actor{UserID: 2, Name: "viewer"}
	if _, err := s.Bulk.Cancel(t.Context(), viewer, a.ID); !errors.Is(err, left4me.Denied) {
		t.Errorf("a viewer cancels: %v", err)
	}
	c, err := s.Bulk.Cancel(t.Context(), admin, a.ID)
	if err != nil || c.State != bulk.Cancelled || c.CancelledBy != "admin" {
		t.Errorf("%+v, %v", c, err)
	}
	s.play(t, "a", 0)
	s.Bulk.Ahead(time.Hour)
	s.play(t, "b", 0)
	if again, err := s.Bulk.Cancel(t.Context(), admin, a.ID); err != nil || again.State != bulk.Cancelled {
		t.Errorf("%+v, %v", again, err)
	}
	if did := s.done(); len(did) > 0 {
		t.Errorf("%q", did)
	}
}

func TestServersThatNoLongerNeedTheActAreSkipped(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), newHost())
	s.add(t, map[left4me.Name]int{"again": 1, "gone": 2, "off": 3, "renamed": 4})
	a := s.start(t, bulk.Request{Kind: left4me.RestartServer, Mode: bulk.Empty, All: true})
	b := s.start(t, bulk.Request{Kind: left4me.RestartServer, Mode: bulk.Now, Servers: []left4me.Name{"again"}})
	s.becomes(t, b.ID, "done again:moved")
	if _, err := s.Servers.Act(t.Context(), left4me.ByUser("admin"), left4me.DeleteServer, "gone"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Servers.Create(t.Context(), left4me.ByUser("admin"), left4me.Server{Name: "next"}); err != nil {
		t.Fatal(err)
	}
	s.play(t, "off", -1)
	if _, err := s.Servers.Names().Rename(t.Context(), left4me.ByUser("admin"), "renamed", "other", 0); err != nil {
		t.Fatal(err)
	}
	s.becomes(t, a.ID, "running again:left gone:left off:left other:")
}

func TestPlanExplainsWhatIsSkipped(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), newHost())
	s.add(t, map[left4me.Name]int{"mine": 3, "off": -1, "other": 1})
	p, err := s.Bulk.Plan(t.Context(), admin, bulk.Request{Kind: left4me.RestartServer, Mode: bulk.Now, All: true})
	if err != nil {
		t.Fatal(err)
	}
	people, on := p.Players()
	if len(p.Items) != 3 || p.Items[0].Name != "off" || p.Items[0].Skip == nil || len(p.Changed()) != 2 || people != 4 || on != 2 {
		t.Errorf("%+v", p)
	}
	only := accounts.Actor{UserID: 2, Name: "ann", Admin: true, Only: &accounts.Targets{left4me.OnServer("mine")}}
	if p, err := s.Bulk.Plan(t.Context(), only, bulk.Request{Kind: left4me.StopServer, Mode: bulk.Now, All: true}); err != nil ||
		len(p.Items) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	for name, c := range map[string]struct {
		who  accounts.Actor
		r    bulk.Request
		kind error
	}{
		"a hidden server": {
			only, bulk.Request{Kind: left4me.StopServer, Mode: bulk.Now, Servers: []left4me.Name{"other"}}, left4me.NotFound,
		},
		"hidden blueprint": {only, bulk.Request{Kind: left4me.StopServer, Mode: bulk.Now, Blueprint: "default"}, left4me.NotFound},
		"a viewer": {
			accounts.Actor{UserID: 3, Name: "viewer"},
			bulk.Request{Kind: left4me.StopServer, Mode: bulk.Now, Servers: []left4me.Name{"mine"}},
			left4me.Denied,
		},
		"no selection": {admin, bulk.Request{Kind: left4me.StopServer, Mode: bulk.Now}, left4me.Invalid},
		"two selections": {
			admin, bulk.Request{Kind: left4me.StopServer, Mode: bulk.Now, All: true, Blueprint: "default"}, left4me.Invalid,
		},
		"another kind":     {admin, bulk.Request{Kind: left4me.DeleteServer, Mode: bulk.Now, All: true}, left4me.Invalid},
		"start when empty": {admin, bulk.Request{Kind: left4me.StartServer, Mode: bulk.Empty, All: true}, left4me.Invalid},
		"nothing to do": {
			admin, bulk.Request{Kind: left4me.StartServer, Mode: bulk.Now, Servers: []left4me.Name{"mine"}}, left4me.Conflict,
		},
		"nothing needs it": {
			admin, bulk.Request{Kind: left4me.RestartServer, Mode: bulk.Now, All: true, NeedsRestart: true}, left4me.Conflict,
		},
	} {
		if _, err := s.Bulk.Start(t.Context(), c.who, c.r); !errors.Is(err, c.kind) || strings.Contains(err.Error(), "off") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestActsHideServers(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), newHost())
	s.add(t, map[left4me.Name]int{"mine": 1, "secret": 1})
	a := s.start(t, bulk.Request{Kind: left4me.RestartServer, Mode: bulk.Empty, All: true})
	b := s.start(t, bulk.Request{Kind: left4me.StopServer, Mode: bulk.Empty, Servers: []left4me.Name{"secret"}})
	only := accounts.Actor{UserID: 2, Name: "ann", Admin: true, Only: &accounts.Targets{left4me.OnServer("mine")}}
	all, err := s.Bulk.List(t.Context(), only)
	if err != nil || len(all) != 1 || all[0].ID != a.ID || len(all[0].Servers) != 1 || all[0].Servers[0].Name != "mine" {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := s.Bulk.Get(t.Context(), only, b.ID); !errors.Is(err, left4me.NotFound) {
		t.Errorf("%v", err)
	}
	if _, err := s.Bulk.Cancel(t.Context(), only, a.ID); !errors.Is(err, left4me.Denied) {
		t.Errorf("cancels an act on a hidden server: %v", err)
	}
}
