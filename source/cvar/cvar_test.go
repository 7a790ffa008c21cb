package cvar

import (
	"strings"
	"testing"
)

func TestParseReadsVariables(t *testing.T) {
	for line, want := range map[string]Var{
		`"sv_lan" = "1" ( def. "0" ) - Server is a lan server ( no heartbeat )`: {"sv_lan", "1", "0"},
		`"mp_gamemode" = "coop" ( def. "x" ) game notify replicated - the mode`: {"mp_gamemode", "coop", "x"},
		`"sv_password" = ""`:                                      {"sv_password", "", ""},
		`  "hostname" = "a = b ( def. c)"`:                        {"hostname", "a = b ( def. c)", "a = b ( def. c)"},
		"\"sv_region\" = \"255\" min. 0.000000 max. 255.000000\r": {"sv_region", "255", "255"},
		`"cut" = "yes" ( def. "no`:                                {"cut", "yes", "yes"},
	} {
		got := Parse("noise\n" + line + "\nmore noise")
		if len(got) != 1 || got[strings.ToLower(want.Name)] != want {
			t.Errorf("%s: got %+v, want %+v", line, got, want)
		}
	}
	for _, line := range []string{
		"", `"`, `"a"`, `"a" =`, `"a" = "`, `"a b" = "c"`, `"" = "x"`, `Alice: "sv_lan" = "1"`,
		`Unknown command "sv_lan"`,
	} {
		if got := Parse(line); len(got) > 0 {
			t.Errorf("%q: got %+v, want none", line, got)
		}
	}
}

func TestParseKeepsFirstOfDuplicates(t *testing.T) {
	if v := Parse("\"SV_lan\" = \"1\"\n\"sv_lan\" = \"0\"\n")["sv_lan"]; !v.On() {
		t.Errorf("got %+v, want value 1", v)
	}
}

func TestIntConvertsLikeTheEngine(t *testing.T) {
	for value, want := range map[string]int{
		"1":           1,
		"0":           0,
		"":            0,
		"-1":          -1,
		"0.5":         0,
		"2.9":         2,
		"8abc":        8,
		"abc":         0,
		"1e99":        1,
		" 3 ":         3,
		"-":           0,
		"99999999999": 0,
	} {
		if got := (Var{Value: value}).Int(); got != want {
			t.Errorf("%q: got %d, want %d", value, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("\"sv_lan\" = \"1\" ( def. \"0\" ) - Server is a lan server\n\"sv_password\" = \"\"\n")
	f.Add("\"a\" = \"b\" ( def. \"")
	f.Fuzz(func(t *testing.T, text string) {
		for key, v := range Parse(text) {
			if key != strings.ToLower(v.Name) || key == "" || strings.Contains(v.Value, `"`) {
				t.Errorf("invalid key or value: %q: %+v", key, v)
			}
			v.Int()
		}
	})
}
