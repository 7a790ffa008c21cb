package game_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/control/sitetest"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/lifecycle/lifecycletest"
	"github.com/left4me/left4me/internal/store"
)

const patience = time.Minute

// site is the game on a real store and a real bus. Its host reports jobs as done without running
// anything. dir and host survive the site, as in a restart.
type site struct {
	*game.Game
	jobs    *jobs.Jobs
	servers *servers.Servers
	store   *store.Store
	bus     *bus.Bus
	stop    func()
	*host
}

// host is the state of the host's machine, which survives a restart of left4me.
type host struct {
	mu       sync.Mutex
	away     bool
	game     left4me.Game
	update   int64 // the build that an update installs
	statuses map[left4me.Name]left4me.Status
	broken   map[left4me.Name]bool // servers that fail to start
	held     map[left4me.Name]bool // servers whose restart does not end
	ahead    time.Duration         // offset of the clock
	did      []string
}

func (h *host) do(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

func newHost() *host {
	return &host{
		game:     left4me.Game{Current: 1, CheckedAt: time.Now(), Builds: []left4me.GameBuild{{Build: 1}}},
		update:   2,
		statuses: map[left4me.Name]left4me.Status{}, broken: map[left4me.Name]bool{}, held: map[left4me.Name]bool{},
	}
}

func open(t *testing.T, dir string, h *host) *site { return openWith(t, dir, h, func(*game.Game) {}) }

// openWith opens a site and modifies its game before it runs.
func openWith(t *testing.T, dir string, h *host, change func(*game.Game)) *site {
	t.Helper()
	on := sitetest.Open(t, dir)
	c := on.Control(servers.PortRange{Low: 32100, High: 32199})
	s := &site{Game: c.Game, jobs: c.Jobs, servers: c.Servers, store: on.Store, bus: on.Bus, host: h, stop: on.Close}
	s.Game.Set(func() time.Time {
		h.mu.Lock()
		defer h.mu.Unlock()
		return time.Now().Add(h.ahead)
	})
	change(s.Game)
	if err := errors.Join(lifecycletest.Start(on.Ctx, c.Jobs, c.Servers, s), s.serve(on.Ctx)); err != nil {
		t.Fatal(err)
	}
	return s
}

// serve runs the agent of the host.
func (s *site) serve(ctx context.Context) error {
	on := func(verb string, f func(data []byte) (any, error)) error {
		return s.bus.Answer(ctx, bus.Command(left4me.LocalHost, verb), func(_ context.Context, _ string, data []byte) (any, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.away {
				return nil, &left4me.Error{Kind: left4me.Unavailable, Text: "the disk of the host is away"}
			}
			return f(data)
		})
	}
	return errors.Join(
		on(bus.VerbPort, func([]byte) (any, error) { return bus.Empty{V: bus.Version}, nil }),
		on(bus.VerbStatus, func([]byte) (any, error) {
			all := []left4me.Status{}
			for _, st := range s.statuses {
				all = append(all, st)
			}
			return all, nil
		}),
		on(bus.VerbGame, func([]byte) (any, error) { return s.game, nil }),
		on(bus.VerbPin, func(data []byte) (any, error) {
			var r bus.PinRequest
			err := bus.Decode(data, &r)
			s.game.Pinned = r.Pinned
			return s.game, err
		}),
		s.bus.Work(ctx, left4me.LocalHost, func(d bus.Delivery) { go s.work(ctx, d) }),
		s.bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindHello), bus.Hello{V: bus.Version}),
	)
}

// work performs a job.
func (s *site) work(ctx context.Context, d bus.Delivery) {
	s.mu.Lock()
	held := s.held[d.Target]
	s.mu.Unlock()
	if held {
		_ = d.Later(20 * time.Millisecond)
		return
	}
	var claim bus.ClaimAnswer
	if err := s.bus.Request(ctx, bus.Ask(left4me.LocalHost, bus.VerbClaim), bus.ClaimRequest{V: bus.Version, ID: d.ID},
		&claim); err != nil {
		return
	}
	if claim.Verdict != bus.Go {
		_ = d.Done()
		return
	}
	report := bus.JobReport{V: bus.Version, ID: d.ID, State: left4me.JobDone}
	s.mu.Lock()
	s.did = append(s.did, string(d.Kind)+" "+string(d.Target))
	st, told := s.statuses[d.Target]
	switch {
	case d.Kind == left4me.UpdateGame && s.update == 0:
		report.State, report.Error = left4me.JobFailed, &left4me.Error{Kind: left4me.Unavailable, Text: "SteamCMD could not reach Steam"}
	case d.Kind == left4me.UpdateGame:
		s.game.Current, s.game.Outdated = s.update, false
	case d.Kind == left4me.RollbackGame:
		s.game.Current = 1
	case d.Kind == left4me.CheckGame:
		s.game.Latest, s.game.Outdated, s.game.CheckedAt = 2, s.game.Current != 2, time.Now().Add(s.ahead)
	case s.broken[d.Target]:
		report.State, report.Error = left4me.JobFailed, &left4me.Error{Kind: left4me.Unavailable, Text: "it ended by itself"}
		st.State = left4me.Failed
	case d.Kind == left4me.RestartServer:
		st.State, st.Build = left4me.Running, s.game.Current
	}
	if told {
		s.statuses[d.Target] = st
	}
	s.mu.Unlock()
	if told {
		_ = s.bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindStatus), st)
	}
	_ = s.bus.Request(ctx, bus.Ask(left4me.LocalHost, bus.VerbReport), report, nil)
	_ = d.Done()
}

// server creates a server that runs on the host's build, with players.
func (s *site) server(t *testing.T, name left4me.Name, players int) {
	t.Helper()
	if _, err := s.servers.Create(t.Context(), left4me.ByUser("tester"), left4me.Server{Name: name}); err != nil {
		t.Fatal(err)
	}
	s.plays(t, name, players)
}

// plays publishes the state of a running server with a number of players.
func (s *site) plays(t *testing.T, name left4me.Name, players int) {
	t.Helper()
	var st left4me.Status
	s.do(func() {
		st = s.statuses[name]
		if st.Build == 0 {
			st = left4me.Status{Name: name, State: left4me.Running, Build: s.game.Current}
		}
		st.Players = players
		s.statuses[name] = st
	})
	if err := s.bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindStatus), st); err != nil {
		t.Fatal(err)
	}
	await(t, string(name)+" is known", func() bool {
		v, err := s.servers.Get(t.Context(), name)
		return err == nil && v.Status.State == left4me.Running && v.Status.Players == players
	})
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// act adds a job on the game.
func (s *site) act(t *testing.T, kind left4me.JobKind, restart game.Mode) left4me.Job {
	t.Helper()
	j, err := s.Act(t.Context(), left4me.ByUser("al"), kind, left4me.LocalHost, game.Request{Restart: restart})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// ended waits for the end of a job.
func (s *site) ended(t *testing.T, id left4me.JobID) left4me.Job {
	t.Helper()
	var j left4me.Job
	await(t, "the end of a job", func() bool {
		var err error
		j, err = s.jobs.Get(t.Context(), id)
		return err == nil && j.State.Ended()
	})
	return j
}

// rollout waits until the rollout meets a condition, and returns it.
func (s *site) rollout(t *testing.T, what string, is func(*game.Rollout) bool) *game.Rollout {
	t.Helper()
	var r *game.Rollout
	defer func() {
		if t.Failed() {
			t.Logf("it is %+v", r)
		}
	}()
	await(t, what, func() bool {
		var err error
		if r, err = s.Rollout(t.Context(), left4me.LocalHost); err != nil {
			t.Fatal(err)
		}
		return r != nil && is(r)
	})
	return r
}

func state(want string) func(*game.Rollout) bool {
	return func(r *game.Rollout) bool { return r.State == want }
}

func (s *site) build(name left4me.Name) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.statuses[name].Build
}

func is(t *testing.T, err error, kind left4me.Kind, field string) {
	t.Helper()
	if e, ok := left4me.Public(err); !ok || e.Kind != kind || e.Field != field {
		t.Errorf("%v is not %s for %q", err, kind, field)
	}
}

func TestGetReturnsGameOfHost(t *testing.T) {
	s := open(t, t.TempDir(), newHost())
	v, err := s.Get(t.Context(), left4me.LocalHost)
	if err != nil || !v.Known || v.Current != 1 || v.Problem != "" || v.Job != nil || v.Rollout != nil ||
		v.Policy.CheckEvery != 6*time.Hour {
		t.Errorf("got %+v, error %v", v, err)
	}
	_, err = s.Get(t.Context(), "far")
	is(t, err, left4me.NotFound, "")
	// A host that cannot be queried is shown with its last answer.
	s.do(func() { s.away = true })
	_, err = s.Pin(t.Context(), left4me.ByUser("al"), left4me.LocalHost, true)
	is(t, err, left4me.Unavailable, "")
	await(t, "that it can't be asked", func() bool {
		v, err = s.Get(t.Context(), left4me.LocalHost)
		return err == nil && v.Problem != ""
	})
	if !v.Known || v.Current != 1 || v.Problem != "the disk of the host is away" {
		t.Errorf("got %+v", v)
	}
}

func TestGetWithoutAnswerFromHost(t *testing.T) {
	h := newHost()
	h.away = true
	s := open(t, t.TempDir(), h)
	if v, err := s.Get(t.Context(), left4me.LocalHost); err != nil || v.Known || v.Problem == "" {
		t.Errorf("got %+v, error %v", v, err)
	}
	if _, ok := s.LastAnswer(left4me.LocalHost); ok {
		t.Error("Said returned an answer")
	}
}

func TestGetShowsEndOfJobImmediately(t *testing.T) {
	s := open(t, t.TempDir(), newHost())
	if _, err := s.Get(t.Context(), left4me.LocalHost); err != nil {
		t.Fatal(err)
	}
	s.ended(t, s.act(t, left4me.UpdateGame, game.Never).ID)
	if v, err := s.Get(t.Context(), left4me.LocalHost); err != nil || v.Current != 2 || v.Job == nil || v.Job.Kind != left4me.UpdateGame {
		t.Errorf("got %+v, error %v", v, err)
	}
	if v, err := s.Get(t.Context(), left4me.LocalHost); err != nil || v.Rollout != nil {
		t.Errorf("unexpected rollout: %+v, %v", v.Rollout, err)
	}
}

func TestActRefusesInvalidRequests(t *testing.T) {
	s := open(t, t.TempDir(), newHost())
	for _, c := range []struct {
		name string
		kind left4me.JobKind
		host left4me.Name
		r    game.Request
		want left4me.Kind
		on   string
	}{
		{"an unknown host", left4me.UpdateGame, "far", game.Request{}, left4me.NotFound, ""},
		{"an unknown mode", left4me.UpdateGame, left4me.LocalHost, game.Request{Restart: "soon"}, left4me.Invalid, "restart"},
		{"a build for an update", left4me.UpdateGame, left4me.LocalHost, game.Request{Build: 7}, left4me.Invalid, "build"},
		{"an invalid build", left4me.RollbackGame, left4me.LocalHost, game.Request{Build: -7}, left4me.Invalid, "build"},
		{"a rollout after a check", left4me.CheckGame, left4me.LocalHost, game.Request{Restart: game.Now}, left4me.Invalid, "restart"},
		{"a job on a server", left4me.StartServer, left4me.LocalHost, game.Request{}, left4me.Invalid, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Act(t.Context(), left4me.ByUser("al"), c.kind, c.host, c.r)
			is(t, err, c.want, c.on)
		})
	}
	if v, err := s.Pin(t.Context(), left4me.ByUser("al"), left4me.LocalHost, true); err != nil || !v.Pinned {
		t.Fatalf("got %+v, error %v", v, err)
	}
	_, err := s.Act(t.Context(), left4me.ByUser("al"), left4me.UpdateGame, left4me.LocalHost, game.Request{})
	is(t, err, left4me.Conflict, "")
	if v, err := s.Pin(t.Context(), left4me.ByUser("al"), left4me.LocalHost, false); err != nil || v.Pinned {
		t.Fatalf("got %+v, error %v", v, err)
	}
}

func TestEqualGameJobsAreShared(t *testing.T) {
	s := open(t, t.TempDir(), newHost())
	s.do(func() { s.held[left4me.LocalHost] = true })
	update := s.act(t, left4me.UpdateGame, game.Never)
	if again := s.act(t, left4me.UpdateGame, game.Never); again.ID != update.ID {
		t.Error("two update jobs")
	}
	check := s.act(t, left4me.CheckGame, game.Never)
	if check.ID == update.ID {
		t.Error("a check returned the update job")
	}
	_, err := s.Act(t.Context(), left4me.ByUser("al"), left4me.RollbackGame, left4me.LocalHost, game.Request{})
	is(t, err, left4me.Conflict, "")
	s.do(func() { s.held[left4me.LocalHost] = false })
	s.ended(t, check.ID)
	s.do(func() { s.held[left4me.LocalHost] = true })
	to := func(build int64) left4me.Job {
		j, err := s.Act(t.Context(), left4me.ByUser("al"), left4me.RollbackGame, left4me.LocalHost, game.Request{Build: build})
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	if one := to(1); to(1).ID != one.ID || to(3).ID == one.ID {
		t.Error("rollbacks to the same build must share a job, others must not")
	}
}

func TestRolloutRestartsServersAfterUpdate(t *testing.T) {
	s := open(t, t.TempDir(), newHost())
	for name, players := range map[left4me.Name]int{"alpha": 3, "beta": 1, "gamma": 2} {
		s.server(t, name, players)
	}
	s.ended(t, s.act(t, left4me.UpdateGame, game.Never).ID)
	await(t, "that a restart would change it", func() bool {
		v, err := s.servers.Get(t.Context(), "alpha")
		return err == nil && v.NewBuild == 2
	})
	s.act(t, left4me.UpdateGame, game.Now)
	r := s.rollout(t, "the end", state(game.Done))
	if len(r.Moves) != 3 || r.Moves[0].Server != "beta" || r.Build != 2 || len(r.Wishes) != 0 || r.By != left4me.ByUser("al") {
		t.Errorf("got %+v", r)
	}
	j, err := s.jobs.Get(t.Context(), r.Moves[0].Job)
	if err != nil || j.Kind != left4me.RestartServer || !strings.HasPrefix(j.By.Name, "rollout ") {
		t.Errorf("got %+v, error %v", j, err)
	}
	if v, err := s.servers.Get(t.Context(), "alpha"); err != nil || v.NewBuild != 0 {
		t.Errorf("got %+v, error %v", v, err)
	}
}

func TestRolloutStopsWhenServerFailsToStart(t *testing.T) {
	s := open(t, t.TempDir(), newHost())
	s.server(t, "alpha", 0)
	s.server(t, "beta", 5)
	s.do(func() { s.broken["alpha"] = true })
	s.act(t, left4me.UpdateGame, game.Now)
	r := s.rollout(t, "that it stops", state(game.Failed))
	if !strings.Contains(r.Reason.Text, "alpha did not come up on build 2: it ended by itself") || s.build("beta") != 1 {
		t.Errorf("%s; beta is on %d", r.Reason.Text, s.build("beta"))
	}
}

func TestRolloutWaitsForServersWithPlayers(t *testing.T) {
	s := open(t, t.TempDir(), newHost())
	s.server(t, "alpha", 0)
	s.server(t, "beta", 2)
	s.act(t, left4me.UpdateGame, game.Empty)
	s.rollout(t, "that both wait", func(r *game.Rollout) bool { return len(r.Wishes) == 2 && len(r.Moves) == 0 })
	s.do(func() { s.ahead = 2 * time.Minute })
	s.rollout(t, "that one moved", func(r *game.Rollout) bool {
		return len(r.Moves) == 1 && r.Moves[0].Server == "alpha" && r.Moves[0].State == game.Moved
	})
	if s.build("beta") != 1 {
		t.Error("a server with players was restarted")
	}
	s.plays(t, "beta", 0)
	s.rollout(t, "that beta has just become empty", func(r *game.Rollout) bool {
		return len(r.Wishes) == 1 && r.Wishes[0].Why.Code == "rollout.wait_empty"
	})
	s.do(func() { s.ahead = 4 * time.Minute })
	s.rollout(t, "the end", state(game.Done))
}

func TestRolloutResumesAfterRestart(t *testing.T) {
	dir, h := t.TempDir(), newHost()
	s := open(t, dir, h)
	s.server(t, "alpha", 0)
	s.server(t, "beta", 1)
	s.do(func() { s.held["alpha"] = true })
	s.act(t, left4me.UpdateGame, game.Now)
	s.rollout(t, "that one moves", func(r *game.Rollout) bool { return len(r.Moves) == 1 })
	s.stop()
	h.do(func() { clear(h.held) })
	s = open(t, dir, h)
	if r := s.rollout(t, "the end", state(game.Done)); len(r.Moves) != 2 {
		t.Errorf("got %+v", r)
	}
	if !slices.Contains(h.did, "server.restart alpha") ||
		slices.Index(h.did, "server.restart alpha") > slices.Index(h.did, "server.restart beta") {
		t.Errorf("got %v", h.did)
	}
}

func TestCancelledRolloutLeavesServersUnchanged(t *testing.T) {
	s := open(t, t.TempDir(), newHost())
	_, err := s.CancelRollout(t.Context(), left4me.ByUser("al"), left4me.LocalHost)
	is(t, err, left4me.NotFound, "")
	s.server(t, "alpha", 2)
	s.act(t, left4me.UpdateGame, game.Empty)
	s.rollout(t, "that it runs", state(game.Running))
	r, err := s.CancelRollout(t.Context(), left4me.ByUser("bo"), left4me.LocalHost)
	if err != nil || r.State != game.Cancelled || r.Reason.Text != "cancelled by bo" {
		t.Fatalf("got %+v, error %v", r, err)
	}
	if again, err := s.CancelRollout(t.Context(), left4me.ByUser("cy"), left4me.LocalHost); err != nil ||
		again.Reason.Text != "cancelled by bo" {
		t.Errorf("got %+v, error %v", again, err)
	}
	// A newer rollout replaces a cancelled one.
	s.act(t, left4me.RollbackGame, game.Empty)
	r = s.rollout(t, "the newer one", func(r *game.Rollout) bool { return r.State == game.Done })
	if r.Build != 1 || s.build("alpha") != 1 {
		t.Errorf("got %+v", r)
	}
}

func TestRolloutEndsWithFailedJob(t *testing.T) {
	s := open(t, t.TempDir(), newHost())
	s.server(t, "alpha", 0)
	s.do(func() { s.update = 0 })
	update := s.act(t, left4me.UpdateGame, game.Now)
	r := s.rollout(t, "that it is off", state(game.Cancelled))
	if !strings.Contains(r.Reason.Text, "failed") {
		t.Errorf("got %+v", r)
	}
	s.do(func() { s.update = 2 })
	again, err := s.jobs.Retry(t.Context(), left4me.ByUser("al"), update.ID)
	if err != nil || again.Kind != left4me.UpdateGame {
		t.Fatalf("got %+v, error %v", again, err)
	}
	if r := s.rollout(t, "the end", state(game.Done)); r.Job != again.ID || r.Mode != "now" || s.build("alpha") != 2 {
		t.Errorf("retry without the rollout of the first job: %+v", r)
	}
}

func TestPolicyChecksAndUpdates(t *testing.T) {
	s := open(t, t.TempDir(), newHost())
	for _, c := range []struct {
		p  store.GamePolicy
		on string
	}{
		{store.GamePolicy{CheckEvery: time.Minute}, "check_hours"},
		{store.GamePolicy{Update: true}, "update"},
		{store.GamePolicy{CheckEvery: time.Hour, UpdateAt: "noon"}, "update_at"},
		{store.GamePolicy{CheckEvery: time.Hour, Restart: "soon"}, "restart"},
	} {
		_, err := s.SetPolicy(t.Context(), left4me.ByUser("al"), left4me.LocalHost, c.p)
		is(t, err, left4me.Invalid, c.on)
	}
	_, err := s.SetPolicy(t.Context(), left4me.ByUser("al"), "far", store.GamePolicy{})
	is(t, err, left4me.NotFound, "")
	s.server(t, "alpha", 0)
	p, err := s.SetPolicy(t.Context(), left4me.ByUser("al"), left4me.LocalHost,
		store.GamePolicy{CheckEvery: 6 * time.Hour, Update: true, Restart: "now"})
	if err != nil || p.Restart != "now" {
		t.Fatalf("got %+v, error %v", p, err)
	}
	s.do(func() { s.ahead = 8 * time.Hour })
	s.plays(t, "alpha", 1) // any status triggers a check of what is due
	if r := s.rollout(t, "that it updated by itself", state(game.Done)); r.By != left4me.BySchedule || s.build("alpha") != 2 {
		t.Errorf("got %+v", r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if want := []string{"game.check local", "game.update local", "server.restart alpha"}; !slices.Equal(s.did, want) {
		t.Errorf("jobs %v", s.did)
	}
}

func TestWatchReportsChanges(t *testing.T) {
	s := open(t, t.TempDir(), newHost())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	changes := s.Watch(ctx)
	update := s.act(t, left4me.UpdateGame, game.Never)
	for range changes {
		if v, err := s.Get(ctx, left4me.LocalHost); err == nil && v.Current == 2 && v.Job.ID == update.ID &&
			v.Job.State == left4me.JobDone {
			return
		}
	}
	t.Error("the sequence ended")
}
