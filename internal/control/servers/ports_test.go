package servers_test

import (
	"database/sql"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// conflict checks that an error is a conflict about a port.
func conflict(t *testing.T, what string, err error, field, text string) {
	t.Helper()
	e, ok := left4me.Public(err)
	if !ok {
		t.Errorf("%s was accepted: %v", what, err)
	} else if e.Kind != left4me.Conflict || e.Field != field || !strings.Contains(e.Text, text) {
		t.Errorf("%s: %v (field %q)", what, err, e.Field)
	}
}

func TestSourceTVPortIsReserved(t *testing.T) {
	s := newSite(t)
	tv := func(port string) left4me.Settings {
		return left4me.Settings{Cfg: []string{"tv_enable 1"}, Args: []string{"+tv_port", port}}
	}
	if _, err := s.Create(t.Context(), left4me.ByUser("tester"),
		left4me.Server{Name: "alpha", Port: 33000, Settings: tv("33001")}); err != nil {
		t.Fatal(err)
	}
	_, err := s.Create(t.Context(), left4me.ByUser("tester"), left4me.Server{Name: "beta", Port: 33001})
	conflict(t, "a game on it", err, "port", "port 33001 is already used by SourceTV of alpha")
	v, err := s.Create(t.Context(), left4me.ByUser("tester"), left4me.Server{Name: "beta"})
	if err != nil || v.Port != 33002 {
		t.Errorf("the next free port is %d, %v", v.Port, err)
	}
	_, err = s.Update(t.Context(), left4me.ByUser("al"), left4me.Server{Name: "beta", Port: 33001})
	conflict(t, "a game that moves to it", err, "port", "port 33001 is already used by SourceTV of alpha")
	_, err = s.Update(t.Context(), left4me.ByUser("al"), left4me.Server{Name: "alpha", Settings: tv("33002")})
	conflict(t, "SourceTV that moves", err, "settings.cfg", "SourceTV of alpha would use port 33002, which belongs to beta")
	_, err = s.Create(t.Context(), left4me.ByUser("tester"), left4me.Server{Name: "gamma", Port: 33010, Settings: tv("33002")})
	conflict(t, "SourceTV of a new server", err, "settings.cfg", "SourceTV of gamma would use port 33002, which belongs to beta")
	_, err = s.Create(t.Context(), left4me.ByUser("tester"), left4me.Server{Name: "gamma", Port: 33010, Settings: tv("33001")})
	conflict(t, "SourceTV that counts up", err, "settings.cfg",
		"SourceTV of gamma would use port 33002 (counting up from 33001), which belongs to beta")
	// Without a port in the request: the whole range is in use.
	_, err = s.Create(t.Context(), left4me.ByUser("tester"), left4me.Server{Name: "gamma"})
	conflict(t, "a full range", err, "port", "all ports from 33000 to 33002 are in use")
	if _, err := s.Update(t.Context(), left4me.ByUser("al"), left4me.Server{Name: "alpha"}); err != nil {
		t.Errorf("turning off SourceTV: %v", err)
	}
	if v, err := s.Create(t.Context(), left4me.ByUser("tester"), left4me.Server{Name: "gamma"}); err != nil || v.Port != 33001 {
		t.Errorf("next server: port %d, %v", v.Port, err)
	}
}

func TestBlueprintWithConflictingSourceTVPortIsRefused(t *testing.T) {
	s := newSite(t)
	if err := s.store.Blueprints().Create(t.Context(), left4me.Blueprint{Name: "tv"}); err != nil {
		t.Fatal(err)
	}
	for name, port := range map[left4me.Name]int{"alpha": 27015, "beta": 27020, "gamma": 27016} {
		if _, err := s.Create(t.Context(), left4me.ByUser("tester"),
			left4me.Server{
				Name:      name,
				Port:      port,
				Blueprint: map[bool]left4me.Name{true: "default", false: "tv"}[name == "beta"],
			}); err != nil {
			t.Fatal(err)
		}
	}
	on := left4me.Blueprint{Name: "tv", Settings: left4me.Settings{Cfg: []string{"tv_enable 1"}}}
	conflict(t, "turned on", s.store.Blueprints().Update(t.Context(), on), "settings.cfg",
		"SourceTV of alpha would use port 27020, which belongs to beta")
	on.Settings.Cfg = append(on.Settings.Cfg, "tv_port 28000")
	if err := s.store.Blueprints().Update(t.Context(), on); err != nil {
		t.Errorf("without a conflict: %v", err)
	}
	_, err := s.Update(t.Context(), left4me.ByUser("al"), left4me.Server{Name: "beta", Port: 28001})
	conflict(t, "the second SourceTV", err, "port", "port 28001 is already used by SourceTV of gamma (counting up from 28000)")

	// Overlays can enable SourceTV with cfg lines, too.
	o, err := s.store.Overlays().Create(t.Context(), left4me.ByUser("al"), left4me.Overlay{Name: "lines", Kind: left4me.FilesOverlay})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(t.Context(), left4me.ByUser("al"), left4me.Server{Name: "beta", Overlays: left4me.Refs("lines")}); err != nil {
		t.Fatal(err)
	}
	o.Cfg = []string{"tv_enable 1", "tv_port 27015"}
	_, err = s.store.Overlays().Update(t.Context(), left4me.ByUser("al"), o.Overlay)
	conflict(t, "lines of an overlay", err, "cfg", "SourceTV of beta would use port 27015, which belongs to alpha")
}

// TestOldPortConflictDoesNotBlockChanges covers a conflict that an older version of left4me
// accepted.
func TestOldPortConflictDoesNotBlockChanges(t *testing.T) {
	s := newSite(t)
	for name, port := range map[left4me.Name]int{"alpha": 27015, "beta": 27020} {
		if _, err := s.Create(t.Context(), left4me.ByUser("tester"), left4me.Server{Name: name, Port: port}); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sql.Open("sqlite", s.db)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `UPDATE server SET settings = '{"cfg":["tv_enable 1"]}' WHERE name = 'alpha'`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(t.Context(), left4me.ByUser("al"),
		left4me.Server{Name: "alpha", Settings: left4me.Settings{Hostname: "x", Cfg: []string{"tv_enable 1"}}}); err != nil {
		t.Errorf("unrelated change: %v", err)
	}
	if _, err := s.Create(t.Context(), left4me.ByUser("tester"), left4me.Server{Name: "gamma"}); errors.Is(err, left4me.Conflict) {
		t.Errorf("another server: %v", err)
	}
}

// TestPortOfRunningServerChangesAtNextStart covers that the port can be changed while a server runs, and
// that no other server gets the port that it uses until then.
func TestPortOfRunningServerChangesAtNextStart(t *testing.T) {
	s := newSite(t)
	s.host(t, nil)
	if _, err := s.Create(t.Context(), left4me.ByUser("tester"), left4me.Server{Name: "alpha", Port: 27015}); err != nil {
		t.Fatal(err)
	}
	s.publish(t, bus.KindStatus, left4me.Status{Name: "alpha", State: left4me.Running, Port: 27015, SpecHash: "before"})
	for {
		if v, err := s.Get(t.Context(), "alpha"); err != nil || v.Status.State == left4me.Running {
			break
		}
		runtime.Gosched()
	}
	v, err := s.Update(t.Context(), left4me.ByUser("al"), left4me.Server{Name: "alpha", Port: 27020})
	if err != nil || v.Port != 27020 || !v.RestartRequired || v.Status.Port != 27015 {
		t.Fatalf("got port %d, in use %d, restart required %t, error %v", v.Port, v.Status.Port, v.RestartRequired, err)
	}
	for _, port := range []int{27015, 27020} {
		_, err = s.Create(t.Context(), left4me.ByUser("tester"), left4me.Server{Name: "beta", Port: port})
		if e, ok := left4me.Public(err); !ok || e.Kind != left4me.Conflict || e.Field != "port" {
			t.Errorf("another server on port %d: %v", port, err)
		}
	}
	if _, err := s.Update(t.Context(), left4me.ByUser("al"), left4me.Server{Name: "alpha", Port: 27015}); err != nil {
		t.Errorf("back to the port in use: %v", err)
	}
}
