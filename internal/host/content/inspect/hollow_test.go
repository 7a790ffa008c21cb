package inspect_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/host/content/inspect"
	"github.com/left4me/left4me/internal/left4me"
)

// warningsOf returns all warnings about one add-on, including hints, from Tree and Sums.
func warningsOf(t *testing.T, vpk []byte) string {
	t.Helper()
	dir := layer{"addons/a.vpk": vpk}.lay(t)
	w, _, err := inspect.Tree(t.Context(), dir, "")
	must(t, err)
	sums, err := inspect.Sums(t.Context(), dir, []string{"left4dead2/addons/a.vpk"}, nil)
	must(t, err)
	var lines []string
	for _, w := range append(w, sums...) {
		lines = append(lines, w.Kind+": "+w.Text+"; "+w.Hint)
	}
	return strings.Join(lines, "\n")
}

// zeroSums clears the checksums of all entries: each is 18 bytes before the end of its entry.
func zeroSums(vpk []byte) []byte {
	out := bytes.Clone(vpk)
	tree := 12 + int(binary.LittleEndian.Uint32(out[8:]))
	for at := 12; at < tree; at++ {
		if out[at] == 0xff && out[at+1] == 0xff && at >= 28 {
			copy(out[at-16:], make([]byte, 4))
			at++
		}
	}
	return out
}

// declareLongerTree declares a tree that is n bytes longer. With gap it inserts n bytes before the data,
// where the game then looks for it.
func declareLongerTree(vpk []byte, n int, gap bool) []byte {
	size := binary.LittleEndian.Uint32(vpk[8:])
	out := bytes.Clone(vpk[:12+size])
	binary.LittleEndian.PutUint32(out[8:], size+uint32(n))
	if gap {
		out = append(out, make([]byte, n)...)
	}
	return append(out, vpk[12+size:]...)
}

func TestUnusableAddonContentIsReported(t *testing.T) {
	good := pack("addoninfo.txt", "AddonInfo { }", "missions/a.txt", missionText("A", "a1"), "maps/a1.bsp", strings.Repeat("map", 100))
	for name, c := range map[string]struct {
		vpk  []byte
		want string
	}{
		"intact": {good, ""},
		"empty":  {pack(), "hollow: the add-on is empty; download the add-on again, or remove it"},
		"backslashes": {
			pack("addoninfo.txt", "AddonInfo {}", "missions/a.txt", missionText("A", "a1"), "maps/a1.bsp", "x", `sound\a.wav`, "x"),
			`hollow: 1 of the 4 files in the add-on have \ instead of / in their paths, so the game does not find them: sound\a.wav; pack the add-on again`,
		},
		"only backslashes": {
			pack("addoninfo.txt", "AddonInfo {}", `missions\a.txt`, "a", `maps\a1.bsp`, "x"),
			`hollow: the paths in the add-on have \ instead of /, so the game finds no file in it; pack the add-on again`,
		},
		"odd paths": {
			pack("/maps/a1.bsp", "x", "./cfg/x.cfg", "y"),
			`hollow: the game does not find files with irregular paths: /maps/a1.bsp, ./cfg/x.cfg; pack the add-on again`,
		},
		"nested add-on": {
			pack("addoninfo.txt", "AddonInfo {}", "inner.vpk", string(good)),
			"hollow: the add-on contains another add-on, which the game does not read: inner.vpk; add the inner add-on instead",
		},
		"nested add-ons": {
			pack("x/a.vpk", "1", "x/b.VPK", "2"),
			"hollow: the add-on contains 2 other add-ons, which the game does not read: x/b.VPK, x/a.vpk; add the inner add-ons instead",
		},
		"content in a folder": {
			pack("addoninfo.txt", "AddonInfo {}", "My Campaign/maps/a1.bsp", "x", "My Campaign/missions/a.txt", "a",
				"My Campaign/readme.txt", "r"),
			"hollow: all content of the add-on is in the folder My Campaign, where the game does not look for it; pack the contents " +
				"of the folder without the folder itself",
		},
		"content in a nested folder": {
			pack("a/left4dead2/maps/a1.bsp", "x"),
			"hollow: all content of the add-on is in the folder a/left4dead2, where the game does not look for it; pack the " +
				"contents of the folder without the folder itself",
		},
		"content in two folders": {pack("a/maps/a1.bsp", "x", "b/maps/b1.bsp", "x"), ""},
		"no checksums": {
			zeroSums(good),
			"unchecked: the add-on has no checksums, so damage cannot be detected; ignore this warning if the add-on works: some " +
				"programs write no checksums, and the game does not need them",
		},
		"wrong tree length": {
			declareLongerTree(good, 40, false),
			"broken: the header of the add-on gives a directory size of 139 bytes, but the directory has 99 bytes, so the game reads " +
				"its files from the wrong place; pack the add-on again",
		},
		"longer tree with a gap": {declareLongerTree(good, 40, true), ""},
	} {
		if got := warningsOf(t, c.vpk); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
	// Only the first cause is reported.
	if got := warningsOf(t, zeroSums(pack(`maps\a1.bsp`, "x"))); strings.Contains(got, "\n") || !strings.HasPrefix(got, left4me.WarnHollow) {
		t.Errorf("backslashes without checksums: got\n%s\nwant one warning", got)
	}
	// The checksums match at neither position, which must not add a second warning.
	broken := declareLongerTree(good, 40, false)
	copy(broken[len(broken)-400:], bytes.Repeat([]byte{7}, 400))
	if got := warningsOf(t, broken); strings.Count(got, "\n") != 0 || !strings.HasPrefix(got, left4me.WarnBroken) {
		t.Errorf("wrong tree length and data: got\n%s\nwant one warning", got)
	}
}

// The archives in testdata must get these warnings.
func TestHollowAddonsAreReported(t *testing.T) {
	for name, want := range map[string]string{
		"bslash": `hollow: the paths in the add-on have \ instead of /`, "empty": "hollow: the add-on is empty",
		"vpkinvpk": "hollow: the add-on contains another add-on, which the game does not read: inner.vpk; add the inner add-on instead",
		"crc0":     "unchecked: the add-on has no checksums",
	} {
		b, err := os.ReadFile(filepath.Join("testdata", name+".vpk"))
		must(t, err)
		if got := warningsOf(t, b); !strings.HasPrefix(got, want) || strings.Contains(got, "\n") {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
