package inspect_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

// wide encodes a text as UTF-16 with a byte order mark, as Windows Notepad saves "Unicode".
func wide(s string) []byte {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return b
}

func TestMissionProblemsAreReported(t *testing.T) {
	const mark = "\xef\xbb\xbf"
	quoted := `"mission" { "Name" "A" "modes" { "coop" { "1" { "Map" "a1" } } } }`
	for _, c := range []struct {
		name string
		l    layer
		want string
	}{
		{
			"UTF-16",
			layer{"missions/a.txt": wide(quoted), "maps/a1.bsp": nil},
			`^text missions/a.txt: the file is UTF-16, so the game cannot read it$`,
		},
		{
			"byte order mark in an add-on",
			layer{"addons/a.vpk": pack("missions/a.txt", mark+quoted, "maps/a1.bsp", "x")},
			`^text addons/a.vpk: missions/a.txt: the file begins with a byte order mark, so the game cannot read it$`,
		},
		{
			"byte order mark in addoninfo.txt",
			layer{"addons/a.vpk": pack("addoninfo.txt", mark+"\"AddonInfo\" { addonSteamAppID 730 }")},
			`^other-game addons/a.vpk: addoninfo.txt names another game: app 730\n` +
				`text addons/a.vpk: addoninfo.txt: the file begins with a byte order mark, so the game cannot read it$`,
		},
		{
			"key without value",
			layer{
				"missions/a.txt": []byte(
					"\"mission\"\n{\n\"Name\" A\n\"modes\" { coop {\n1 { Map c1m1_hotel Image\n}\n2 { Map c1m2_streets }\n} } }"),
			},
			`^syntax missions/a.txt: syntax error in line 5: the key "Image" has no value$`,
		},
		{
			"conditions and brackets",
			layer{
				"missions/a.txt": []byte(
					"mission {\nName A\nAuthor me [VS]\nmodes {\ncoop { 1 { Map c1m1_hotel } }\nversus [$LINUX] { 1 { Map none } }\n" +
						"realism [!$X360] { 1 { Map none } }\nsurvival [$X360] { 1 { Map none } } } }"),
			},
			`^syntax missions/a.txt: condition in line 6: the condition "\[\$LINUX\]" does not hold in this game, but in newer ones: "versus" is left out \(further lines: 7\)\n` +
				`syntax missions/a.txt: text in brackets in line 3: the game takes "\[VS\]" for a condition .*$`,
		},
		{
			"long texts",
			layer{"addons/a.vpk": pack("addoninfo.txt", "AddonInfo {\naddonDescription \""+strings.Repeat("x", 1024)+"\"\n}")},
			`^syntax addons/a.vpk: addoninfo.txt: text too long in line 2: the game reads only the first 1023 bytes .*$`,
		},
		{
			"legacy encoding",
			layer{
				"missions/a.txt": []byte(
					"mission { Name A DisplayTitle \"\xc2\xe5\xe7\xf7\" modes { coop { 1 { Map c1m1_hotel Image \xc2\xe5 \xe7\xf7 } } } }"),
			},
			`(?s)^syntax missions/a.txt: syntax error in line 1: the key "\x{fffd}" has no value$`,
		},
		{"resource file of the client", layer{"resource/a.res": []byte("a { b \"c\nd\" e f [!$X360] }")}, `^$`},
		{
			"empty mission with a syntax error",
			layer{"missions/a.txt": []byte("mission\n{\n}\n}\n")},
			`^syntax missions/a.txt: syntax error in line 4: } closes nothing$`,
		},
		{"no mission", layer{"missions/a.txt": []byte("nothing { a b }")}, `^syntax missions/a.txt: the file contains no mission$`},
		{
			"too large",
			layer{"addons/a.vpk": pack("missions/a.txt", strings.Repeat(" ", 1<<20+1))},
			`^syntax addons/a.vpk: missions/a.txt: the file is too large: 1048577 bytes$`,
		},
	} {
		w, _ := tree(t, c.l)
		if got := show(w); !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("%s:\n%s\nwant %s", c.name, got, c.want)
		}
		if !utf8.ValidString(show(w)) {
			t.Errorf("%s: warning is not valid UTF-8: %q", c.name, show(w))
		}
		if fix := c.name == "UTF-16"; len(w) > 0 && w[0].Fix != fix {
			t.Errorf("%s: got Fix %v, want %v", c.name, w[0].Fix, fix)
		}
	}
}

// Each of these missions has three maps and one mistake, whose line must be reported.
func TestMissionSyntaxErrorsAreReportedByLine(t *testing.T) {
	lines := map[string]string{
		"aextra": "15: a quotation mark", "bmissq": "15: a quotation mark", "cmissb": "18: } is missing", "dextrab": "18: } too many",
		"emisso": "12: the key", "fnoval": "6: the key",
		"gvers": "15: a quotation mark", "hslash": "18: the key", "ismart": "15: the key", "jtail": "10: the block",
		"kquot": "15: a quotation mark",
	}
	files, err := filepath.Glob("../../../../source/addon/testdata/slips/*.txt")
	must(t, err)
	if len(files) != len(lines) {
		t.Fatalf("got %d files, want %d", len(files), len(lines))
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".txt")
		text, err := os.ReadFile(f)
		must(t, err)
		w, _ := tree(t,
			layer{
				"addons/" + name + ".vpk": pack("missions/"+name+".txt", string(text), "maps/"+name+"_m1.bsp", "x", "maps/"+name+"_m2.bsp",
					"x", "maps/"+name+"_m3.bsp", "x"),
			})
		if want := "syntax addons/" + name + ".vpk: missions/" + name + ".txt: syntax error in line " +
			lines[name]; strings.Count(show(w), want) != 1 || strings.Count(show(w), "syntax addons") != 1 {
			t.Errorf("%s:\n%s\nwant %s", name, show(w), want)
		}
	}
}

// A mission that the game can't read is not a campaign; its maps count as maps without a campaign.
func TestUnreadableMissionIsNoCampaign(t *testing.T) {
	text := []byte(
		"\"mission\"\n{\n\"Name\" A\n\"modes\"\n{\n\"coop\"\n{\n1 { Map a1 Image\n}\n2 { Map a2 }\n}\n\"versus\" [!$X360]\n{\n" +
			"1 { Map a1 }\n}\n}\n}\n")
	_, all := tree(t,
		layer{"missions/a.txt": text, "missions/b.txt": wide(string(bytes.ReplaceAll(text, []byte("Name\" A"), []byte("Name\" B"))))})
	if len(all) != 1 || all[0].ID != "A" || len(all[0].Modes) != 1 || len(all[0].Modes["coop"]) != 2 {
		t.Errorf("got campaigns %+v, want only A with 2 chapters in coop", all)
	}
}
