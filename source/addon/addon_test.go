package addon_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/left4me/left4me/source/addon"
	"github.com/left4me/left4me/source/vdf"
	"github.com/left4me/left4me/source/vpk"
)

// The files are unmodified add-ons from the workshop.
func TestInfoOfRealAddonsIsParsed(t *testing.T) {
	for name, want := range map[string]addon.Info{
		"automatic_guns": {
			App:         550,
			Title:       "Automatic Guns VScript",
			Version:     "2",
			Author:      "RF",
			Description: "Turns all semi auto weapons to auto.",
		},
		"devlosglm60fix": {
			App:         550,
			Title:       "GLM60Fix[Server Mod]",
			Version:     "6",
			Author:      "Solved/Devlos Aka Timonenluca",
			Description: "M60 Drop Fix & Ammo pickup GL/M60",
		},
		"full_health_when_changelevel": {
			App:         550,
			Title:       "Full Health When Change Level",
			Version:     "1",
			Author:      "KtXiaok",
			Description: "When level changed, all players' health will become full.",
		},
		"ladder_fix": {Title: "ladder drop damage fix", Author: "洛琪希"},
	} {
		a, err := vpk.Open("../vpk/testdata/" + name + ".vpk")
		if err != nil {
			t.Fatal(err)
		}
		got, problems, err := addon.ReadInfo(a, nil)
		if err != nil || len(problems) > 0 || got.App != want.App || got.Title != want.Title || got.Version != want.Version ||
			got.Author != want.Author || got.Description != want.Description {
			t.Errorf("%s: %+v, %v, %v", name, got, problems, err)
		}
		if name != "ladder_fix" && strings.Join(got.Content, " ") != "script" {
			t.Errorf("%s: got content %v, want script", name, got.Content)
		}
		if len(addon.ReadMissions(a, nil)) > 0 {
			t.Errorf("%s: got missions, want none", name)
		}
		a.Close()
	}
	a, err := vpk.Open("../vpk/testdata/health_bar.vpk")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, _, err := addon.ReadInfo(a, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("health_bar: got error %v, want ErrNotExist", err)
	}
}

func TestParseInfoDecodesAnyEncoding(t *testing.T) {
	const text = "\"AddonInfo\"\r\n{\r\n addontitle Titel\r\n addonauthor \"Müller\"\r\n" +
		" ADDONSTEAMAPPID 500 addonContent_Campaign 1 AddonContent_MAP \"1\" addonContent_Skin 0\r\n"
	wide := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		wide = binary.LittleEndian.AppendUint16(wide, u)
	}
	for _, c := range []struct {
		name    string
		b       []byte
		problem string
	}{
		{"UTF-8", []byte(text), ""},
		{"Latin-1", []byte(strings.ReplaceAll(text, "ü", "\xfc")), ""},
		// The game cannot read these, but their meaning is clear.
		{"UTF-16", wide, "it is UTF-16 (little-endian)"},
		{"UTF-8 with a mark", []byte("\xef\xbb\xbf" + text), "it begins with a byte order mark"},
	} {
		got, problems := addon.ParseInfo(c.b, nil)
		if got.Title != "Titel" || got.Author != "Müller" || got.App != 500 || strings.Join(got.Content, " ") != "campaign map" {
			t.Errorf("%s: %+v", c.name, got)
		}
		if c.problem == "" && len(problems) > 0 ||
			c.problem != "" && (len(problems) != 1 || problems[0].Kind != vdf.Encoding || problems[0].Text != c.problem) {
			t.Errorf("%s: %+v", c.name, problems)
		}
	}
	// In other encodings the texts are wrong without a decoder; the rest is correct.
	gbk := []byte("\"AddonInfo\" { addontitle \"\xc2\xe5\xe7\xf7\xcf\xa3\" addonSteamAppID 550 }")
	got, problems := addon.ParseInfo(gbk, nil)
	if len(problems) > 0 || got.App != 550 || got.Title == "" {
		t.Errorf("GBK: %+v, %v", got, problems)
	}
	got, _ = addon.ParseInfo(gbk, func(file []byte) func([]byte) string {
		return func(value []byte) string {
			return fmt.Sprintf("%d bytes of %d", len(value), len(file))
		}
	})
	if got.Title != fmt.Sprintf("6 bytes of %d", len(gbk)) {
		t.Errorf("got %+v", got)
	}
	// A file in UTF-16 or UTF-8 needs no decoder.
	if got, _ = addon.ParseInfo(wide, func([]byte) func([]byte) string { panic("decoder called") }); got.Author != "Müller" {
		t.Errorf("got %+v", got)
	}
}

func TestParseInfoReadsBrokenFiles(t *testing.T) {
	got, problems := addon.ParseInfo([]byte("\"AddonInfo\" { addontitle x\n addonversion 3 }\n}\n"), nil)
	if len(problems) != 1 || problems[0].Line != 3 || problems[0].Kind != vdf.Brace || got.Title != "x" || got.Version != "3" {
		t.Errorf("got %+v, %v", got, problems)
	}
	// A missing final brace and a description of several lines lose nothing.
	got, problems = addon.ParseInfo([]byte("\"AddonInfo\"\n{\n addondescription \"x\n y\"\n addontitle z\n"), nil)
	if len(problems) > 0 || got.Description != "x\n y" || got.Title != "z" {
		t.Errorf("got %+v, %v", got, problems)
	}
	for _, in := range []string{"", "no keys", "{", "\"AddonInfo\" \"a value\"", "\x00\x00\x00"} {
		if got, _ := addon.ParseInfo([]byte(in), nil); got.App != 0 || len(got.Content) > 0 {
			t.Errorf("%q: got %+v, want an empty Info", in, got)
		}
	}
	_, problems = addon.ParseInfo([]byte("\n\n"+strings.Repeat("a{", 10_000)), nil)
	if len(problems) != 1 || problems[0].Kind != vdf.Limit || problems[0].Line != 3 {
		t.Errorf("10,000 nested blocks: %v", problems)
	}
	got, problems = addon.ParseInfo([]byte("#include \"/etc/passwd\"\n#base \"../../x\"\nAddonInfo { addontitle \""+
		strings.Repeat("ü", 600)+"\" addondescription \""+strings.Repeat("ü", 600)+"\" }"), nil)
	if len(problems) != 2 || problems[0].Kind != vdf.Cut || len(got.Title) > 200 || !strings.HasPrefix(got.Title, "üü") ||
		got.Description != strings.Repeat("ü", 511) {
		t.Errorf("long texts: %q, %q, %v", got.Title, got.Description, problems)
	}
}

func TestParseMissionReadsCampaign(t *testing.T) {
	b, err := os.ReadFile("testdata/mission.txt")
	if err != nil {
		t.Fatal(err)
	}
	m, problems, err := addon.ParseMission(b, nil)
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	if m.ID != "NightShift" || m.Title != "Night Shift" || m.Author != "left4me" || m.Version != "1" ||
		m.Image != "vgui/outrotitle_nightshift" {
		t.Errorf("got %+v", m)
	}
	if got := show(m); got != "coop: 1 ns_m1_yard, 2 ns_m2_docks; versus: 1 ns_m1_yard" {
		t.Errorf("got %s", got)
	}
}

func show(m addon.Mission) string {
	var modes []string
	for _, mode := range m.Modes {
		var chapters []string
		for _, c := range mode.Chapters {
			chapters = append(chapters, fmt.Sprint(c.Number, " ", c.Map))
		}
		modes = append(modes, mode.Name+": "+strings.Join(chapters, ", "))
	}
	return strings.Join(modes, "; ")
}

func TestChaptersAreSortedByNumber(t *testing.T) {
	m, problems, err := addon.ParseMission([]byte(`mission { name x modes { COOP {
		"10" { map ten } "2" { map "maps\Two.bsp" } "1" { Map one } "2" { map another_two } " 3 " { map maps/sub/three }
		"x" { map no } "4" { nothing here } "5" { map "five; quit" } "6" { map "../six" } "7" value "-1" { map no }
	} coop { "1" { map again } } versus value survival { } } }`), nil)
	if got := show(m); err != nil || len(problems) > 0 || got != "coop: 1 one, 2 two, 3 sub/three, 10 ten" {
		t.Errorf("got %s, %v, %v", got, problems, err)
	}
}

func TestParseMissionRejectsTooLargeOrBroken(t *testing.T) {
	var b strings.Builder
	b.WriteString("mission { name long modes { coop {\n")
	for i := range 4000 {
		fmt.Fprintf(&b, "\"%d\" { map m%d }\n", i+1, i+1)
	}
	m, _, err := addon.ParseMission([]byte(b.String()), nil)
	if !errors.Is(err, addon.ErrTooMany) || len(m.Modes) != 1 || len(m.Modes[0].Chapters) != addon.MaxChapters ||
		!strings.Contains(err.Error(), "line 202") {
		t.Errorf("4,000 chapters: got error %v, want ErrTooMany at line 202", err)
	}
	b.Reset()
	b.WriteString("mission { name wide modes {\n")
	for i := range 4000 {
		fmt.Fprintf(&b, "mode%d { 1 { map m } }\n", i)
	}
	m, _, err = addon.ParseMission([]byte(b.String()), nil)
	if !errors.Is(err, addon.ErrTooMany) || len(m.Modes) != addon.MaxModes {
		t.Errorf("4,000 modes: got %d modes, %v", len(m.Modes), err)
	}
	for _, in := range []string{"", "AddonInfo { x y }", "mission x", "{}"} {
		if _, _, err := addon.ParseMission([]byte(in), nil); !errors.Is(err, addon.ErrNoMission) {
			t.Errorf("%q: got error %v, want ErrNoMission", in, err)
		}
	}
}

// The game continues after every mistake. The expected results were checked with the game's own reader.
// testdata/slips contains missions of three chapters with one mistake each, around lines 12 to 18.
func TestParseMissionReportsMistakes(t *testing.T) {
	const all = "coop: 1 NAME_m1, 2 NAME_m2, 3 NAME_m3; versus: 1 NAME_m1, 2 NAME_m2"
	for _, c := range []struct {
		name  string
		line  int
		kind  vdf.ProblemKind
		modes string
	}{
		{"aextra", 15, vdf.Quote, "coop: 1 NAME_m1"},
		{"bmissq", 15, vdf.Quote, "coop: 1 NAME_m1"},
		{"cmissb", 18, vdf.Brace, "coop: 1 NAME_m1"},
		{"dextrab", 18, vdf.Brace, "coop: 1 NAME_m1"},
		{"emisso", 12, vdf.NoValue, ""},
		{"fnoval", 6, vdf.NoValue, ""},
		{"gvers", 15, vdf.Quote, "coop: 1 NAME_m1, 3 NAME_m3; versus: 1 NAME_m1, 2 NAME_m2"},
		{"hslash", 18, vdf.NoValue, "coop: 1 NAME_m1"},
		{"ismart", 15, vdf.NoValue, all},
		{"jtail", 10, vdf.Unclosed, "coop: 1 NAME_m1, 2 NAME_m2, 3 NAME_m3"},
		{"kquot", 15, vdf.Quote, all},
	} {
		b, err := os.ReadFile("testdata/slips/" + c.name + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		m, problems, err := addon.ParseMission(b, nil)
		if err != nil || len(problems) == 0 || problems[0].Line != c.line || problems[0].Kind != c.kind {
			t.Errorf("%s: got %+v, %v, want line %d", c.name, problems, err, c.line)
		}
		if got, want := show(m), strings.ReplaceAll(c.modes, "NAME", c.name); got != want {
			t.Errorf("%s: got %s, want %s", c.name, got, want)
		}
	}
	for _, c := range []struct{ name, in, modes, problems string }{
		{
			"a chapter without a picture", "mission { modes { coop { 1 { map one Image } 2 { map two } } } }", "coop: 1 one, 2 two",
			`1: the key "Image" has no value`,
		},
		{
			"a title in front", "Campaign:\tmission\nmission { modes { coop { 1 { map one } } } }", "coop: 1 one",
			`1: "Campaign:" is not followed by {`,
		},
		{
			"a mode for consoles",
			"mission { modes { coop [$X360] { 1 { map one } } versus [$WIN32] { 1 { map two } } } }", "versus: 1 two",
			"",
		},
		{
			"a mode for newer branches", "mission { modes { coop [!$X360] { 1 { map one } } versus { 1 { map two } } } }", "versus: 1 two",
			`1: the condition "[!$X360]" does not hold in this game, but in newer ones: "coop" is left out`,
		},
		{"a description of two lines", "mission { description \"a\nb\" modes { coop { 1 { map one } } } }", "coop: 1 one", ""},
		{
			"a title of two lines", "mission { displaytitle \"a\nb\" modes { coop { 1 { map one } } } }", "coop: 1 one",
			"1: the text that begins here goes over the end of its line",
		},
	} {
		m, found, err := addon.ParseMission([]byte(c.in), nil)
		var problems []string
		for _, p := range found {
			problems = append(problems, fmt.Sprintf("%d: %s", p.Line, p.Text))
		}
		if got := strings.Join(problems, "; "); err != nil || show(m) != c.modes || got != c.problems {
			t.Errorf("%s: got %s, %v\n%s\nwant %s\n%s", c.name, show(m), err, got, c.modes, c.problems)
		}
	}
}

// The game finds no chapters in such a mission, but the maps that it names are known.
func TestParseMissionListsHiddenMaps(t *testing.T) {
	const text = "\"mission\" { name x modes { coop { 1 { map one } 2 { map two } } } }"
	wide := []byte{0xfe, 0xff}
	for _, u := range utf16.Encode([]rune(text)) {
		wide = binary.BigEndian.AppendUint16(wide, u)
	}
	for name, b := range map[string][]byte{"UTF-16": wide, "UTF-8 with a mark": []byte("\xef\xbb\xbf" + text)} {
		m, problems, err := addon.ParseMission(b, nil)
		if err != nil || len(m.Modes) > 0 || m.ID != "" || strings.Join(m.Hidden, " ") != "one two" || len(problems) != 1 ||
			problems[0].Kind != vdf.Encoding {
			t.Errorf("%s: got %+v, %v, %v", name, m, problems, err)
		}
	}
}

func FuzzInfo(f *testing.F) {
	b, err := os.ReadFile("testdata/addoninfo.txt")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Add([]byte("\xff\xfea\x00{\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, _ := addon.ParseInfo(b, nil)
		if len(got.Title) > 200 || len(got.Description) > 4<<10 || len(got.Content) > 64 || strings.ContainsAny(got.Title, "\n\r\t") {
			t.Errorf("invalid result %+v", got)
		}
	})
}

func FuzzMission(f *testing.F) {
	b, err := os.ReadFile("testdata/mission.txt")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Add([]byte("mission { name x modes { coop { 1 { map one } 2 { map two\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, _, _ := addon.ParseMission(b, nil)
		for _, mode := range m.Modes {
			last := -1
			for _, c := range mode.Chapters {
				if !addon.MapName(c.Map) || c.Number <= last {
					t.Errorf("invalid chapter %+v", c)
				}
				last = c.Number
			}
			if len(mode.Chapters) == 0 || len(mode.Chapters) > addon.MaxChapters {
				t.Errorf("got %d chapters", len(mode.Chapters))
			}
		}
		if len(m.Modes) > addon.MaxModes {
			t.Errorf("got %d modes", len(m.Modes))
		}
	})
}
