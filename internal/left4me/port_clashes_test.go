package left4me_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

func TestMorePortsIncludesSourceTV(t *testing.T) {
	for name, c := range map[string]struct {
		spec left4me.Spec
		want string
	}{
		"none":     {left4me.Spec{}, "[]"},
		"argument": {left4me.Spec{Settings: left4me.Settings{Args: []string{"+tv_enable", "1"}}}, "[SourceTV 27020]"},
		"argument in one word": {
			left4me.Spec{Settings: left4me.Settings{Args: []string{`+TV_enable "1" +tv_port 28000`}}},
			"[SourceTV 28000]",
		},
		"not wanted": {left4me.Spec{Settings: left4me.Settings{Args: []string{"+tv_enable", "1", "-nohltv"}}}, "[]"},
		"line": {left4me.Spec{
			Settings: left4me.Settings{Cfg: []string{`hostname "x; tv_enable 1"`, `tv_enable "1" ; tv_port 28001 // tv_port 5`}},
		}, "[SourceTV 28001]"},
		"line takes it back": {left4me.Spec{
			Settings: left4me.Settings{Args: []string{"+tv_enable", "1"}, Cfg: []string{"tv_enable 0"}},
		}, "[]"},
		"blueprint": {left4me.Spec{BlueprintCfg: []string{"sm_cvar tv_enable 1"}}, "[SourceTV 27020]"},
		"server over blueprint": {left4me.Spec{
			BlueprintCfg: []string{"tv_enable 1", "tv_port 1"},
			Settings:     left4me.Settings{Cfg: []string{"tv_port 28002"}},
		}, "[SourceTV 28002]"},
		"upper overlay wins": {left4me.Spec{
			Overlays:   left4me.Refs("a", "b"),
			OverlayCfg: map[left4me.Name][]string{"a": {"tv_port 28003"}, "b": {"tv_enable 1;tv_port 9"}},
		}, "[SourceTV 28003]"},
		"nonsense is the default": {
			left4me.Spec{BlueprintCfg: []string{"tv_enable 1", "tv_port x", "tv_port", "tv_", `"`, "sm_cvar"}},
			"[SourceTV 27020]",
		},
		"console over TCP": {left4me.Spec{Settings: left4me.Settings{Args: []string{"-netconport", "27099"}}}, "[-netconport 27099]"},
	} {
		got := []string{}
		for _, u := range c.spec.MorePorts() {
			got = append(got, fmt.Sprintf("%s %d", u.What, u.Port))
		}
		if text := "[" + strings.Join(got, " ") + "]"; text != c.want {
			t.Errorf("%s: %s, want %s", name, text, c.want)
		}
	}
}

func TestSourceTVTakesNextFreePort(t *testing.T) {
	tv := left4me.Settings{Cfg: []string{"tv_enable 1"}}
	plan := left4me.PlanPorts([]left4me.Spec{
		{Name: "c", Port: 27022, Settings: tv}, {Name: "a", Port: 27020, Settings: tv}, {Name: "b", Port: 27015, Settings: tv},
	})
	if got := fmt.Sprint(plan); got != "[{a SourceTV 27020 27021} {b SourceTV 27020 27020} {c SourceTV 27020 27023}]" {
		t.Errorf("got %s", got)
	}
	clashes := left4me.PortClashes([]left4me.Spec{
		{Name: "a", Port: 27015, Settings: tv},
		{Name: "b", Port: 27016, Settings: tv},
		{Name: "x", Port: 27021},
	})
	if len(clashes) != 1 || clashes[0].Server != "x" {
		t.Fatalf("got %+v", clashes)
	}
	if e := clashes[0].Refused("x", "cfg"); e.Field != "port" ||
		e.Text != "port 27021 is already used by SourceTV of b (counting up from 27020)" {
		t.Errorf("got %+v", e)
	}
	if e := clashes[0].Refused("b", "cfg"); e.Field != "cfg" ||
		e.Text != "SourceTV of b would use port 27021 (counting up from 27020), which belongs to x" ||
		!strings.Contains(e.Hint, "tv_port 28000") {
		t.Errorf("got %+v", e)
	}
}

func TestCfgWordsSplitsLikeTheGame(t *testing.T) {
	for line, want := range map[string]string{
		`sv_password"secret"`:             `[[sv_password secret]]`,
		`tv_port(27020)`:                  `[[tv_port ( 27020 )]]`,
		`a "b c"d 'e' {f}:g;"";h //i;j`:   `[[a b c d ' e ' { f } : g] [] [h]]`,
		`say "a;b//c`:                     `[[say a;b//c]]`,
		"x\u00e9":                         "[[x \xc3 \xa9]]",
		"a\tb\vc\x01d":                    "[[a b c \x01d]]",
		`sv_downloadurl http://a.example`: `[[sv_downloadurl http :]]`,
	} {
		if got := fmt.Sprint(left4me.CfgWords(line)); got != want {
			t.Errorf("CfgWords(%q) = %q, want %q", line, got, want)
		}
	}
}

func FuzzCfgWords(f *testing.F) {
	for _, s := range []string{`tv_enable "1";tv_port 27020 // x`, `"a b"c;;"`, "\t \"\" x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		for _, words := range left4me.CfgWords(line) {
			if len(words) == 0 {
				t.Errorf("%q: got a command without words", line)
			}
		}
		left4me.Spec{BlueprintCfg: []string{line}, Settings: left4me.Settings{Args: []string{line}}}.MorePorts()
	})
}
