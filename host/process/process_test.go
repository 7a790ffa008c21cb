package process_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/host"
	"github.com/left4me/left4me/host/process"
	"github.com/left4me/left4me/host/shim"
	"github.com/left4me/left4me/host/shim/shimtest"
)

var _ host.Supervisor = (*process.Supervisor)(nil)

func TestMain(m *testing.M) { os.Exit(shimtest.Main(m)) }

// machine is a root with a supervisor.
type machine struct {
	*shimtest.Root
	*process.Supervisor
	t *testing.T
}

func newMachine(t *testing.T, env ...string) *machine {
	t.Helper()
	leak := goleak.IgnoreCurrent()
	r := shimtest.NewRoot(t)
	m := &machine{Root: r, t: t, Supervisor: process.New(process.Config{
		Root: r.Root, Run: r.Run, Exe: shimtest.Exe(), Env: r.Environ(env...),
	})}
	t.Cleanup(func() {
		if err := m.Stop(context.Background(), r.Name); err != nil {
			t.Errorf("stop: %v", err)
		}
		if t.Failed() {
			k, _ := shim.ReadLog(r.Logs(r.Name), -1, 32<<10)
			t.Logf("console:\n%s", k.Lines)
		}
		goleak.VerifyNone(t, leak)
	})
	return m
}

func (m *machine) start() {
	m.t.Helper()
	if err := m.Start(m.t.Context(), m.Name); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) state() (left4me.ServerState, string) {
	m.t.Helper()
	state, reason, err := m.State(m.t.Context(), m.Name)
	if err != nil {
		m.t.Fatal(err)
	}
	return state, reason
}

func (m *machine) await(want left4me.ServerState) (reason string) {
	m.t.Helper()
	shimtest.Until(m.t, "the server is "+string(want), func() bool {
		var state left4me.ServerState
		state, reason = m.state()
		return state == want
	})
	return reason
}

func TestServerStartsAndStops(t *testing.T) {
	m := newMachine(t)
	if state, _ := m.state(); state != left4me.Stopped {
		t.Fatalf("before its start it is %s", state)
	}
	m.start()
	m.await(left4me.Running)
	if names, err := m.List(t.Context()); err != nil || len(names) != 1 || names[0] != m.Name {
		t.Errorf("list: %v, %v", names, err)
	}
	st, err := m.Dial(t).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if st.Port != m.Port || st.PID == 0 || st.SpecHash != m.Spec.Hash() {
		t.Errorf("status: %+v", st)
	}
	m.start() // a second time
	if again, err := m.Dial(t).Status(t.Context()); err != nil || again.PID != st.PID {
		t.Errorf("the second start made another game: %+v, %v", again, err)
	}
	if err := m.Stop(t.Context(), m.Name); err != nil {
		t.Fatal(err)
	}
	if state, reason := m.state(); state != left4me.Stopped || reason != "" {
		t.Errorf("after its stop it is %s, %q", state, reason)
	}
	if err := syscall.Kill(st.PID, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the game lives: %v", err)
	}
	if left, err := os.ReadDir(m.Run); err != nil || len(left) > 0 {
		t.Errorf("left in the directory of sockets: %v, %v", left, err)
	}
	if err := m.Stop(t.Context(), m.Name); err != nil {
		t.Errorf("a second stop: %v", err)
	}
}

func TestTakenPortNamesWhoHasIt(t *testing.T) {
	m := newMachine(t)
	other, err := net.ListenUDP("udp4", &net.UDPAddr{Port: m.Port})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	err = m.Start(t.Context(), m.Name)
	if !errors.Is(err, left4me.Conflict) || !strings.Contains(err.Error(), fmt.Sprintf("(pid %d)", os.Getpid())) {
		t.Errorf("it doesn't name this program: %v", err)
	}
	if state, reason := m.state(); state.Up() {
		t.Errorf("it is %s, %q", state, reason)
	}
}

func TestAllOfThisAsAnOrdinaryUser(t *testing.T) { shimtest.AsUser(t, "^Test[^A]") }
