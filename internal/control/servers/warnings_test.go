package servers_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

func TestMapAndModeNamesAreLowerCased(t *testing.T) {
	s := newSite(t)
	v, err := s.Create(t.Context(), left4me.ByUser("tester"),
		left4me.Server{Name: "alpha", Settings: left4me.Settings{Map: "C2M1_Highway", Mode: "Versus"}})
	if err != nil || v.Settings.Map != "c2m1_highway" || v.Settings.Mode != "versus" {
		t.Errorf("created: %+v, %v", v.Settings, err)
	}
	v, err = s.Update(t.Context(), left4me.ByUser("al"),
		left4me.Server{Name: "alpha", Settings: left4me.Settings{Map: " C5M1_Waterfront ", Mode: "Coop"}})
	if err != nil || v.Settings.Map != "c5m1_waterfront" || v.Settings.Mode != "coop" {
		t.Errorf("changed: %+v, %v", v.Settings, err)
	}
	// A row written by an older version.
	old := left4me.Server{
		Name:      "beta",
		Host:      left4me.LocalHost,
		Port:      33002,
		Blueprint: left4me.DefaultBlueprint,
		Settings:  left4me.Settings{Map: "C1M1_Hotel"},
	}
	if err := s.store.Servers().Create(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if sp, _, err := s.Spec(t.Context(), "beta"); err != nil || sp.Settings.Map != "c1m1_hotel" {
		t.Errorf("Spec has map %q, %v", sp.Settings.Map, err)
	}
}

func TestMissingFirstMapIsReported(t *testing.T) {
	s := newSite(t)
	campaigns := append(left4me.OfficialCampaigns(), left4me.Campaign{
		ID: "P", Overlay: "maps", Modes: map[string][]left4me.Chapter{"coop": {{Number: 1, Map: "pn_m1"}}},
	})
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbCampaigns: func(data []byte) (any, error) {
			var r bus.StackRequest
			if err := json.Unmarshal(data, &r); err != nil {
				return nil, err
			}
			if len(r.Spec.Overlays) == 0 {
				return campaigns[:len(campaigns)-1], nil
			}
			return campaigns, nil
		},
	})
	maps := []left4me.OverlayRef{{Name: "maps"}}
	for i, c := range []struct {
		name  left4me.Name
		first string
		stack []left4me.OverlayRef
		warn  bool
	}{
		{"game", "c8m1_apartment", nil, false},
		{"default", "", nil, false},
		{"typo", "c8m1_apartement", nil, true},
		{"overlay", "PN_m1", maps, false},
	} {
		v, err := s.Create(t.Context(), left4me.ByUser("tester"),
			left4me.Server{Name: c.name, Port: 34000 + i, Settings: left4me.Settings{Map: c.first}, Overlays: c.stack})
		if err != nil {
			t.Fatal(err)
		}
		for what, all := range map[string][]left4me.Warning{
			"server":     s.Warnings().Of(t.Context(), c.name),
			"definition": s.Warnings().OfStack(t.Context(), left4me.Settings{Map: c.first}, c.stack),
		} {
			if len(all) > 0 != c.warn {
				t.Errorf("%s of %s: %+v", what, v.Name, all)
			}
			if c.warn &&
				(all[0].Kind != left4me.WarnFirstMap || !strings.Contains(all[0].Text, c.first) ||
					!strings.Contains(all[0].Hint, "available maps: c1m1_hotel, c2m1_highway, ")) {
				t.Errorf("%s of %s: %+v", what, v.Name, all)
			}
		}
	}
}

func TestNoWarningWithoutHost(t *testing.T) {
	s := newSite(t)
	if all := s.Warnings().OfStack(t.Context(), left4me.Settings{Map: "nowhere"}, nil); len(all) > 0 {
		t.Errorf("got %+v", all)
	}
}

// A byte order mark copied along with a text is removed, whichever way the text arrives, and cannot
// hide a forbidden command.
func TestByteOrderMarksAreRemovedFromSettings(t *testing.T) {
	const bom = "\ufeff"
	s := newSite(t)
	given := left4me.Settings{
		Hostname: bom + "x", Map: bom + "c1m1_hotel", Motd: bom + "hi\n" + bom, Cfg: []string{"sv_cheats 0", bom + "sv_alltalk 1"},
		Tags: []string{bom + "a"},
		Args: []string{bom + "-tickrate"}, Admins: []left4me.Admin{{ID: bom + "STEAM_1:0:1", Flags: "z"}}, Password: bom + "secret",
		HostText: bom + "h",
	}
	want := left4me.Settings{
		Hostname: "x", Map: "c1m1_hotel", Motd: "hi\n" + bom, Cfg: []string{"sv_cheats 0", "sv_alltalk 1"}, Tags: []string{"a"},
		Args: []string{"-tickrate"}, Admins: []left4me.Admin{{ID: "STEAM_1:0:1", Flags: "z"}}, Password: "secret", HostText: "h",
	}
	v, err := s.Create(t.Context(), left4me.ByUser("tester"), left4me.Server{Name: "alpha", Settings: given})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, v.Settings); d != "" {
		t.Error(d)
	}
	if given.Cfg[1] != bom+"sv_alltalk 1" || given.Admins[0].ID != bom+"STEAM_1:0:1" {
		t.Error("the argument was modified")
	}
	if _, err := s.Update(t.Context(), left4me.ByUser("al"),
		left4me.Server{Name: "alpha", Settings: left4me.Settings{Cfg: []string{bom + "quit"}}}); !errors.Is(err, left4me.Invalid) {
		t.Error(err)
	}
	// A row written by an older version.
	old := left4me.Server{Name: "beta", Host: left4me.LocalHost, Port: 33002, Blueprint: left4me.DefaultBlueprint, Settings: given}
	if err := s.store.Servers().Create(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	sp, _, err := s.Spec(t.Context(), "beta")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, sp.Settings); d != "" {
		t.Error(d)
	}
}

func TestMisreadCfgLinesAreReported(t *testing.T) {
	s := newSite(t)
	const secret = "sv_password “secret”"
	v, err := s.Create(t.Context(), left4me.ByUser("tester"),
		left4me.Server{Name: "alpha", Settings: left4me.Settings{Cfg: []string{"sv_cheats 0", secret, "say\u00a0x"}}})
	if err != nil || v.Settings.Cfg[1] != secret {
		t.Fatalf("got %v, error %v", v.Settings, err)
	}
	all := s.Warnings().Of(t.Context(), "alpha")
	var texts []string
	for _, w := range all {
		texts = append(texts, w.Kind+" "+w.Text)
	}
	want := []string{
		"text lines for server.cfg of the server: line 2: typographic quotation marks, which the reader of this file treats as letters",
		"text lines for server.cfg of the server: line 3: unusual blanks or hidden characters, which the reader of this file treats as " +
			"letters",
	}
	if d := cmp.Diff(want, texts); d != "" {
		t.Error(d)
	}
	if got := s.Warnings().OfStack(t.Context(), left4me.Settings{Cfg: []string{secret}}, nil); len(got) != 1 ||
		!strings.Contains(got[0].Text, "of the blueprint: line 1:") {
		t.Errorf("got %+v", got)
	}
	if strings.Contains(strings.Join(texts, ""), "secret") {
		t.Error("a warning contains a password")
	}
}
