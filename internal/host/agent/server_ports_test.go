package agent

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/host/running/shim/shimtest"
	"github.com/left4me/left4me/internal/left4me"
)

func TestStartNamesSourceTVOnItsPort(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "SIM_STEAM_BUILD=1")
	d.do(left4me.InstallGame)
	tv := shimtest.FreePort(t)
	alpha := left4me.Spec{
		Name:     "alpha",
		Port:     d.Port,
		Settings: left4me.Settings{Cfg: []string{"tv_enable 1", fmt.Sprintf("tv_port %d", tv)}},
	}
	note := func(spec left4me.Spec) string {
		t.Helper()
		r := d.end(d.ask(left4me.StartServer, spec.Name, spec))
		if r.State != left4me.JobDone {
			t.Fatalf("%s: got %+v", spec.Name, r.Error)
		}
		i := slices.IndexFunc(r.Steps, func(s left4me.Step) bool { return s.Label == left4me.StepCheckPort })
		return r.Steps[i].Note
	}
	if n := note(alpha); n != "" {
		t.Errorf("got note %q, want none for a free port", n)
	}
	beta := left4me.Spec{Name: "beta", Port: tv}
	r := d.end(d.ask(left4me.StartServer, "beta", beta))
	want := fmt.Sprintf("port %d is already used by SourceTV of alpha, whose game port is %d (", tv, d.Port)
	if r.State != left4me.JobFailed || r.Error == nil || r.Error.Field != "port" || !strings.HasPrefix(r.Error.Text, want) {
		t.Errorf("%s: got %+v", r.State, r.Error)
	}

	// An earlier left4me accepted such a definition: the server still starts, and a note says what
	// will fail.
	d.done(d.ask(left4me.StopServer, "alpha", left4me.Spec{Name: "alpha"}))
	if n, want := note(alpha), fmt.Sprintf("SourceTV uses port %d, which beta needs to start", tv); n != want {
		t.Errorf("%q, want %q", n, want)
	}
	d.done(d.ask(left4me.StopServer, "alpha", left4me.Spec{Name: "alpha"}))
	c, err := net.ListenUDP("udp4", &net.UDPAddr{Port: tv})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if n, want := note(alpha), fmt.Sprintf("SourceTV: port %d is already used by ", tv); !strings.HasPrefix(n, want) {
		t.Errorf("%q, want %q", n, want)
	}
}
