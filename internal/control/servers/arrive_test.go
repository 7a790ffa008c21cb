package servers_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
)

// machine is a host that reports the statuses set by the test.
type machine struct {
	*site
	build atomic.Int64 // current build of the game
	says  atomic.Pointer[[]left4me.Status]
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{site: newSite(t)}
	m.says.Store(&[]left4me.Status{})
	m.build.Store(2243)
	m.host(t, map[string]func([]byte) (any, error){
		bus.VerbStatus: func([]byte) (any, error) { return *m.says.Load(), nil },
		bus.VerbGame:   func([]byte) (any, error) { return left4me.Game{Current: m.build.Load()}, nil },
	})
	return m
}

// arrives starts the agent with a boot id, and returns once left4me has checked all servers.
func (m *machine) arrives(t *testing.T, boot string, says ...left4me.Status) {
	t.Helper()
	m.says.Store(&says)
	m.Arrive(t.Context(), left4me.LocalHost, boot)
}

// starts returns the active jobs by server.
func (m *machine) starts(t *testing.T) map[left4me.Name]left4me.Job {
	t.Helper()
	active, err := m.jobs.Active(t.Context(), "server")
	if err != nil {
		t.Fatal(err)
	}
	return active
}

func TestWantedServersStartAfterReboot(t *testing.T) {
	m := newMachine(t)
	for _, n := range []left4me.Name{"on", "off"} {
		m.create(t, n)
		m.end(t, m.act(t, left4me.StartServer, n), left4me.JobDone)
	}
	m.end(t, m.act(t, left4me.StopServer, "off"), left4me.JobDone)

	m.arrives(t, "boot-1", left4me.Status{Name: "on", State: left4me.Running})
	if got := m.starts(t); len(got) != 0 {
		t.Errorf("job for a running server: %+v", got)
	}
	m.publish(t, bus.KindStatus, left4me.Status{Name: "on", State: left4me.Stopped})
	m.says.Store(&[]left4me.Status{{Name: "on", State: left4me.Stopped}})
	m.publish(t, bus.KindHello, bus.Hello{V: bus.Version, BootID: "boot-2"})
	m.until(t, "on", func(v servers.View) bool { return v.BootID == "boot-2" && v.Job != nil })
	got := m.starts(t)
	j := got["on"]
	if len(got) != 1 || j.Kind != left4me.StartServer || j.By != left4me.ByLeft4me || j.Reason.Code != "autostart.after_boot" {
		t.Fatalf("got %+v", got)
	}
	// left4me restarts before the job ends.
	m.arrives(t, "boot-2", left4me.Status{Name: "on", State: left4me.Stopped})
	if again := m.starts(t); len(again) != 1 || again["on"].ID != j.ID {
		t.Errorf("got %+v", again)
	}
	m.end(t, j, left4me.JobFailed) // for example because its port is in use
	if v, err := m.Get(t.Context(), "on"); err != nil || v.Wanted != left4me.WantRunning || v.Held != "" {
		t.Errorf("got %+v, error %v", v, err)
	}
}

func TestServerThatGaveUpStaysDownAfterReboot(t *testing.T) {
	m := newMachine(t)
	m.create(t, "alpha")
	m.arrives(t, "boot-1")
	m.end(t, m.act(t, left4me.StartServer, "alpha"), left4me.JobDone)
	m.publish(t, bus.KindStatus, left4me.Status{Name: "alpha", State: left4me.Running})
	m.publish(t, bus.KindStatus, left4me.Status{Name: "alpha", State: left4me.Failed, GaveUp: true})
	m.until(t, "alpha", func(v servers.View) bool { return v.Held == left4me.HeldCrashed })
	m.arrives(t, "boot-2")
	v, err := m.Get(t.Context(), "alpha")
	if err != nil || len(m.starts(t)) != 0 || v.Wanted != left4me.WantRunning || v.Held != left4me.HeldCrashed || v.Status.Reason == "" {
		t.Errorf("got %+v, error %v", v, err)
	}
	// A user starts it again, and it runs.
	m.end(t, m.act(t, left4me.StartServer, "alpha"), left4me.JobDone)
	m.publish(t, bus.KindStatus, left4me.Status{Name: "alpha", State: left4me.Running})
	m.until(t, "alpha", func(v servers.View) bool { return v.Status.State == left4me.Running && v.Held == "" })
}

// The shim gave up restarting the server while left4me wasn't running.
func TestServerThatGaveUpDuringDowntimeStaysDown(t *testing.T) {
	m := newMachine(t)
	m.create(t, "alpha")
	m.end(t, m.act(t, left4me.StartServer, "alpha"), left4me.JobDone)
	m.arrives(t, "boot-1", left4me.Status{Name: "alpha", State: left4me.Failed, GaveUp: true})
	if v, err := m.Get(t.Context(), "alpha"); err != nil || len(m.starts(t)) != 0 || v.Held != left4me.HeldCrashed {
		t.Errorf("got %+v, error %v", v, err)
	}
}

func TestAutostartNeverHoldsServerAfterReboot(t *testing.T) {
	m := newMachine(t)
	m.create(t, "alpha")
	v, err := m.Update(t.Context(), left4me.ByUser("al"), left4me.Server{Name: "alpha", Autostart: left4me.AutostartNever})
	if err != nil || v.Autostart != left4me.AutostartNever {
		t.Fatalf("got %+v, error %v", v, err)
	}
	_, err = m.Update(t.Context(), left4me.ByUser("al"), left4me.Server{Name: "alpha", Autostart: "sometimes"})
	is(t, err, left4me.Invalid, "autostart")
	m.end(t, m.act(t, left4me.StartServer, "alpha"), left4me.JobDone)
	m.arrives(t, "boot-1", left4me.Status{Name: "alpha", State: left4me.Running})
	for range 2 { // left4me may restart again within the new boot
		m.arrives(t, "boot-2")
		v, err := m.Get(t.Context(), "alpha")
		if err != nil || len(m.starts(t)) != 0 || v.Held != left4me.HeldBoot || v.Wanted != left4me.WantRunning || v.Status.Reason == "" {
			t.Errorf("got %+v, error %v", v, err)
		}
	}
}

func TestAutostartAlwaysStartsStoppedServerAtBoot(t *testing.T) {
	m := newMachine(t)
	m.create(t, "first")
	m.arrives(t, "boot-1")
	if _, err := m.Create(t.Context(), left4me.ByUser("tester"),
		left4me.Server{Name: "alpha", Autostart: left4me.AutostartAlways}); err != nil {
		t.Fatal(err)
	}
	m.arrives(t, "boot-1") // a restart of left4me within the same boot starts nothing
	if got := m.starts(t); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
	m.arrives(t, "boot-2")
	if got := m.starts(t); len(got) != 1 || got["alpha"].Reason.Code != "autostart.after_boot" {
		t.Errorf("got %+v", got)
	}
}

// A server whose state the host cannot determine must not be started a second time.
func TestServerInUnknownStateIsNotStarted(t *testing.T) {
	m := newMachine(t)
	m.create(t, "alpha")
	m.end(t, m.act(t, left4me.StartServer, "alpha"), left4me.JobDone)
	m.arrives(t, "boot-2", left4me.Status{Name: "alpha", State: left4me.Unknown, Reason: "its disk is gone"})
	if v, err := m.Get(t.Context(), "alpha"); err != nil || len(m.starts(t)) != 0 || v.BootID == "boot-2" {
		t.Errorf("got %+v, error %v", v, err)
	}
}

// The file system with the game may be mounted after left4me starts.
func TestWantedServersWaitForTheGame(t *testing.T) {
	m := newMachine(t)
	m.create(t, "alpha")
	m.create(t, "off")
	m.end(t, m.act(t, left4me.StartServer, "alpha"), left4me.JobDone)
	m.build.Store(0)
	m.publish(t, bus.KindHello, bus.Hello{V: bus.Version, BootID: "boot-2"})
	m.until(t, "alpha", func(v servers.View) bool {
		return strings.Contains(v.Status.Reason, "the game is not installed on host local")
	})
	if v, err := m.Get(t.Context(), "off"); err != nil || v.Status.Reason != "" || len(m.starts(t)) != 0 {
		t.Errorf("got %+v, error %v", v, err)
	}
	m.build.Store(2243)
	v := m.until(t, "alpha", func(v servers.View) bool { return v.Job != nil })
	if v.Job.Kind != left4me.StartServer || v.Status.Reason != "" {
		t.Errorf("got %+v", v)
	}
}
