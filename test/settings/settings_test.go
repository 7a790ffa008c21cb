package settings

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

const secret = "KEEPME"

// hostile lists values that try to inject commands, variables or arguments.
var hostile = []string{
	"plain", "Überfall 🧟", `x"; quit; "`, `x" ; rcon_password "mine`, "x\nrcon_password mine", "x\r\nquit", "x;quit", "x//y",
	"// x", `\"; quit`, "x\x00quit", "\xff\xfe\"", "\xc0\xa2", "x\u2028quit", "x\u0085quit", "x\vquit", "x\tquit", `"`, `""`, " ", ";",
	"//",
	"-port", "+quit", "+map c1m1", "x +rcon_password y", "../../etc/passwd", strings.Repeat("A", 600), "https://example.org/;quit",
	"https://example.org/\"quit",
	"'; quit '", "$(quit)", "`quit`", "%s%n", "{quit}", "0", "-1", "99:z", "@Full Admins", "STEAM_1:0:123", "[U:1:246]",
	"103582791429521409", "europe", "Hard", "on",
}

// each puts the same value into every setting that can hold it.
func each(value string, n int, b bool) left4me.Settings {
	return left4me.Settings{
		Hostname: value, Map: value, Mode: value, Difficulty: value, MaxPlayers: n, Tick: n, Region: value,
		SteamGroups: []string{value}, SteamGroupOnly: &b, LobbyOnly: &b, Password: value, Tags: []string{value, "x"},
		Motd: value, HostText: value, Banner: value,
		Admins: []left4me.Admin{
			{ID: value, Flags: value, Group: value, Note: value},
			{ID: "STEAM_1:1:7", Flags: value, Note: value},
			{ID: "STEAM_1:1:8", Group: value, Note: value},
		},
	}
}

// single returns one Settings for each setting of all, with only that setting.
func single(all left4me.Settings) []left4me.Settings {
	var out []left4me.Settings
	for _, i := range left4me.SettingInfos() {
		var s left4me.Settings
		switch i.Key {
		case "admins": // some of these have no text form
			for _, a := range all.Admins {
				out = append(out, left4me.Settings{Admins: []left4me.Admin{a}})
			}
			continue
		case "steam_groups":
			s.SteamGroups = all.SteamGroups
		case "tags":
			s.Tags = all.Tags
		case "cfg", "args":
			continue
		default:
			if i.Set(&s, i.Get(all)...) != nil {
				continue
			}
		}
		out = append(out, s)
	}
	return out
}

// intended returns the variables that settings must set; no other may be set.
func intended(s left4me.Settings) map[string]string {
	want := map[string]string{"rcon_password": secret, "sv_allow_lobby_connect_only": "0"}
	say := func(name, value string) {
		if value != "" {
			want[name] = value
		}
	}
	say("hostname", s.Hostname)
	say("mp_gamemode", s.Mode)
	say("z_difficulty", s.Difficulty)
	say("sv_region",
		map[string]string{
			"us-east":       "0",
			"us-west":       "1",
			"south-america": "2",
			"europe":        "3",
			"asia":          "4",
			"australia":     "5",
			"middle-east":   "6",
			"africa":        "7",
			"world":         "255",
		}[s.Region])
	var groups []string
	for _, g := range s.SteamGroups {
		n, _ := strconv.ParseUint(g, 10, 64)
		groups = append(groups, fmt.Sprint(n&(1<<32-1)))
	}
	say("sv_steamgroup", strings.Join(groups, ","))
	say("sv_password", s.Password)
	say("sv_tags", strings.Join(s.Tags, ","))
	number := map[bool]string{false: "0", true: "1"}
	if s.SteamGroupOnly != nil {
		want["sv_steamgroup_exclusive"] = number[*s.SteamGroupOnly]
	}
	if s.LobbyOnly != nil {
		want["sv_allow_lobby_connect_only"] = number[*s.LobbyOnly]
	}
	if s.Tick > 0 {
		want["sv_minrate"], want["sv_maxrate"], want["net_splitpacket_maxrate"] = fmt.Sprint(s.Tick*1000), fmt.Sprint(
			s.Tick*1000), fmt.Sprint(s.Tick*500)
		for _, r := range []string{"sv_mincmdrate", "sv_maxcmdrate", "sv_minupdaterate", "sv_maxupdaterate"} {
			want[r] = fmt.Sprint(s.Tick)
		}
		if s.Tick > 30 {
			want["fps_max"] = "0"
		}
	}
	if s.Motd != "" {
		want["motdfile"] = "left4me_motd.txt"
	}
	if s.Hostname+s.HostText+s.Banner != "" {
		want["hostfile"] = "left4me_host.txt"
	}
	return want
}

// written returns the files of a server with these settings.
func written(s left4me.Settings) map[string]string {
	return instance.Config(left4me.Spec{Name: "alpha", Port: 27015, Settings: s}, instance.Lower{}, secret)
}

func wantOnlyIntended(t *testing.T, s left4me.Settings) {
	t.Helper()
	files := written(s)
	if d := cmp.Diff(intended(s), read(files["left4dead2/cfg/server.cfg"])); d != "" {
		t.Errorf("%+v\n%s\n%s", s, d, files["left4dead2/cfg/server.cfg"])
	}
	args := instance.Args(left4me.Spec{Settings: s})
	if n := slices.IndexFunc(args[1:], func(a string) bool { return strings.ContainsAny(a, "\" ;\n\r\x00") }); n >= 0 {
		t.Errorf("an argument was split: %q", args)
	}
	for name := range files {
		if !strings.HasPrefix(name, "left4dead2/") || strings.Contains(name, "..") {
			t.Errorf("a file outside the expected places: %q", name)
		}
	}
	ini := files["left4dead2/addons/sourcemod/configs/admins_simple.ini"]
	admins := 0
	for line := range strings.Lines(ini) {
		if !strings.HasPrefix(line, "//") {
			admins++
			if strings.Count(line, `"`) != 4 || !strings.HasPrefix(line, `"STEAM_1:`) || !strings.HasSuffix(line, "\"\n") {
				t.Errorf("not a line of an admin: %q", line)
			}
		}
	}
	if admins != len(s.Admins) {
		t.Errorf("got %[2]d admins, want %[1]d:\n%[3]s", len(s.Admins), admins, ini)
	}
}

func TestSettingsSetOnlyIntendedVariables(t *testing.T) {
	taken := 0
	for _, v := range hostile {
		for _, n := range []int{0, 1, 30, 128, 1000} {
			for _, s := range single(each(v, n, n == 30)) {
				if servers.CheckSettings(s) == nil {
					taken++
					wantOnlyIntended(t, s)
				}
			}
		}
	}
	if taken < 100 {
		t.Errorf("control accepted only %d settings: the test checks too little", taken)
	}
}

// FuzzSettings checks the same for arbitrary values, also for all settings together.
func FuzzSettings(f *testing.F) {
	for i, v := range hostile {
		f.Add(v, i*7, i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, v string, n int, b bool) {
		all := each(v, n, b)
		for _, s := range append(single(all), all) {
			if servers.CheckSettings(s) == nil {
				wantOnlyIntended(t, s)
			}
		}
	})
}

// FuzzUncheckedSettings covers settings that bypassed the check, for example from a database that
// was edited by hand or by another left4me: each sets no variable but its own.
func FuzzUncheckedSettings(f *testing.F) {
	for i, v := range hostile {
		f.Add(v, i*7, i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, v string, n int, b bool) {
		s := each(v, n, b)
		own := slices.Sorted(maps.Keys(intended(left4me.Settings{
			Hostname: "x", Mode: "x", Difficulty: "Hard", Region: "asia", SteamGroups: []string{"1"}, SteamGroupOnly: &b, LobbyOnly: &b,
			Password: "x", Tags: []string{"x"}, Motd: "x", HostText: "x", Tick: 60,
		})))
		got := read(written(s)["left4dead2/cfg/server.cfg"])
		for name := range got {
			if !slices.Contains(own, name) {
				t.Errorf("the unintended variable %q was set", name)
			}
		}
		if got["rcon_password"] != secret {
			t.Errorf("left4me does not know the RCON password: %q", got["rcon_password"])
		}
	})
}

// FuzzRawLines checks raw cfg lines: they may set anything, but each stays one line, none takes the
// server out of left4me's control, and left4me's own lines come last.
func FuzzRawLines(f *testing.F) {
	for _, v := range hostile {
		f.Add("sv_cheats 1", v)
		f.Add(v, `rcon_password "x`)
		f.Add(`say "`+v, "sv_alltalk 1")
	}
	f.Add(`"RCON_Password" x`, "sv_rcon_banpenalty 9; quit")
	f.Add("rcon_password'x'", "logaddress_delall")
	f.Fuzz(func(t *testing.T, a, b string) {
		spec := left4me.Spec{
			Name: "alpha", Overlays: left4me.Refs("maps"), OverlayCfg: map[left4me.Name][]string{"maps": {a}},
			BlueprintCfg: []string{b}, Settings: left4me.Settings{Cfg: []string{a, b}},
		}
		cfg := instance.Config(spec, instance.Lower{}, secret)["left4dead2/cfg/server.cfg"]
		got := read(cfg)
		if got["rcon_password"] != secret {
			t.Errorf("left4me does not know the RCON password: %q", cfg)
		}
		for _, no := range []string{"quit", "exit", "hostport", "logaddress_delall", "sv_rcon_banpenalty"} {
			if _, set := got[no]; set {
				t.Errorf("a raw line set %s: %q", no, cfg)
			}
		}
		// The number of newlines is fixed, so no line may become two.
		if a != "" && b != "" && strings.Count(cfg, "\n") != 12 {
			t.Errorf("got %d lines, want 12: %q", strings.Count(cfg, "\n"), cfg)
		}
		if err := servers.CheckCfg("cfg", []string{a}); err == nil {
			if _, why := left4me.CfgTaken(a); why != nil {
				t.Errorf("control accepted %q: %s", a, why)
			}
		}
	})
}
