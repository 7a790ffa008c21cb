package workshop

import (
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/steam"
)

func TestOriginalNamesAreValidForGame(t *testing.T) {
	for file, want := range map[string]string{
		"myl4d2addons/urbanflight.vpk": "urbanflight", `my\maps\Dead.Line.2.VPK`: "Dead_Line_2", "map2.1.vpk": "map2_1",
		"it's  mine.vpk":   "it_s_mine",
		"../../etc/passwd": "passwd", "/etc/..": "7", "": "7", ".vpk": "7", "夜.vpk": "7", "pak_dir.vpk": "pak_dir_7",
		"x_000.vpk": "x_000_7", "x_2024.vpk": "x_2024",
		"a\x00b.vpk": "a_b", "zip.zip": "zip_zip", strings.Repeat("a", 500) + ".vpk": strings.Repeat("a", 100), "-rf.vpk": "rf",
	} {
		if got := original(file, "7"); got != want {
			t.Errorf("original(%q) = %q, want %q", file, got, want)
		}
	}
}

func TestConflictingNamesGetItemID(t *testing.T) {
	p := &Plan{names: "original"}
	for id, file := range map[string]string{"1": "a/Map.vpk", "2": "map.VPK", "3": "other.vpk"} {
		p.items = append(p.items, &item{id: id, facts: steam.PublishedFile{Filename: file}})
	}
	got := fileNames(p)
	if got["1"] != "Map_1.vpk" || got["2"] != "map_2.vpk" || got["3"] != "other.vpk" {
		t.Error(got)
	}
	p.names = ""
	if got := fileNames(p); got["1"] != "1.vpk" {
		t.Error(got)
	}
}

func FuzzOriginal(f *testing.F) {
	f.Add("myl4d2addons/urbanflight.vpk")
	f.Add(`..\..\x_dir.VPK`)
	f.Fuzz(func(t *testing.T, file string) {
		got := original(file, "121086524")
		if got == "" || len(got) > longestName+10 || strings.ContainsFunc(got, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
		}) || got[0] == '-' || got[0] == '_' {
			t.Errorf("original(%q) = %q", file, got)
		}
	})
}
