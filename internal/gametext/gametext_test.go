package gametext_test

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/gametext"
)

var every = []gametext.Fix{gametext.Encoding, gametext.Characters, gametext.Identities}

func wide(text string, order binary.AppendByteOrder) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

func shown(all []gametext.Finding) []string {
	out := []string{}
	for _, f := range all {
		out = append(out, fmt.Sprintf("%s|%s", f.Fix, f))
	}
	return out
}

func TestReaderOfDependsOnPath(t *testing.T) {
	for name, want := range map[string]gametext.Reader{
		"left4dead2/cfg/server.cfg":                                 gametext.Commands,
		"left4dead2/CFG/Sub/Server.CFG":                             gametext.Commands,
		"left4dead2/cfg/stripper/zonemod/maps/c1m1_hotel.cfg":       gametext.Settings,
		"left4dead2_dlc3/cfg/x.cfg":                                 gametext.Commands,
		"left4dead2/cfg/cfgogl/x/mapinfo.txt":                       gametext.Lines,
		"left4dead2/addons/sourcemod/configs/admins_simple.ini":     gametext.Admins,
		"left4dead2/addons/sourcemod/configs/core.cfg":              gametext.Settings,
		"left4dead2/addons/sourcemod/configs/geoip/x.ini":           gametext.Settings,
		"left4dead2/addons/sourcemod/translations/de/x.phrases.txt": gametext.Settings,
		"left4dead2/addons/sourcemod/gamedata/x.txt":                gametext.Settings,
		"left4dead2/addons/sourcemod/LICENSE.txt":                   gametext.Unread,
		"left4dead2/addons/metamod/metaplugins.ini":                 gametext.Settings,
		"left4dead2/addons/metamod.vdf":                             gametext.KeyValues,
		"left4dead2/missions/m.txt":                                 gametext.KeyValues,
		"left4dead2/gameinfo.txt":                                   gametext.KeyValues,
		"left4dead2/scripts/vscripts/a.nut":                         gametext.Script,
		"left4dead2/motd.txt":                                       gametext.Lines,
		"left4dead2/resource/left4dead2_english.txt":                gametext.Unread, // the client expects UTF-16
		"left4dead2/resource/closecaption_english.txt":              gametext.Unread,
		"left4dead2/addons/readme.txt":                              gametext.Unread,
		"left4dead2/addons/sourcemod/scripting/x.sp":                gametext.Unread,
		"left4dead2/maps/x.bsp":                                     gametext.Unread,
		"bin/x.cfg":                                                 gametext.Unread,
		"server.cfg":                                                gametext.Unread,
		"left4dead2":                                                gametext.Unread,
	} {
		if got := gametext.ReaderOf(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

const bom = "\ufeff"

// findings are texts with their problems and the expected result of the repair.
var findings = []struct {
	name   string
	reader gametext.Reader
	text   string
	want   []string
	fixed  string
}{
	{"a plain cfg", gametext.Commands, "// “x”\nhostname \"“My” 5” pipe’s\"\r\nsay “\nsv_cheats 0", nil, ""},
	{
		"a byte order mark", gametext.Commands, bom + "sv_alltalk 1\r\nsv_cheats 0\r\n",
		[]string{"encoding|the file begins with a byte order mark: the game takes the mark for a part of the first command and does not " +
			"run it"},
		"sv_alltalk 1\r\nsv_cheats 0\r\n",
	},
	{
		"UTF-16", gametext.Commands, wide(bom+"hostname \"Überfall 你好 🧟\"\r\n", binary.LittleEndian),
		[]string{"encoding|the file is UTF-16: the game runs no command of the file"},
		"hostname \"Überfall 你好 🧟\"\r\n",
	},
	{
		"UTF-16, big end first", gametext.Settings, wide(bom+"\"Core\" { }", binary.BigEndian),
		[]string{"encoding|the file is UTF-16: SourceMod and its plugins cannot read the file"},
		"\"Core\" { }",
	},
	{
		"UTF-16 without a mark", gametext.KeyValues, wide("\"Plugin\" { }\n", binary.LittleEndian),
		[]string{"encoding|the file is UTF-16: the game reads nothing from the file"},
		"\"Plugin\" { }\n",
	},
	{
		"half a unit", gametext.Commands, wide(bom+"sv_cheats 0", binary.LittleEndian) + "x",
		[]string{"|the file is damaged UTF-16: the game runs no command of the file"},
		"",
	},
	{
		"half a pair", gametext.Commands, "\xff\xfea\x00\x3d\xd8b\x00",
		[]string{"|the file is damaged UTF-16: the game runs no command of the file"},
		"",
	},
	{"no text", gametext.Commands, "\x01\x00\x02\x00\x03\x00\x04\x00\x05\x00", nil, ""},
	{"an old encoding", gametext.Commands, "hostname \"\xc4rger\"\n", nil, ""},
	{
		"two marks", gametext.Lines, bom + bom + "x",
		[]string{"encoding|the file begins with a byte order mark: the mark becomes a part of the first line"},
		"x",
	},
	{
		"typographic quotation marks", gametext.Commands,
		"hostname “My; server”\nsv_tags \"hidden”\nalias x ”say hi„;exec „y“ // “\nsm_cvar a \"“b”\"",
		[]string{"characters|lines 1, 2, 3: typographic quotation marks, which the reader of this file treats as letters"},
		"hostname \"My; server\"\nsv_tags \"hidden\"\nalias x \"say hi\";exec \"y\" // “\nsm_cvar a \"“b”\"",
	},
	{
		"blanks that are none", gametext.Commands,
		"\u00a0sv_cheats\u00a00\nhostname 我的\u3000服\nexec a.cfg\u00a0\nsay a\u00a0b\nx;\u200bmp_y\u2003 1",
		[]string{"characters|lines 1, 3, 5: unusual blanks or hidden characters, which the reader of this file treats as letters"},
		" sv_cheats 0\nhostname 我的\u3000服\nexec a.cfg \nsay a\u00a0b\nx;mp_y  1",
	},
	{
		"a mark in the middle", gametext.Commands, "sv_cheats 0\n" + bom + "sv_alltalk 1\n",
		[]string{"characters|line 2: unusual blanks or hidden characters, which the reader of this file treats as letters"},
		"sv_cheats 0\nsv_alltalk 1\n",
	},
	{
		"stripper beside commands", gametext.Commands, "add:\n{\n\"targetname\" “x”\n\"a\" \"" + strings.Repeat("x", 600) + "\"\n}\n",
		[]string{"characters|line 3: typographic quotation marks, which the reader of this file treats as letters"},
		"add:\n{\n\"targetname\" \"x\"\n\"a\" \"" + strings.Repeat("x", 600) + "\"\n}\n",
	},
	{
		"long commands", gametext.Commands,
		strings.Repeat("a;", 400) + "\n// " + strings.Repeat("x", 600) + "\nsay \"" + strings.Repeat(";", 505) + "\"\nsay " +
			strings.Repeat("x", 506) + "\nsay 1 // " + strings.Repeat("x", 600),
		[]string{"|line 3: a command of more than 510 bytes, which the game skips together with the commands after it"},
		"",
	},
	{
		"settings", gametext.Settings, "/* “a” */ “Databases” // “b”\n{\n\u00a0“default”\t\"“c”\\\"\n“\" ; “d”\n}",
		[]string{
			"characters|lines 1, 3: typographic quotation marks, which the reader of this file treats as letters",
			"characters|line 3: unusual blanks or hidden characters, which the reader of this file treats as letters",
		},
		"/* “a” */ \"Databases\" // “b”\n{\n \"default\"\t\"“c”\\\"\n“\" ; “d”\n}",
	},
	{"settings whose strings aren't closed", gametext.Settings, "\"a\n“b” \"c\"", nil, ""},
	{
		"a script", gametext.Script, bom + "print(\"“x”\")",
		[]string{"encoding|the file begins with a byte order mark: the game compiles scripts from memory and stops at the mark with an " +
			"error"},
		"print(\"“x”\")",
	},
}

func TestFindingsAndRepairs(t *testing.T) {
	for _, c := range findings {
		found := gametext.Check(c.reader, []byte(c.text))
		if d := cmp.Diff(append([]string{}, c.want...), shown(found)); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
		got, done := gametext.Repair(c.reader, []byte(c.text), every...)
		want := c.fixed
		if want == "" {
			want = c.text
		}
		if d := cmp.Diff(want, string(got)); d != "" || (len(done) > 0) != (c.fixed != "") {
			t.Errorf("%s: %v %s", c.name, done, d)
		}
	}
}

// How SourceMod treats an identity: admin-simple.sp distinguishes Steam ID, address and name;
// AdminCache.cpp cuts off STEAM_1: and compares the rest.
func TestSteamIDsInAdminsFileAreChecked(t *testing.T) {
	for _, c := range []struct{ line, problem, fixed string }{
		{`"STEAM_1:0:4" "@Full Admins"`, "", ""},
		{`STEAM_0:1:16 bce // generic`, "", ""},
		{`"[U:1:246]" "99:z"`, "before 1.7", `"STEAM_1:0:123" "99:z"`},
		{`"!127.0.0.1" "99:z"`, "", ""},
		{`"BAILOPAN" "abc" "Gab3n"`, "", ""},
		{`"Some Name" "z"`, "", ""},
		{`"42" "z"`, "", ""},
		{`; "76561198000000001" "z"`, "", ""},
		{`// "76561198000000001" "z"`, "", ""},
		{`"76561198000000001" "99:z"`, "player name", `"STEAM_1:1:19867136" "99:z"`},
		{"\t76561198000000001\t99:z ; x", "player name", "\t\"STEAM_1:1:19867136\"\t99:z ; x"},
		{`"steam_1:0:5" "z"`, "player name", `"STEAM_1:0:5" "z"`},
		{`"[u:1:10]" "z"`, "player name", `"STEAM_1:0:5" "z"`},
		{`"[U:1:10" "z"`, "player name", `"STEAM_1:0:5" "z"`},
		{`U:1:11 z`, "player name", `"STEAM_1:1:5" z`},
		{`"https://steamcommunity.com/profiles/76561198000000001/" "z"`, "player name", `"STEAM_1:1:19867136" "z"`},
		{`"https://steamcommunity.com/id/gaben" "z"`, "player name", ""},
		{`"76561190000000001" "z"`, "player name", ""},
		{`"STEAM_1:5:5" "z"`, "no player has", ""},
		{`"STEAM_1:0:05" "z"`, "no player has", `"STEAM_1:0:5" "z"`},
		{`"STEAM_1:0:99999999999" "z"`, "no player has", ""},
		{`"STEAM_10:0:4" "z"`, "no player has", ""},
		{`"STEAM_1:0:4 " "z"`, "no player has", `"STEAM_1:0:4" "z"`},
		{`"0:5" "z"`, "no player has", `"STEAM_1:0:5" "z"`},
		{`"[U:1:0]" "z"`, "no player has", ""},
		{`"STEAM_3:0:4" "z"`, "0 or 1", `"STEAM_1:0:4" "z"`},
		{`“STEAM_1:0:12” “z”`, "typographic", `"STEAM_1:0:12" "z"`},
		{`"STEAM_1:0:12” “z"`, "no rights", ""},
		{"\"STEAM_1:0:4\"\u00a0\"z\"", "blanks", `"STEAM_1:0:4" "z"`},
		{`"STEAM_1:0:5"`, "no rights", ""},
		{`"STEAM_1:0:5 "z"`, "not closed", ""},
	} {
		found := strings.Join(shown(gametext.Check(gametext.Admins, []byte(c.line))), "\n")
		if !strings.Contains(found, c.problem) || (found == "") != (c.problem == "") {
			t.Errorf("%s: %q", c.line, found)
		}
		got, done := gametext.Repair(gametext.Admins, []byte(c.line+"\r\n"), every...)
		if want := c.fixed; want == "" && (len(done) > 0 || string(got) != c.line+"\r\n") || want != "" && string(got) != want+"\r\n" {
			t.Errorf("%s: %q, %v", c.line, got, done)
		}
	}
}

func TestAdminsInsideCommentAreReported(t *testing.T) {
	text := "/**\n * who\n * \"STEAM_1:0:9\" z\n */\n/*\n\"STEAM_1:0:5\" \"z\"\nold admins\n*/\n\"STEAM_1:0:6\" \"z\"\n"
	want := []string{
		"|line 6: /* and */ do not mark a comment in this file, so SourceMod grants the administrators between them their rights",
	}
	if d := cmp.Diff(want, shown(gametext.Check(gametext.Admins, []byte(text)))); d != "" {
		t.Error(d)
	}
}

// Files as users uploaded them.
func TestProblemsOfRealFilesAreFound(t *testing.T) {
	want := map[string][]string{
		"encodings/addons/metamod.vdf": {"encoding|the file is UTF-16: the game reads nothing from the file"},
		"encodings/addons/sourcemod/configs/admins_simple.ini": {
			"encoding|the file is UTF-16: SourceMod finds no administrator in the file",
			"characters|line 2: typographic quotation marks, which the reader of this file treats as letters",
			"identities|line 4: SourceMod before 1.7 treats a Steam ID in brackets as a player name",
		},
		"encodings/addons/sourcemod/configs/core.cfg": {"encoding|the file is UTF-16: SourceMod and its plugins cannot read the file"},
		"encodings/addons/sourcemod/configs/databases.cfg": {"encoding|the file begins with a byte order mark: SourceMod skips the mark, " +
			"but a plugin that reads the file with KeyValues gets nothing"},
		"encodings/cfg/long.cfg":  {"|line 1: a command of more than 510 bytes, which the game skips together with the commands after it"},
		"encodings/cfg/quote.cfg": {"characters|line 1: typographic quotation marks, which the reader of this file treats as letters"},
		"encodings/cfg/server_x.cfg": {"encoding|the file begins with a byte order mark: the game takes the mark for a part of " +
			"the first command and does not run it"},
		"encodings/cfg/utf16.cfg": {"encoding|the file is UTF-16: the game runs no command of the file"},
		"admin-identities/addons/sourcemod/configs/admins_simple.ini": {
			"characters|line 2: typographic quotation marks, which the reader of this file treats as letters",
			"identities|lines 1, 3: SourceMod treats this identity as a player name, although it looks like a Steam ID, and grants the " +
				"rights to every player with that name",
			"|line 4: no player has this Steam ID, which SourceMod compares character by character",
		},
	}
	err := filepath.WalkDir("testdata", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "README" || strings.Contains(p, "fuzz") {
			return err
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(p, "testdata/")
		_, rest, _ := strings.Cut(name, "/")
		if d := cmp.Diff(want[name], shown(gametext.Check(gametext.ReaderOf("left4dead2/"+rest), b))); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		delete(want, name)
		return nil
	})
	if err != nil || len(want) > 0 {
		t.Error(err, want)
	}
}

func TestBeginsRecognizesEncodingFromFirstBytes(t *testing.T) {
	whole := []byte(wide("\ufeffhostname \"🧟🧟🧟\"\n", binary.LittleEndian))
	for n := 2; n <= len(whole); n++ { // cut at any length
		why, ok := gametext.Begins(gametext.Commands, whole[:n])
		if !ok || why.Said() != "the file is UTF-16: the game runs no command of the file" {
			t.Errorf("%d bytes: %q, %v", n, why, ok)
		}
	}
	for _, b := range []string{"", "x", "\xff\xfe\x00\x00", "\x7fELF\x02\x01"} {
		if why, ok := gametext.Begins(gametext.Commands, []byte(b)); ok {
			t.Errorf("%q: %v", b, why)
		}
	}
	if _, ok := gametext.Begins(gametext.Unread, whole); ok {
		t.Error("a file without a reader has an encoding repair")
	}
}

func FuzzRepair(f *testing.F) {
	readers := []gametext.Reader{gametext.Commands, gametext.Admins, gametext.Settings, gametext.KeyValues, gametext.Script, gametext.Lines}
	err := filepath.WalkDir("testdata", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(p, "fuzz") {
			return err
		}
		b, err := os.ReadFile(p)
		for i := range readers {
			f.Add(i, b)
		}
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(0, []byte("say “a”“b”\"c”; x\u00a0 y // “"))
	f.Add(1, []byte("/*\n\"STEAM_1:5:5\" z\n“1:0:5” “z”"))
	f.Add(1, []byte("\xef\xbb\ufeff\xbf0")) // removing the mark leaves another mark
	f.Fuzz(func(t *testing.T, i int, b []byte) {
		r := readers[uint(i)%uint(len(readers))]
		was := slices.Clone(b)
		for _, fixes := range [][]gametext.Fix{{gametext.Encoding}, every} {
			got, done := gametext.Repair(r, b, fixes...)
			if len(done) == 0 {
				if string(got) != string(b) {
					t.Errorf("%v: %q became %q without a finding", fixes, b, got)
				}
				continue
			}
			if again, more := gametext.Repair(r, got, fixes...); len(more) > 0 {
				t.Errorf("%v: %q, repaired to %q, needs the repair %v again: %q", fixes, b, got, more, again)
			}
			for _, f := range gametext.Check(r, got) {
				if slices.Contains(fixes, f.Fix) {
					t.Errorf("%v: %q, repaired to %q, still has %v", fixes, b, got, f)
				}
			}
		}
		if string(was) != string(b) {
			t.Error("Repair modified its argument")
		}
	})
}
