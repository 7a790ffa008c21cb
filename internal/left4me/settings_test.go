package left4me_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/left4me"
)

// full returns settings with a value in every field.
func full(t *testing.T) left4me.Settings {
	t.Helper()
	var s left4me.Settings
	for _, i := range left4me.SettingInfos() {
		if err := i.Set(&s, i.Example); err != nil {
			t.Fatalf("the example of %s: %v", i.Key, err)
		}
	}
	return s
}

func TestSettingInfosCoverAllFields(t *testing.T) {
	b, err := json.Marshal(full(t))
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(b, &fields); err != nil {
		t.Fatal(err)
	}
	flags := []string{}
	for _, i := range left4me.SettingInfos() {
		if _, ok := fields[i.Key]; !ok {
			t.Errorf("%s is not a field of Settings, or its example is empty", i.Key)
		}
		delete(fields, i.Key)
		if i.Group == "" || i.Label == "" || i.Help == "" || i.Default == "" || i.Sets == "" || slices.Contains(flags, i.Flag) {
			t.Errorf("%s lacks a text, or another setting has the same flag: %+v", i.Key, i)
		}
		flags = append(flags, i.Flag)
	}
	for name := range fields {
		if name != "" {
			t.Errorf("setting %s has no description", name)
		}
	}
}

func TestSettingInfoGetSetRoundTrip(t *testing.T) {
	want := full(t)
	want.Tags = []string{"a", "b"}
	want.Admins = []left4me.Admin{{ID: "STEAM_1:0:5", Group: "Full Admins"}, {ID: "[U:1:7]", Flags: "z", Note: "one # two"}}
	off := false
	want.LobbyOnly = &off
	var got left4me.Settings
	for _, i := range left4me.SettingInfos() {
		if err := i.Set(&got, i.Get(want)...); err != nil {
			t.Errorf("%s: %v", i.Key, err)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, i := range left4me.SettingInfos() {
		if err := i.Set(&got, ""); err != nil || i.Get(got) != nil {
			t.Errorf("%s cannot be unset: %v, %q", i.Key, err, i.Get(got))
		}
	}
	for key, bad := range map[string][]string{
		"max_players": {"many"},
		"tick":        {"0"},
		"lobby_only":  {"perhaps"},
		"hostname":    {"a", "b"},
		"admins":      {"STEAM_1:0:5 z", "# nobody"},
	} {
		i, _ := left4me.SettingOf(key)
		e, ok := left4me.Public(i.Set(&left4me.Settings{}, bad...))
		if !ok || e.Kind != left4me.Invalid || !strings.HasPrefix(e.Field, "settings."+key) {
			t.Errorf("%s %q: %v", key, bad, e)
		}
	}
}

// Switches and lists of a server override those of its blueprint.
func TestSettingsOverSwitchesAndLists(t *testing.T) {
	on, off := true, false
	base := left4me.Settings{
		LobbyOnly: &on, SteamGroupOnly: &on, Tags: []string{"a", "b"}, HostText: "text", Args: []string{"-a", "1"},
		Admins: []left4me.Admin{{ID: "STEAM_1:1:5", Flags: "z"}, {ID: "STEAM_1:0:6", Flags: "b"}},
	}
	own := left4me.Settings{
		LobbyOnly: &off, Tags: []string{"b", "c"}, Banner: "https://example.org", Args: []string{"-b", "1"},
		Admins: []left4me.Admin{{ID: "[U:1:11]", Group: "Mods"}},
	}
	want := left4me.Settings{
		LobbyOnly: &off, SteamGroupOnly: &on, Tags: []string{"a", "b", "c"}, Banner: "https://example.org",
		Args:   []string{"-a", "1", "-b", "1"},
		Admins: []left4me.Admin{{ID: "[U:1:11]", Group: "Mods"}, {ID: "STEAM_1:0:6", Flags: "b"}},
	}
	if d := cmp.Diff(want, own.Over(base)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(base, left4me.Settings{}.Over(base)); d != "" {
		t.Errorf("empty settings changed the blueprint's:\n%s", d)
	}
}

func TestParseSteamID(t *testing.T) {
	for text, want := range map[string]string{
		"STEAM_1:0:123": "STEAM_1:0:123", "STEAM_0:1:123": "STEAM_1:1:123", "[U:1:246]": "STEAM_1:0:123",
		"76561197960265974": "STEAM_1:0:123",
		"https://steamcommunity.com/profiles/76561197960265975/": "STEAM_1:1:123", "STEAM_1:1:2147483647": "STEAM_1:1:2147483647",
		" [U:1:1] ": "STEAM_1:1:0",
	} {
		if got, err := left4me.ParseSteamID(text); err != nil || got.String() != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, bad := range []string{
		"", "STEAM_", "STEAM_1:0:0", "STEAM_2:0:1", "STEAM_1:2:1", "STEAM_1:0:2147483648", "STEAM_1:0:-1", "STEAM_1:0:1:1", "[U:1:0]",
		"[U:1:1", "[U:1:4294967296]",
		"[G:1:5]", "76561197960265728", "76561202255233025", "123", "https://steamcommunity.com/id/gabe", "STEAM_1:0:1\"", "STEAM_1:0:1 ",
		"٣",
	} {
		if got, err := left4me.ParseSteamID(bad); err == nil && bad != "STEAM_1:0:1 " {
			t.Errorf("%q is %s", bad, got)
		}
	}
}

func FuzzParseSteamID(f *testing.F) {
	f.Add("STEAM_1:0:123")
	f.Add("[U:1:246]")
	f.Add("76561197960265974")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := left4me.ParseSteamID(s)
		if err != nil {
			return
		}
		if again, err := left4me.ParseSteamID(a.String()); err != nil || again != a || a == 0 {
			t.Errorf("%q: %d, %d, %v", s, a, again, err)
		}
	})
}

func TestCfgCommandsListsCommandsOfLine(t *testing.T) {
	for line, want := range map[string]string{
		"": "", "// quit": "", "sv_cheats 1": "sv_cheats", ` "quit" ; say "a;quit//x" ;exit//x;y`: "quit say exit", "a b;\tc": "a c",
		`"rcon_password`: "rcon_password", `rcon_password"x"`: "rcon_password", ";;": "", "rcon_password(x)": "rcon_password",
		// Words end as in the game's own tokenizer.
		"rcon_password{x}": "rcon_password", "rcon_password:x": "rcon_password", "rcon_password'x'": "rcon_password", "(quit)": "(",
		"quit\u00e9": "quit", "quit\x01": "quit", "quit,": "quit,", "\vquit\f": "quit", `"" quit`: "", `""quit;exit`: "exit",
		"a\nb;quit": "a",
	} {
		if got := strings.Join(left4me.CfgCommands(line), " "); got != want {
			t.Errorf("CfgCommands(%q) = %q, want %q", line, got, want)
		}
	}
}

func TestCutQuitParsesLinesLikeTheGame(t *testing.T) {
	for line, want := range map[string]string{
		"quit": "", "EXIT": "", ` "Quit" ;`: "", "quit prompt": "", ";;exit//": "", "say hi; quit; say ho": "say hi",
		`say "a;b" ;	exit`: `say "a;b"`,
	} {
		if before, found := left4me.CutQuit(line); !found || before != want {
			t.Errorf("%q: %q, %v", line, before, found)
		}
	}
	for _, line := range []string{
		"", "_restart", "say quit", `say "; quit"`, "// quit", "say x // ; quit", "quitter", "sm_quit",
		"killserver", `"say; exit"`,
	} {
		if before, found := left4me.CutQuit(line); found || before != line {
			t.Errorf("%q: %q, %v", line, before, found)
		}
	}
}
