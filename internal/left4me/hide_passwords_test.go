package left4me_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

func TestHidePasswordsMasksValues(t *testing.T) {
	for text, want := range map[string]string{
		`sv_password "zoey"`:              `sv_password "(hidden)"`,
		"a 1\nrcon_password \"x y\"\nb 2": "a 1\nrcon_password \"(hidden)\"\nb 2",
		`say hi; SV_Password zoey; x`:     `say hi; SV_Password "(hidden)"; x`,
		`"tv_password" zoey`:              `"tv_password" "(hidden)"`,
		`sv_password "not closed`:         `sv_password "(hidden)"`,
		"sv_password zoey\r\nx 1\r\n":     "sv_password \"(hidden)\"\r\nx 1\r\n",

		// A word ends at a quotation mark, at {}()': and at bytes from 0x80 on.
		`sv_password"zoey"`:     `sv_password"(hidden)"`,
		`sv_password"zoey`:      `sv_password"(hidden)"`,
		`"sv_password"zoey`:     `"sv_password""(hidden)"`,
		`"sv_password""zoey"`:   `"sv_password""(hidden)"`,
		`sv_password{zoey}`:     `sv_password"(hidden)"`,
		`sv_password'zoey'`:     `sv_password"(hidden)"`,
		`sv_password(zoey)`:     `sv_password"(hidden)"`,
		`sv_password:zoey`:      `sv_password:"(hidden)"`,
		"sv_password\u00fczoey": `sv_password"(hidden)"`,
		"sv_password\x01zoey":   `sv_password"(hidden)"`,
		"sv_password\vzoey":     "sv_password\v\"(hidden)\"",

		// The rest of the command is the value.
		`sv_password zoey is here; x`:       `sv_password "(hidden)"; x`,
		`sv_password "a"b"c"; x`:            `sv_password "(hidden)"; x`,
		`sv_password "a;b"; x "c;d"`:        `sv_password "(hidden)"; x "c;d"`,
		`sv_password "a//b" // how to join`: `sv_password "(hidden)" // how to join`,
		`sv_password zo//ey`:                `sv_password "(hidden)"`,
		`sv_password "zoey"// how`:          `sv_password "(hidden)"// how`,
		`sv_password ""`:                    `sv_password "(hidden)"`,

		// Passwords in other commands, in comments, and with the punctuation of other formats.
		`sm_cvar sv_password zoey`:             `sm_cvar sv_password "(hidden)"`,
		`alias p "sv_password zoey; x"; y`:     `alias p "sv_password (hidden)"; y`,
		`// sv_password "zoey"`:                `// sv_password "(hidden)"`,
		`x 1 //sv_password zoey ; tv_password`: `x 1 //sv_password "(hidden)" ; tv_password`,
		`sv_password=zoey`:                     `sv_password="(hidden)"`,
		`sv_password,zoey`:                     `sv_password"(hidden)"`,
		`password zoey`:                        `password "(hidden)"`,
		`tv_relaypassword x;sv_logsecret 12`:   `tv_relaypassword "(hidden)";sv_logsecret "(hidden)"`,
		`sv_setsteamaccount 0A1B`:              `sv_setsteamaccount "(hidden)"`,
		`sm_vip_password zoey`:                 `sm_vip_password "(hidden)"`,

		// Text without passwords is unchanged.
		"hostname \"no password\"\nsv_password\n":       "hostname \"no password\"\nsv_password\n",
		`sv_password ;say "x"`:                          `sv_password ;say "x"`,
		`"sv_password"; say x`:                          `"sv_password"; say x`,
		`sv_password_hint x; sm_secret_level 1; bind a`: `sv_password_hint x; sm_secret_level 1; bind a`,
		`hostname "secret lair"`:                        `hostname "secret lair"`,
		`hostname my password party`:                    `hostname my password party`,
		"":                                              "",
	} {
		if got := left4me.HidePasswords(text); got != want {
			t.Errorf("HidePasswords(%q)\n  = %q\nwant %q", text, got, want)
		}
	}
}

// A console prints the typed commands, the values of variables, and quoted commands.
func TestHideSecretsMasksConsoleOutput(t *testing.T) {
	for text, want := range map[string]string{
		`sv_password zoey`: `sv_password "(hidden)"`,
		`"sv_password" = "zoey;rock" ( def. "" ) notify - Server password`: `"sv_password" = "(hidden)"`,
		`L 11/24/2026 - 00:05:01: rcon from "127.0.0.1:4": command "say "a"; sv_password "b;c""` +
			"\nx": `L 11/24/2026 - 00:05:01: rcon from "127.0.0.1:4": command "say "a"; sv_password (hidden)"` + "\nx",
		`Unknown command "sv_password,zoey"`:    `Unknown command "sv_password(hidden)"`,
		`FAILED login: Invalid Password`:        `FAILED login: Invalid Password`,
		`http://x/?a=1 db_password=zoey;host=y`: `http://x/?a=1 db_password="(hidden)"`,
	} {
		if got := left4me.HideSecrets(text); got != want {
			t.Errorf("HideSecrets(%q)\n  = %q\nwant %q", text, got, want)
		}
	}
}

func TestHideBothMarksChangedPasswords(t *testing.T) {
	was, will := left4me.HideBoth("sv_password \"a\"\nrcon_password \"1\"\n", "sv_password\"b\"\nrcon_password \"2\"\n")
	if was != "sv_password \"(hidden)\"\nrcon_password \"(hidden)\"\n" ||
		will != "sv_password\"(hidden, another one)\"\nrcon_password \"(hidden)\"\n" {
		t.Errorf("got %q, %q", was, will)
	}
	if was, will := left4me.HideBoth("rcon_password \"1\"\n", "rcon_password \"2\"\n"); was != will {
		t.Errorf("got %q, %q", was, will)
	}
	if was, will := left4me.HideBoth("sv_password a\nrcon_password 1\n", "sv_password a\nrcon_password 2\n"); was != will {
		t.Errorf("got %q, %q", was, will)
	}
	if was, will := left4me.HideBoth("sv_password zoey", "sv_password \"zoey\""); was != will {
		t.Errorf("got %q, %q", was, will)
	}
}

func TestPublicSettingsHideSecrets(t *testing.T) {
	s := left4me.Settings{
		Password: "zoey", Cfg: []string{"sv_password zoey", `sv_password"zoey"`},
		Args: []string{
			"+sv_password", "zoey", "and zoey", "-5zoey", "-x", "y", `+sv_password"zoey"`, "+exec a +tv_password", "zoey",
			"-netconpassword", "zoey", "+z", "1",
		},
	}
	p := s.Public()
	if all := strings.Join(append(p.Cfg, append(p.Args, p.Password)...), " "); strings.Contains(all, "zoey") || s.Args[1] != "zoey" {
		t.Errorf("%s; %+v", all, s)
	}
	want := []string{
		"+sv_password", "(hidden)", "(hidden)", "(hidden)", "-x", "y", `+sv_password"(hidden)"`, "+exec a +tv_password",
		"(hidden)", "-netconpassword", "(hidden)", "+z", "1",
	}
	if !slices.Equal(p.Args, want) {
		t.Errorf("got %q", p.Args)
	}
	if o := (left4me.Overlay{Cfg: []string{`sv_password"zoey"`}}).Public(); strings.Contains(o.Cfg[0], "zoey") {
		t.Errorf("got %+v", o)
	}
}

// After masking, the game's own parsing must find "(hidden)" as the value of each password and all
// other commands unchanged.
func FuzzHidePasswords(f *testing.F) {
	for _, s := range []string{
		`sv_password"zoey";sv_cheats 1`, `alias p "sv_password zoey; x"; y`, `x//sv_password "a;b" c`, `"sv_password" = "zoey" ( def. "" )`,
		"sv_password{a}\nrcon_password \"b", `sv_password a//b`, "sm_cvar\vSV_PASSWORD\u00fc1\r\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := left4me.HidePasswords(text)
		if again := left4me.HidePasswords(got); again != got {
			t.Errorf("%q became %q, and that %q", text, got, again)
		}
		before, after := slices.Collect(strings.Lines(text)), slices.Collect(strings.Lines(got))
		if len(before) != len(after) {
			t.Fatalf("%q became %q", text, got)
		}
		for i := range before {
			for _, words := range left4me.CfgWords(after[i]) {
				if strings.EqualFold(words[0], "sv_password") && len(words) > 1 && words[len(words)-1] != "(hidden)" {
					t.Errorf("%q became %q: %q", text, got, words)
				}
			}
			if !strings.Contains(after[i], "(hidden)") && after[i] != before[i] {
				t.Errorf("%q became %q", before[i], after[i])
			}
		}
		left4me.HideSecrets(text)
	})
}

func TestWithoutPasswordsRemovesLinesAndArguments(t *testing.T) {
	s := left4me.Settings{
		Hostname: "Harbour", Password: "secret",
		Cfg:  []string{"sv_alltalk 1", `rcon_password "x"; sv_cheats 1`, "exec more.cfg"},
		Args: []string{"+sv_lan", "0", "+sv_password", "a", "b", "-tickrate", "60", "+rcon_password=x"},
	}
	want := left4me.Settings{
		Hostname: "Harbour", Cfg: []string{"sv_alltalk 1", "exec more.cfg"}, Args: []string{"+sv_lan", "0", "-tickrate", "60"},
	}
	got, had := s.WithoutPasswords()
	if !reflect.DeepEqual(want, got) || !had {
		t.Errorf("had passwords: %v, %+v, want %+v", had, got, want)
	}
	if _, had := got.WithoutPasswords(); had {
		t.Error("settings without passwords are said to have some")
	}
	if len(s.Cfg) != 3 || s.Cfg[1] == "" {
		t.Errorf("the original was changed: %q", s.Cfg)
	}
}
