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

// Add-ons of the workshop as they are.
func TestRealAddons(t *testing.T) {
	for name, want := range map[string]addon.Info{
		"automatic_guns":               {App: 550, Title: "Automatic Guns VScript", Version: "2", Author: "RF", Description: "Turns all semi auto weapons to auto."},
		"devlosglm60fix":               {App: 550, Title: "GLM60Fix[Server Mod]", Version: "6", Author: "Solved/Devlos Aka Timonenluca", Description: "M60 Drop Fix & Ammo pickup GL/M60"},
		"full_health_when_changelevel": {App: 550, Title: "Full Health When Change Level", Version: "1", Author: "KtXiaok", Description: "When level changed, all players' health will become full."},
		"ladder_fix":                   {Title: "ladder drop damage fix", Author: "洛琪希"},
	} {
		a, err := vpk.Open("../vpk/testdata/" + name + ".vpk")
		if err != nil {
			t.Fatal(err)
		}
		got, err := addon.ReadInfo(a)
		if err != nil || got.App != want.App || got.Title != want.Title || got.Version != want.Version || got.Author != want.Author || got.Description != want.Description {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if name != "ladder_fix" && strings.Join(got.Content, " ") != "script" {
			t.Errorf("%s has %v in it", name, got.Content)
		}
		if len(addon.ReadMissions(a)) > 0 {
			t.Errorf("%s has missions", name)
		}
		a.Close()
	}
	a, err := vpk.Open("../vpk/testdata/health_bar.vpk")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := addon.ReadInfo(a); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("health_bar has none: %v", err)
	}
}

func TestInfoInAnyEncoding(t *testing.T) {
	const text = "\"AddonInfo\"\r\n{\r\n addontitle Titel\r\n addonauthor \"Müller\"\r\n ADDONSTEAMAPPID 500 addonContent_Campaign 1 AddonContent_MAP \"1\" addonContent_Skin 0\r\n"
	wide := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		wide = binary.LittleEndian.AppendUint16(wide, u)
	}
	for name, b := range map[string][]byte{
		"UTF-8": []byte(text), "UTF-16": wide, "Latin-1": []byte(strings.ReplaceAll(text, "ü", "\xfc")),
	} {
		got, err := addon.ParseInfo(b)
		if err != nil || got.Title != "Titel" || got.Author != "Müller" || got.App != 500 || strings.Join(got.Content, " ") != "campaign map" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	// In GBK the words are wrong, the rest is right.
	got, err := addon.ParseInfo([]byte("\"AddonInfo\" { addontitle \"\xc2\xe5\xe7\xf7\xcf\xa3\" addonSteamAppID 550 }"))
	if err != nil || got.App != 550 || got.Title == "" {
		t.Errorf("GBK: %+v, %v", got, err)
	}
}

func TestInfoThatIsBroken(t *testing.T) {
	got, err := addon.ParseInfo([]byte("\"AddonInfo\" { addontitle x\n addonversion 3 }\n}\n"))
	var at *vdf.Error
	if !errors.As(err, &at) || at.Line != 3 || got.Title != "x" || got.Version != "3" {
		t.Errorf("%+v, %v", got, err)
	}
	for _, in := range []string{"", "no keys", "{", "\"AddonInfo\" \"a value\"", "\x00\x00\x00"} {
		if got, _ := addon.ParseInfo([]byte(in)); got.App != 0 || len(got.Content) > 0 {
			t.Errorf("%q: %+v", in, got)
		}
	}
	_, err = addon.ParseInfo([]byte("\n\n" + strings.Repeat("a{", 10_000)))
	if !errors.Is(err, vdf.ErrTooLarge) || !errors.As(err, &at) || at.Line != 3 {
		t.Errorf("10,000 blocks within each other: %v", err)
	}
	got, err = addon.ParseInfo([]byte("#include \"/etc/passwd\"\n#base \"../../x\"\nAddonInfo { addontitle \"" + strings.Repeat("ü", 5000) + "\" addondescription \"" + strings.Repeat("x", 100_000) + "\" }"))
	if err != nil || len(got.Title) > 200 || !strings.HasPrefix(got.Title, "üü") || len(got.Description) > 4<<10 {
		t.Errorf("long texts: %d, %d, %v", len(got.Title), len(got.Description), err)
	}
}

func TestMission(t *testing.T) {
	b, err := os.ReadFile("testdata/mission.txt")
	if err != nil {
		t.Fatal(err)
	}
	m, err := addon.ParseMission(b)
	if err != nil {
		t.Fatal(err)
	}
	if m.ID != "NightShift" || m.Title != "Night Shift" || m.Author != "left4me" || m.Version != "1" || m.Image != "vgui/outrotitle_nightshift" {
		t.Errorf("%+v", m)
	}
	if got := show(m); got != "coop: 1 ns_m1_yard, 2 ns_m2_docks; versus: 1 ns_m1_yard" {
		t.Error(got)
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

func TestChaptersAreInTheOrderOfTheirNumbers(t *testing.T) {
	m, err := addon.ParseMission([]byte(`mission { name x modes { COOP {
		"10" { map ten } "2" { map "maps\Two.bsp" } "1" { Map one } "2" { map another_two } " 3 " { map maps/sub/three }
		"x" { map no } "4" { nothing here } "5" { map "five; quit" } "6" { map "../six" } "7" value "-1" { map no }
	} coop { "1" { map again } } versus value survival { } } }`))
	if got := show(m); err != nil || got != "coop: 1 one, 2 two, 3 sub/three, 10 ten" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestMissionsThatAreTooLargeOrBroken(t *testing.T) {
	var b strings.Builder
	b.WriteString("mission { name long modes { coop {\n")
	for i := range 4000 {
		fmt.Fprintf(&b, "\"%d\" { map m%d }\n", i+1, i+1)
	}
	m, err := addon.ParseMission([]byte(b.String()))
	if !errors.Is(err, addon.ErrTooMany) || len(m.Modes) != 1 || len(m.Modes[0].Chapters) != addon.MaxChapters || !strings.Contains(err.Error(), "line 202") {
		t.Errorf("4,000 chapters: %v", err)
	}
	b.Reset()
	b.WriteString("mission { name wide modes {\n")
	for i := range 4000 {
		fmt.Fprintf(&b, "mode%d { 1 { map m } }\n", i)
	}
	m, err = addon.ParseMission([]byte(b.String()))
	if !errors.Is(err, addon.ErrTooMany) || len(m.Modes) != addon.MaxModes {
		t.Errorf("4,000 modes: %d, %v", len(m.Modes), err)
	}
	for _, in := range []string{"", "AddonInfo { x y }", "mission x", "{}"} {
		if _, err := addon.ParseMission([]byte(in)); !errors.Is(err, addon.ErrNoMission) {
			t.Errorf("%q: %v", in, err)
		}
	}
	m, err = addon.ParseMission([]byte("mission { name x modes { coop { 1 { map one } 2 { map two\n"))
	if err != nil || show(m) != "coop: 1 one, 2 two" {
		t.Errorf("without its last braces: %s, %v", show(m), err)
	}
	m, err = addon.ParseMission([]byte("mission { name x modes { coop { 1 { map one } } } }\n}"))
	if !errors.Is(err, vdf.ErrSyntax) || show(m) != "coop: 1 one" {
		t.Errorf("with a brace too much: %s, %v", show(m), err)
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
		got, _ := addon.ParseInfo(b)
		if len(got.Title) > 200 || len(got.Description) > 4<<10 || len(got.Content) > 64 || strings.ContainsAny(got.Title, "\n\r\t") {
			t.Errorf("%+v", got)
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
		m, _ := addon.ParseMission(b)
		for _, mode := range m.Modes {
			last := -1
			for _, c := range mode.Chapters {
				if !addon.MapName(c.Map) || c.Number <= last {
					t.Errorf("%+v", c)
				}
				last = c.Number
			}
			if len(mode.Chapters) == 0 || len(mode.Chapters) > addon.MaxChapters {
				t.Errorf("%d chapters", len(mode.Chapters))
			}
		}
		if len(m.Modes) > addon.MaxModes {
			t.Errorf("%d modes", len(m.Modes))
		}
	})
}
