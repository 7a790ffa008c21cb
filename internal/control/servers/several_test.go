package servers_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
)

// plan returns names and ports of a plan as text.
func plan(all []left4me.Server) (texts []string) {
	for _, v := range all {
		texts = append(texts, fmt.Sprintf("%s:%d", v.Name, v.Port))
	}
	return texts
}

func TestSeveralServersAreCreatedAsPlanned(t *testing.T) {
	s := newSite(t)
	s.host(t, map[string]func([]byte) (any, error){bus.VerbPort: func([]byte) (any, error) { return bus.Empty{V: bus.Version}, nil }})
	if _, err := s.Create(t.Context(), left4me.ByUser("tester"), left4me.Server{Name: "versus-2", Port: 33101}); err != nil {
		t.Fatal(err)
	}
	want := []string{"versus-1:33100", "versus-3:33102", "versus-4:33103"}
	v := servers.Several{Blueprint: left4me.DefaultBlueprint, Count: 3, Names: "versus-#", FirstPort: 33100}
	all, err := s.Creation().PlanSeveral(t.Context(), v)
	if err != nil || !slices.Equal(plan(all), want) {
		t.Fatalf("plan %v, %v, want %v", plan(all), err, want)
	}
	all, err = s.Creation().CreateSeveral(t.Context(), left4me.ByUser("tester"), v)
	if err != nil || !slices.Equal(plan(all), want) {
		t.Fatalf("created %v, %v, want %v", plan(all), err, want)
	}
	now, err := s.List(t.Context())
	if err != nil || len(now) != 4 || now[3].Name != "versus-4" || now[3].Port != 33103 || now[3].Blueprint != left4me.DefaultBlueprint {
		t.Errorf("servers %v, %v", now, err)
	}
}

func TestNamePatternCreatesSeveralServers(t *testing.T) {
	s := newSite(t)
	for pattern, want := range map[string][]string{
		"coop":      {"coop-1:33000", "coop-2:33001"},
		"c##-night": {"c01-night:33000", "c02-night:33001"},
		"#":         {"1:33000", "2:33001"},
	} {
		all, err := s.Creation().PlanSeveral(t.Context(), servers.Several{Blueprint: left4me.DefaultBlueprint, Count: 2, Names: pattern})
		if err != nil || !slices.Equal(plan(all), want) {
			t.Errorf("%s: %v, %v, want %v", pattern, plan(all), err, want)
		}
	}
}

func TestSeveralServersAllOrNothing(t *testing.T) {
	s := newSite(t)
	for field, v := range map[string]servers.Several{
		"count":      {Blueprint: left4me.DefaultBlueprint, Count: servers.MaxSeveral + 1, Names: "a-#"},
		"names":      {Blueprint: left4me.DefaultBlueprint, Count: 2, Names: "A #"},
		"blueprint":  {Blueprint: "none", Count: 2, Names: "a-#"},
		"first_port": {Blueprint: left4me.DefaultBlueprint, Count: 4, Names: "a-#"}, // the range has three ports
	} {
		_, err := s.Creation().CreateSeveral(t.Context(), left4me.ByUser("tester"), v)
		if wrong := left4me.Fields(nil); !errors.As(err, &wrong) || len(wrong) != 1 || wrong[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if all, err := s.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("servers were created: %v, %v", all, err)
	}
}

// A conflict in the middle, which only the transaction can find, leaves no server.
func TestCreationOfSeveralIsOneTransaction(t *testing.T) {
	s := newSite(t)
	a := left4me.Server{Name: "a", Host: left4me.LocalHost, Port: 33100, Blueprint: left4me.DefaultBlueprint}
	b := a
	b.Name = "b"
	if err := s.store.Servers().Create(t.Context(), a, b); !errors.Is(err, left4me.Conflict) {
		t.Errorf("two servers on one port: %v", err)
	}
	if all, err := s.store.Servers().List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("servers were created: %v, %v", all, err)
	}
}

func TestDuplicateHasNoPasswordsUnlessRequested(t *testing.T) {
	s := newSite(t)
	from := left4me.Server{
		Name: "alpha", Autostart: left4me.AutostartNever,
		Settings: left4me.Settings{Hostname: "Harbour", Password: "secret", Cfg: []string{"sv_alltalk 1", "sv_password x"}},
	}
	if _, err := s.Create(t.Context(), left4me.ByUser("tester"), from); err != nil {
		t.Fatal(err)
	}
	v, err := s.Creation().Duplicate(t.Context(), left4me.ByUser("tester"), "alpha", servers.Copy{})
	if err != nil {
		t.Fatal(err)
	}
	if v.Name != "alpha-2" || v.Port != 33001 || v.Settings.Hostname != "Harbour" || v.Autostart != left4me.AutostartNever ||
		v.Settings.Password != "" || !slices.Equal(v.Settings.Cfg, []string{"sv_alltalk 1"}) {
		t.Errorf("copy: %+v", v.Server)
	}
	v, err = s.Creation().Duplicate(t.Context(), left4me.ByUser("tester"), "alpha-2", servers.Copy{})
	if err != nil || v.Name != "alpha-3" {
		t.Errorf("copy of the copy: %+v, %v", v.Server, err)
	}
	open := servers.Copy{Name: "open", Port: 33100, Passwords: true}
	v, err = s.Creation().Duplicate(t.Context(), left4me.ByUser("tester"), "alpha", open)
	if err != nil || v.Settings.Password != "secret" || len(v.Settings.Cfg) != 2 || v.Port != 33100 {
		t.Errorf("copy with passwords: %+v, %v", v.Server, err)
	}
	if _, err := s.Creation().Duplicate(t.Context(), left4me.ByUser("tester"), "none", servers.Copy{}); !errors.Is(err, left4me.NotFound) {
		t.Errorf("copy of a missing server: %v", err)
	}
}
