package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/diagnosis/connectivity"
	"github.com/left4me/left4me/internal/host/diagnosis/firewall"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/host/running/shim/shimtest"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/sim/steamapi"
)

// fakeSteam replaces the Steam Web API with fixed answers.
type fakeSteam struct {
	ports []int
	newer string
	err   error
}

func (s fakeSteam) Listed(context.Context, netip.Addr) ([]int, error) { return s.ports, s.err }

func (s fakeSteam) Outdated(context.Context, string) (string, bool, error) {
	return s.newer, s.newer != "", s.err
}

// connectivityTest holds a running server and the input of its connectivity check.
type connectivityTest struct {
	t         *testing.T
	root      *shimtest.Root
	diagnosis *diagnosis
	s         connectivity.Server
	shim      *os.Process
}

func newDiagnosis(config Config) *diagnosis {
	c := &core{Config: config, log: slog.New(slog.DiscardHandler)}
	st := &statuses{core: c, servers: map[left4me.Name]*follower{}}
	return &diagnosis{core: c, statuses: st, consoles: &consoles{core: c, statuses: st}}
}

// newConnectivityTest starts a simulated server with the given cfg lines.
func newConnectivityTest(t *testing.T, cfg []string, env ...string) *connectivityTest {
	t.Helper()
	r := shimtest.NewRoot(t)
	r.Spec.Settings.Cfg = cfg
	r.Prepare(t)
	w := &connectivityTest{t: t, root: r, diagnosis: newDiagnosis(Config{Files: r.Files, Sockets: r.Run, PublicAddress: "127.0.0.1"})}
	cmd := exec.Command(shimtest.Exe(), "run", string(r.Name))
	cmd.Env = r.Environ(env...)
	if err := errors.Join(shim.Isolate(cmd), cmd.Start()); err != nil {
		t.Fatal(err)
	}
	w.shim = cmd.Process
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-done
	})
	shimtest.Until(t, "the server is ready or failed", func() bool {
		select {
		case <-done:
			return true
		default:
		}
		c, err := shim.Dial(t.Context(), shim.Socket(r.Run, r.Name))
		if err != nil {
			return false
		}
		defer c.Close()
		st, err := c.Status(t.Context())
		if err != nil || st.State != left4me.Running {
			return false
		}
		w.diagnosis.statuses.servers[r.Name] = &follower{status: left4me.Status{Name: r.Name, State: st.State, PID: st.PID, Port: st.Port}}
		return true
	})
	s, err := w.diagnosis.server(t.Context(), r.Name)
	if err != nil {
		t.Fatal(err)
	}
	w.s = s
	w.s.Rules = func(context.Context) (firewall.Ruleset, error) { return firewall.Parse(nil) }
	w.s.Steam = fakeSteam{ports: []int{r.Port}}
	return w
}

// first runs the connectivity check and returns the first problem.
func (w *connectivityTest) first() left4me.Check {
	w.t.Helper()
	checks := connectivity.Walk(w.t.Context(), w.s)
	c, ok := left4me.FirstWrong(checks)
	if !ok {
		return left4me.Check{State: left4me.CheckOK}
	}
	if c.State == left4me.CheckBroken && c.Code != checks[len(checks)-1].Code {
		w.t.Errorf("the check continued after %+v: %+v", c, checks)
	}
	if c.Text == "" || c.Mend == "" {
		w.t.Errorf("%+v lacks a description or a remedy", c)
	}
	return c
}

func (w *connectivityTest) run(command string) {
	w.t.Helper()
	if _, err := w.s.Command(w.t.Context(), command); err != nil {
		w.t.Fatal(err)
	}
}

// The test changes one setting of a running server at a time to a value that keeps players out, and
// then back.
func TestConnectivityReportsFirstWrongSetting(t *testing.T) {
	t.Parallel()
	w := newConnectivityTest(t, nil, "SIM_PLAYERS=0")
	if c := w.first(); c.State != left4me.CheckOK {
		t.Fatalf("healthy server: %+v, %+v", c, connectivity.Walk(t.Context(), w.s))
	}
	for _, tt := range []struct {
		with, without, name string
		state               left4me.CheckState
		text                string
	}{
		{"sv_lan 1", "sv_lan 0", "sv_lan", left4me.CheckBroken, "local network"},
		{"sv_steamgroup_exclusive 1", "sv_steamgroup_exclusive 0", "sv_steamgroup_exclusive", left4me.CheckBroken, "nobody can"},
		{"sv_steamgroup 103; sv_steamgroup_exclusive 1", "sv_steamgroup_exclusive 0", "sv_steamgroup_exclusive", left4me.CheckWarn, "103"},
		{"sv_allow_lobby_connect_only 1", "sv_allow_lobby_connect_only 0", "lobby", left4me.CheckBroken, "sv_allow_lobby_connect_only"},
		{"sim_reserve 186000065da65d55", "sim_reserve", "lobby", left4me.CheckWarn, "186000065da65d55"},
		{"sv_gametypes versus", `sv_gametypes "coop,versus"`, "sv_gametypes", left4me.CheckWarn, "coop"},
		{"sv_search_key abc", `sv_search_key ""`, "sv_gametypes", left4me.CheckWarn, "sv_search_key"},
		{"sv_password abc", `sv_password ""`, "password", left4me.CheckWarn, "password"},
		{"sv_visiblemaxplayers 0", "sv_visiblemaxplayers -1", "places", left4me.CheckBroken, "sv_visiblemaxplayers"},
	} {
		w.run(tt.with)
		if c := w.first(); c.Name != tt.name || c.State != tt.state || !strings.Contains(c.Text, tt.text) {
			t.Errorf("%s: %+v, want state %s of %s", tt.with, c, tt.state, tt.name)
		}
		w.run(tt.without)
		if c := w.first(); c.State != left4me.CheckOK {
			t.Errorf("%s: %+v, want no problem", tt.without, c)
		}
	}
}

// The server itself is healthy. Each case causes a problem in its environment.
func TestConnectivityReportsProblemsAroundServer(t *testing.T) {
	t.Parallel()
	w := newConnectivityTest(t, nil)
	other, err := net.ListenPacket("udp4", "127.0.0.3:0") // a machine that never answers
	if err != nil {
		t.Fatal(err)
	}
	other.Close()
	good := w.s
	for what, tt := range map[string]struct {
		change func(*connectivity.Server)
		name   string
		state  left4me.CheckState
	}{
		"Steam knows no server": {func(s *connectivity.Server) { s.Steam = fakeSteam{} }, "Steam's list", left4me.CheckWarn},
		"Steam knows another port": {
			func(s *connectivity.Server) { s.Steam = fakeSteam{ports: []int{1}} }, "Steam's list",
			left4me.CheckWarn,
		},
		"Steam requires a newer version": {
			func(s *connectivity.Server) { s.Steam = fakeSteam{ports: []int{s.Wanted}, newer: "2.2.9.9"} },
			"version", left4me.CheckBroken,
		},
		"public address that does not resolve": {
			func(s *connectivity.Server) { s.Address = "no.such.name.invalid" }, "public address",
			left4me.CheckBroken,
		},
		"firewall that drops packets": {func(s *connectivity.Server) {
			s.Rules = func(context.Context) (firewall.Ruleset, error) {
				return firewall.Parse(
					[]byte(`{"nftables":[{"chain":{"family":"inet","table":"t","name":"in","hook":"input","policy":"drop"}}]}`))
			}
		}, "firewall", left4me.CheckBroken},
		"stopped server": {func(s *connectivity.Server) { s.State = left4me.Stopped }, "process", left4me.CheckBroken},
		"failed server": {
			func(s *connectivity.Server) { s.State, s.Reason = left4me.Failed, "why" }, "process",
			left4me.CheckBroken,
		},
		"starting server":                 {func(s *connectivity.Server) { s.State = left4me.Starting }, "process", left4me.CheckBroken},
		"port that the game does not use": {func(s *connectivity.Server) { s.Wanted++ }, "port", left4me.CheckBroken},
	} {
		w.s = good
		tt.change(&w.s)
		if c := w.first(); c.Name != tt.name || c.State != tt.state {
			t.Errorf("%s: %+v, want state %s of %s", what, c, tt.state, tt.name)
		}
	}
	// A check that cannot run must not stop the checks after it.
	w.s = good
	w.s.Steam = fakeSteam{err: errors.New("no route to host")}
	w.s.Rules = func(context.Context) (firewall.Ruleset, error) { return firewall.Ruleset{}, firewall.ErrDenied }
	w.s.Command = func(context.Context, string) (string, error) { return "", errors.New("closed") }
	if c := w.first(); c.State != left4me.CheckOK {
		t.Errorf("got %+v, want no problem", c)
	}
	// Steam has told the game that it is out of date.
	w.s = good
	w.run("sim_out_of_date")
	if c := w.first(); c.Name != "version" || c.State != left4me.CheckBroken {
		t.Errorf("out of date: %+v", c)
	}
}

func TestConnectivityAsksSteamWebAPI(t *testing.T) {
	t.Parallel()
	w := newConnectivityTest(t, nil)
	api := steamapi.New(steamapi.State{Versions: map[int]int{550: 2243}, Servers: []string{fmt.Sprintf("127.0.0.1:%d", w.root.Port)}})
	server := httptest.NewServer(api)
	defer server.Close()
	w.s.Steam = steamAPI{server.URL}
	if c := w.first(); c.State != left4me.CheckOK {
		t.Errorf("server that Steam lists: %+v", c)
	}
	api.Change(func(s *steamapi.State) { s.Versions[550] = 2244 })
	if c := w.first(); c.Name != "version" || !strings.Contains(c.Text, "2244") {
		t.Errorf("server with an old version: %+v", c)
	}
	api.Change(func(s *steamapi.State) { s.Versions[550], s.Servers = 2243, nil })
	if c := w.first(); c.Name != "Steam's list" || c.State != left4me.CheckWarn {
		t.Errorf("server that Steam does not list: %+v", c)
	}
	server.Close()
	if c := w.first(); c.State != left4me.CheckOK {
		t.Errorf("without Steam: %+v", c)
	}
}

func TestConnectivityReadsSteamProblemsFromConsole(t *testing.T) {
	t.Parallel()
	for env, name := range map[string]string{"SIM_STEAM=nolibrary": "Steam's library", "SIM_STEAM=lost": "connection to Steam"} {
		w := newConnectivityTest(t, nil, env)
		if c := w.first(); c.Name != name || c.State != left4me.CheckBroken {
			t.Errorf("%s: got %+v", env, c)
		}
	}
}

func TestConnectivityReportsHangingServer(t *testing.T) {
	t.Parallel()
	w := newConnectivityTest(t, nil)
	if err := w.root.Dial(t).Write(t.Context(), "sim_hang"); err != nil {
		t.Fatal(err)
	}
	// The server hangs once it has read the command.
	for end := time.Now().Add(time.Minute); ; {
		c := w.first()
		if c.Name == "answer" && c.State == left4me.CheckBroken {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("got %+v, want no answer", c)
		}
	}
	// Kill the game, because the shim would give it 15 s to stop.
	c := w.root.Dial(t)
	st, err := c.Status(t.Context())
	if err == nil {
		err = errors.Join(w.shim.Signal(syscall.SIGTERM), syscall.Kill(st.PID, syscall.SIGKILL))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestConcurrentDoctorRequestsShareOneCheck(t *testing.T) {
	asked, release := make(chan struct{}, 8), make(chan struct{})
	a := newDiagnosis(Config{Host: "local", Doctor: func(context.Context) []left4me.Check {
		asked <- struct{}{}
		<-release
		return []left4me.Check{{Name: "one"}}
	}})
	type answer struct {
		checks []left4me.Check
		err    error
	}
	answers := make(chan answer, 2)
	ask := func() {
		c, err := a.host(t.Context())
		answers <- answer{c, err}
	}
	go ask()
	<-asked
	go ask()
	close(release)
	for range 2 {
		if got := <-answers; got.err != nil || len(got.checks) != 1 {
			t.Errorf("got %+v", got)
		}
	}
	if len(asked) > 1 {
		t.Errorf("the check ran %d more times", len(asked))
	}
}

// A check ends with the agent, even if it has not finished.
func TestChecksEndWithAgent(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a := newDiagnosis(Config{Host: "local", Doctor: func(ctx context.Context) []left4me.Check {
		cancel()
		<-ctx.Done()
		return nil
	}})
	if _, err := a.host(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestConnectivityRejectsInvalidServerName(t *testing.T) {
	a := newDiagnosis(Config{Files: instance.Files{Root: instance.Root(t.TempDir())}})
	if _, err := a.connectivity(t.Context(), bus.ReachRequest{Server: "../etc"}); !errors.Is(err, left4me.Invalid) {
		t.Errorf("got %v, want left4me.Invalid", err)
	}
}

// The commands in a remedy must use the server's new name, because users see only that one.
func TestConnectivityUsesNewNameOfRenamedServer(t *testing.T) {
	t.Parallel()
	r := shimtest.NewRoot(t)
	a := newWorker(t, r)
	checks, err := a.diagnosis.connectivity(t.Context(), bus.ReachRequest{Server: r.Name, Shown: "beta"})
	if c, ok := left4me.FirstWrong(checks); err != nil || !ok || !strings.Contains(c.Mend, "`left4me server start beta`") {
		t.Errorf("got %+v, %v", checks, err)
	}
}
