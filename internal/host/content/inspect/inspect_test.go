package inspect_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/host/content/inspect"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/sim/installation"
)

// layer is a tree to inspect: paths below left4dead2, and contents.
type layer map[string][]byte

func (l layer) lay(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range l {
		file := filepath.Join(dir, "left4dead2", name)
		must(t, os.MkdirAll(filepath.Dir(file), 0o700))
		must(t, os.WriteFile(file, b, 0o600))
	}
	return dir
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pack returns a VPK with files given as pairs of name and content.
func pack(pairs ...string) []byte {
	var files []installation.PackFile
	for i := 0; i < len(pairs); i += 2 {
		files = append(files, installation.PackFile{Name: pairs[i], Data: []byte(pairs[i+1])})
	}
	var b bytes.Buffer
	if err := installation.WritePack(&b, files); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func missionText(id string, maps ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "mission { Name %s DisplayTitle \"The %s\" Author me modes { coop {\n", id, id)
	for i, m := range maps {
		fmt.Fprintf(&b, "\"%d\" { Map %s DisplayName \"%d: %s\" }\n", i+1, m, i+1, m)
	}
	b.WriteString("} } }")
	return b.String()
}

func tree(t testing.TB, l layer) ([]left4me.Warning, []left4me.Campaign) {
	t.Helper()
	w, c, err := inspect.Tree(t.Context(), l.lay(t), "")
	must(t, err)
	return w, c
}

func show(all []left4me.Warning) string {
	var lines []string
	for _, w := range all {
		lines = append(lines, fmt.Sprintf("%s %s: %s", w.Kind, strings.TrimPrefix(w.Path, "left4dead2/"), w.Text))
	}
	return strings.Join(lines, "\n")
}

const goodScript = "function x() { return \"}\" }\n"

var (
	wholePack = pack("maps/m.bsp", "x")
	cutPack   = pack("maps/m.bsp", "some data that will be cut")
	otherPack = patched(wholePack, 4, 2, 0, 3, 0)
	// An entry whose data is in another file. The index of that file is 12 bytes before the end of
	// the tree.
	splitPack = patched(wholePack, bytes.Index(wholePack, []byte{0xff, 0x7f}), 3, 0)
	manyPacks = numbered(201)
)

// patched returns a copy of data with bytes replaced at an offset.
func patched(data []byte, at int, b ...byte) []byte {
	data = bytes.Clone(data)
	copy(data[at:], b)
	return data
}

// numbered returns a layer with n add-ons.
func numbered(n int) layer {
	l := layer{}
	for i := range n {
		l[fmt.Sprintf("addons/a%d.vpk", i)] = pack(fmt.Sprintf("x/%d.txt", i), "x")
	}
	return l
}

var warningCases = []struct {
	name string
	l    layer
	want string // regular expression for all warnings
}{
	{"nothing wrong", layer{
		"addons/a.vpk": pack("addoninfo.txt", "AddonInfo { addonSteamAppID 550 }", "missions/a.txt",
			missionText("A", "a1"), "maps/a1.bsp", "x"),
		"addons/b.vpk": pack("addoninfo.txt", "AddonInfo { addonSteamAppID 500 }", "missions/b.txt",
			missionText("B", "b1", "c1m1_hotel"), "maps/b1.bsp", "y"),
		"cfg/server.cfg":               []byte("sv_tags \"unclosed\n"),
		"addons/metamod.vdf":           []byte("\"Plugin\"\n{\n\t\"file\"\t\"../left4dead2/addons/metamod/bin/server\"\n}\n"),
		"addons/metamod/bin/server.so": nil,
		"addons/workshop/1.vpk":        pack("scripts/vscripts/mine.nut", goodScript),
	}, `^$`},
	{
		"same file with different content",
		layer{"addons/a.vpk": pack("materials/x.vmt", "1", "k", "1"), "addons/b.vpk": pack("materials/x.vmt", "2", "l", "2")},
		`^same-file addons/a.vpk: left4dead2/addons/b.vpk contains the same file with different content: materials/x.vmt$`,
	},
	{
		"same file with equal content",
		layer{"addons/a.vpk": pack("x/lib.nut", "1", "x/a", "1"), "addons/b.vpk": pack("x/lib.nut", "1", "x/b", "2")},
		`^same-file : add-ons contain the same files with equal content: a.vpk, b.vpk$`,
	},
	{"add-on descriptions and scripts that run from every add-on", layer{
		"addons/a.vpk": pack("addoninfo.txt", "a {}", "scripts/vscripts/director_base_addon.nut", goodScript, "addonimage.jpg", "1"),
		"addons/b.vpk": pack("addoninfo.txt", "b {}", "scripts/vscripts/director_base_addon.nut", goodScript+goodScript,
			"addonimage.jpg", "2"),
	}, `^$`},
	{"commands that would take the server out of left4me's control", layer{
		"cfg/a.cfg": []byte("// rcon_password x\nsv_cheats 0; RCON_password x\r\necho quit\n" +
			"rcon_password y\nmap c1m1_hotel\n"),
		"addons/sourcemod/configs/b.cfg": []byte("quit\n"),
	}, `^command cfg/a.cfg: rcon_password \(line 2\): left4me sets the password of the remote console
command cfg/a.cfg: map \(line 5\): the command would change the map again at every map change$`},
	{
		"same add-on twice",
		layer{"addons/a.vpk": pack("x/y", "1"), "addons/b.vpk": pack("x/y", "1")},
		`^duplicate addons/b.vpk: the add-on is identical to left4dead2/addons/a.vpk$`,
	},
	{"same campaign twice", layer{
		"addons/a.vpk": pack("missions/a.txt", missionText("A", "a1"), "maps/a1.bsp", "x"),
		"addons/b.vpk": pack("missions/b.txt", missionText("a", "a2"), "maps/a2.bsp", "x"),
	}, `^duplicate addons/b.vpk: the campaign a is also in left4dead2/addons/a.vpk$`},
	{
		"map without a mission",
		layer{"addons/a.vpk": pack("maps/lost.bsp", "x"), "maps/loose.bsp": []byte("x")},
		`^no-mission addons/a.vpk: no mission names these maps: lost\nno-mission maps/loose.bsp: .*: loose$`,
	},
	{
		"mission without its map",
		layer{
			"addons/a.vpk":   pack("missions/a.txt", missionText("A", "A1", "a2"), "maps/a1.bsp", "x"),
			"missions/b.txt": []byte(missionText("B", "b1")),
		},
		`^no-map addons/a.vpk: the mission names maps that are missing: a2\nno-map missions/b.txt: .*: b1$`,
	},
	{
		"another game",
		layer{"addons/a.vpk": pack("addoninfo.txt", "AddonInfo { addonSteamAppID 730 }"), "addons/r.vpk": otherPack},
		`^other-game addons/a.vpk: addoninfo.txt names another game: app 730\nother-game addons/r.vpk: the file is a VPK version that this game does not read$`,
	},
	{
		"broken",
		layer{"addons/a.vpk": []byte("<html>not found</html>"), "addons/b.vpk": cutPack[:len(cutPack)-3], "addons/c.vpk": nil},
		`^broken addons/a.vpk: the add-on cannot be read \(at offset 0: .*\nbroken addons/b.vpk: the add-on is truncated \(at offset 21: .*\nbroken addons/c.vpk: .*$`,
	},
	{
		"wrong tree size",
		layer{"addons/a.vpk": append(append(bytes.Clone(wholePack[:8]), 1, 0, 0, 0), wholePack[12:]...)},
		`^broken addons/a.vpk: the header of the add-on gives a directory size of 1 bytes, but the directory has \d+ bytes, [^\n]*$`,
	},
	{
		"missing parts",
		layer{"addons/x_dir.vpk": splitPack, "addons/y_000.vpk": []byte("only data")},
		`^incomplete addons/x_dir.vpk: parts of the add-on are missing: x_003.vpk\nincomplete addons/y_000.vpk: .* y_dir.vpk is missing\nno-mission addons/x_dir.vpk: .*$`,
	},
	{
		"names",
		layer{"addons/A.VPK": pack("x/1", "1"), "addons/map2.1.vpk": pack("x/2", "1"), "addons/sub/x.vpk": pack("x/3", "1")},
		`^name addons/A.VPK: the extension .VPK is not in lower case, .*\nname addons/map2.1.vpk: the file name contains more than one dot, .*\nname addons/sub/x.vpk: the game loads add-ons only from left4dead2/addons$`,
	},
	{
		"scripts that replace those of the game",
		layer{"addons/a.vpk": pack("scripts/vscripts/mapspawn.nut", goodScript), "scripts/vscripts/director_base.nut": []byte(goodScript)},
		`^script scripts/vscripts/director_base.nut: the script replaces .*\nscript addons/a.vpk: scripts/vscripts/mapspawn.nut: the script replaces the game's own script on every map$`,
	},
	{"scripts with errors", layer{
		"addons/a.vpk":           pack("scripts/vscripts/a.nut", "x <- {\n  y = [1, 2\n}\n"),
		"scripts/vscripts/b.nut": []byte("// it's {\nprintl(\"open)\ny <- \"x)\n"),
		"scripts/vscripts/c.nut": []byte("/* { */ function f() {\n"),
		"scripts/vscripts/d.nut": []byte("x <- '}'; y <- @\"a\n\"\"{\"; z <- \"\\\"{\"; # {\n"),
	}, `^script scripts/vscripts/b.nut: syntax error in line 2: the quotation mark here is not closed\n` +
		`script scripts/vscripts/c.nut: syntax error in line 1: the bracket here is not closed: } is missing\n` +
		`script addons/a.vpk: scripts/vscripts/a.nut: syntax error in line 3: found } where \] is needed to close line 2$`},
	{
		"game mode in an add-on with another name",
		layer{
			"addons/fun.vpk":  pack("modes/brawl.txt", "x", "scripts/vscripts/brawl.nut", goodScript),
			"addons/race.vpk": pack("modes/race.txt", "x", "scripts/vscripts/race.nut", goodScript),
		},
		`^script addons/fun.vpk: the game does not run the script of the mode brawl on Linux, .*$`,
	},
	{"texts", layer{
		"addons/metamod.vdf": []byte("\"Plugin\"\n{\n\t\"file\"\t\"x\n}\n"), "resource/ui.res": []byte("a {\n b {\n c d\n}\n"),
		"resource/fine.res":                      []byte(`a { "b" "say \"hi\"" }`),
		"addons/sourcemod/configs/core.cfg":      []byte("; it's { \n/* { */ \"Core\"\n{\n\"a\" \"b;{\" // {\n}\n"),
		"addons/sourcemod/configs/databases.cfg": []byte("\"Databases\"\n{\n"),
		"addons/sourcemod/gamedata/x.txt": []byte(
			"\"Games\" { \"l4d2\" { \"Signatures\" { \"linux\" \"\\x55\\x22\\x8B\" } } }"),
		"addons/sourcemod/configs/admins_simple.ini": []byte(
			"/**\n * \"not\n */\n// \"STEAM_0:1:1\" \"z\n; x\n\"STEAM_1:0:123\" \"99:z\"\n\"!127.0.0.1\" \"@group\" \"pass word\"\n" +
				"\"STEAM_1:0:5\"\n"),
		"missions/m.txt": []byte("mission { name x modes { coop { 1 { map c1m1_hotel } } } }\n}"),
	}, `^syntax missions/m.txt: syntax error in line 2: .*\n` +
		`syntax addons/metamod.vdf: syntax error in line 3: the quotation mark .*\n` +
		`syntax addons/sourcemod/configs/databases.cfg: syntax error in line 2: the bracket .*\n` +
		`syntax resource/ui.res: syntax error in line 4: } is missing .*\n` +
		`text addons/sourcemod/configs/admins_simple.ini: line 8: the administrator has no rights in this line$`},
	{"texts with encoding problems", layer{
		"cfg/server.cfg":                    []byte("\ufeffsv_cheats 0\nhostname “x”\n"),
		"addons/sourcemod/configs/core.cfg": []byte("\xff\xfeC\x00o\x00r\x00e\x00"),
		"resource/left4dead2_german.txt":    []byte("\xff\xfea\x00b\x00c\x00d\x00"), "addons/readme.txt": []byte("\ufeffx"),
		"addons/a.vpk": pack("cfg/a.cfg", "\ufeffsv_cheats 0\n", "scripts/vscripts/a.nut", "\ufeff"+goodScript),
	}, `^text addons/a.vpk: cfg/a.cfg: the file begins with a byte order mark: .*\n` +
		`text addons/a.vpk: scripts/vscripts/a.nut: the file begins with a byte order mark: .*\n` +
		`text addons/sourcemod/configs/core.cfg: the file is UTF-16: .*\n` +
		`text cfg/server.cfg: the file begins with a byte order mark: .*\n` +
		`text cfg/server.cfg: line 2: typographic .*$`},
	{"too many add-ons", manyPacks, `^too-many : there are 201 add-ons; `},
}

func TestTreeReportsExpectedWarnings(t *testing.T) {
	for _, c := range warningCases {

		w, _ := tree(t, c.l)
		if got := show(w); !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("%s:\n%s\nwant %s", c.name, got, c.want)
		}
	}
}

// Real add-ons, stacked as a user would, must not cause warnings.
func TestRealAddonsCauseNoWarnings(t *testing.T) {
	l := layer{}
	real, err := filepath.Glob("../../../../source/vpk/testdata/*.vpk")
	must(t, err)
	if len(real) < 5 {
		t.Fatal("fewer than 5 add-ons in testdata")
	}
	for _, f := range real {
		b, err := os.ReadFile(f)
		must(t, err)
		l["addons/"+filepath.Base(f)] = b
	}
	if w, c := tree(t, l); len(w) > 0 || len(c) > 0 {
		t.Errorf("got warnings\n%s\nand campaigns %v, want none", show(w), c)
	}
}

func TestSimulatedOverlaysCauseNoWarnings(t *testing.T) {
	for _, kind := range installation.OverlayKinds() {
		dir := t.TempDir()
		must(t, installation.LayOverlay(dir, kind, installation.Options{Scale: 0.1}))
		w, c, err := inspect.Tree(t.Context(), dir, "")
		must(t, err)
		if len(w) > 0 {
			t.Errorf("%s: got warnings %s, want none", kind, show(w))
		}
		if (kind == installation.CustomCampaign) != (len(c) == 1) {
			t.Errorf("%s: got %d campaigns", kind, len(c))
		}
	}
}

func TestCampaignsAndMapsWithoutMission(t *testing.T) {
	l := layer{
		"addons/b.vpk": pack("addonimage.jpg", "jpeg", "missions/b.txt",
			"mission { name Bee displaytitle \"#token\" modes { versus { 1 { map b1 displayname #x image vgui\\Pic } } } }",
			"maps/b1.bsp", "x", "maps/stray.bsp", "x", "materials/vgui/pic.jpg", "jpeg"),
		"missions/a.txt": []byte(missionText("Aye", "A1", "a2")),
		"maps/a1.bsp":    nil, "maps/a2.bsp": nil, "maps/alone.bsp": nil,
	}
	_, all := tree(t, l)
	if len(all) != 2 {
		t.Fatalf("got campaigns %+v, want 2", all)
	}
	a, b := all[1], all[0]
	if a.ID != "Aye" || a.Title != "The Aye" || a.Author != "me" || a.File != "" || a.Mission != "left4dead2/missions/a.txt" ||
		len(a.Modes["coop"]) != 2 || a.Modes["coop"][0].Map != "a1" || a.Modes["coop"][1].Title != "2: a2" {
		t.Errorf("wrong campaign from a loose file: %+v", a)
	}
	if b.ID != "Bee" || b.Title != "Bee" || b.File != "left4dead2/addons/b.vpk" || b.Mission != "missions/b.txt" ||
		b.Image != "addonimage.jpg" {
		t.Errorf("wrong campaign from a VPK: %+v", b)
	}
	if c := b.Modes["versus"][0]; c.Map != "b1" || c.Title != "b1" || c.Image != "materials/vgui/pic.jpg" {
		t.Errorf("wrong chapter: %+v", c)
	}
	more, err := inspect.Campaigns(t.Context(), inspect.Layer{Name: "maps", Dir: l.lay(t)})
	must(t, err)
	var mapsWithoutMission []string
	for _, c := range more {
		if c.Overlay != "maps" {
			t.Errorf("got %+v, want overlay maps", c)
		}
		for _, m := range c.Modes[left4me.AnyMode] {
			mapsWithoutMission = append(mapsWithoutMission, c.Title+": "+m.Map)
		}
	}
	if got := strings.Join(mapsWithoutMission, ", "); got != "b: stray, Maps without a campaign: alone" {
		t.Error(got)
	}
}

func TestStackReportsConflictsBetweenLayers(t *testing.T) {
	upper := layer{
		"addons/a.vpk": pack("x/1", "upper", "x/own", "1"), "addons/same.vpk": pack("x/2", "upper"),
		"scripts/vscripts/mapspawn_addon.nut": nil,
		"addons/c.vpk":                        pack("missions/c.txt", missionText("C", "c1m1_hotel")), "cfg/x.cfg": nil,
	}
	lower := layer{
		"addons/b.vpk": pack("x/1", "lower"), "addons/same.vpk": pack("x/2", "lower", "x/1", "hidden"),
		"scripts/vscripts/mapspawn_addon.nut": nil,
		"addons/d.vpk":                        pack("missions/d.txt", missionText("c", "c1m2_streets")), "cfg/x.cfg": nil,
		"addons/broken.vpk": nil,
	}
	w, err := inspect.Stack(t.Context(), []inspect.Layer{{Name: "up", Dir: upper.lay(t)}, {Name: "low", Dir: lower.lay(t)}}, nil, 0)
	must(t, err)
	twice := layer{"addons/a.vpk": pack("x/1", "upper"), "addons/b.vpk": pack("x/1", "lower")}
	if alone, err := inspect.Stack(t.Context(), []inspect.Layer{{Name: "up", Dir: twice.lay(t)}}, nil, 0); err != nil || len(alone) > 0 {
		t.Errorf("a single layer: got %v, %v, want no warnings", alone, err)
	}
	want := `duplicate addons/d.vpk: the campaign c is also in left4dead2/addons/c.vpk
same-file addons/a.vpk: left4dead2/addons/b.vpk of overlay low contains the same file with different content: x/1
script scripts/vscripts/mapspawn_addon.nut: overlay up and overlay low both contain this script, and the game runs only the one of overlay up`
	if got := show(w); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestSumsReportsWrongChecksums(t *testing.T) {
	bad := pack("maps/m.bsp", "some data")
	bad[len(bad)-1]++
	l := layer{"addons/good.vpk": pack("x", "y"), "addons/bad.vpk": bad, "addons/none.vpk": nil}
	w, err := inspect.Sums(t.Context(), l.lay(t),
		[]string{"left4dead2/addons/good.vpk", "left4dead2/addons/bad.vpk", "left4dead2/addons/none.vpk", "left4dead2/addons/gone.vpk"},
		nil)
	must(t, err)
	if got := show(w); got != "broken addons/bad.vpk: the add-on has wrong checksums: maps/m.bsp" {
		t.Errorf("got %q, want one warning about bad.vpk", got)
	}
}

func TestWarningsPerKindAreLimited(t *testing.T) {
	l := layer{}
	for i := range 80 {
		l[fmt.Sprintf("addons/a%02d.vpk", i)] = []byte("no")
	}
	w, _ := tree(t, l)
	if len(w) != 51 || w[50].Text != "30 more warnings of this kind" {
		t.Errorf("got %d warnings ending in %+v, want 50 and a count of 30 more", len(w), w[len(w)-1])
	}
}

func TestTreeReturnsContextError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := inspect.Tree(ctx, layer{"addons/a.vpk": pack("x", "y")}.lay(t), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if _, _, err := inspect.Tree(t.Context(), filepath.Join(t.TempDir(), "none"), ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want os.ErrNotExist", err)
	}
}

// Following a link would read files outside of the layer.
func TestTreeDoesNotFollowLinks(t *testing.T) {
	dir := layer{"addons/a.vpk": pack("x/y", "z")}.lay(t)
	outside := layer{"addons/b.vpk": []byte("broken")}.lay(t)
	must(t, os.Symlink(filepath.Join(outside, "left4dead2/addons/b.vpk"), filepath.Join(dir, "left4dead2/addons/b.vpk")))
	must(t, os.Symlink(outside, filepath.Join(dir, "left4dead2/addons/workshop")))
	w, _, err := inspect.Tree(t.Context(), dir, "")
	must(t, err)
	if len(w) > 0 {
		t.Errorf("got warnings %s, want none", show(w))
	}
}

// left4me doesn't repack add-ons, so texts in them can't be repaired.
func TestOnlyLooseTextsCanBeRepaired(t *testing.T) {
	w, _ := tree(t, layer{"cfg/a.cfg": []byte("\ufeffx\n" + strings.Repeat("y", 600)), "addons/a.vpk": pack("cfg/a.cfg", "\ufeffx")})
	got := map[string]bool{}
	for _, w := range w {
		got[w.Path+" "+w.Hint] = w.Fix
	}
	want := map[string]bool{
		"left4dead2/cfg/a.cfg save the file as UTF-8 without a byte order mark":                               true,
		"left4dead2/cfg/a.cfg shorten the command":                                                            false,
		"left4dead2/addons/a.vpk save the file as UTF-8 without a byte order mark, and pack the add-on again": false,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("mismatch (-want +got):\n%s", d)
	}
}

func TestMisplacedFilesAreReported(t *testing.T) {
	const games = "\"Games\"\n{\n}\n"
	w, _ := tree(t, layer{
		"addons/x.smx": nil, "addons/sourcemod/plugins/ok.smx": nil, "addons/sourcemod/plugins/disabled/off.smx": nil,
		"addons/SourceMod/Plugins/A.smx": nil,
		"addons/sourcemod/x.phrases.txt": nil, "addons/sourcemod/translations/ok.phrases.txt": nil,
		"addons/sourcemod/configs/g.txt": []byte(games), "addons/sourcemod/gamedata/ok.txt": []byte(games),
		"addons/sourcemod/sourcemod/plugins/d.smx": nil,
		"addons/tool.vdf":                          []byte(`"Plugin" { "file" "addons/tool" }`), "addons/tool.dll": nil,
		"addons/gone.vdf": []byte(`"Plugin" { "file" "../left4dead2/addons/nothere/server" }`),
		"addons/good.vdf": []byte(`"Plugin" { "file" "addons/good" }`), "addons/good.so": []byte("\x7fELF\x01"),
		"addons/wide.vdf": []byte(`"Plugin" { "file" "addons/wide" }`), "addons/wide.so": []byte("\x7fELF\x02"),
		"addons/sourcemod/extensions/socket.autoload": nil, "addons/sourcemod/extensions/socket.ext.dll": nil,
		"addons/sourcemod/extensions/ok.autoload": nil, "addons/sourcemod/extensions/ok.ext.2.l4d2.so": nil,
		"addons/sourcemod/extensions/x64only.autoload": nil, "addons/sourcemod/extensions/x64/x64only.ext.so": nil,
		"addons/sourcemod/extensions/none.autoload": nil,
	})
	got := show(w)
	want := `incomplete addons/gone.vdf: the program left4dead2/addons/nothere/server, which this file loads, is missing
incomplete addons/sourcemod/extensions/none.autoload: the program left4dead2/addons/sourcemod/extensions/none.ext, which this file loads, is missing
incomplete addons/sourcemod/extensions/socket.autoload: only the Windows build of left4dead2/addons/sourcemod/extensions/socket.ext is present: socket.ext.dll
incomplete addons/sourcemod/extensions/x64only.autoload: only a 64-bit build of left4dead2/addons/sourcemod/extensions/x64only.ext is present, but the game is a 32-bit program
incomplete addons/tool.vdf: only the Windows build of left4dead2/addons/tool is present: tool.dll
incomplete addons/wide.vdf: only a 64-bit build of left4dead2/addons/wide is present, but the game is a 32-bit program
name addons/SourceMod/Plugins: the directory name is not in lower case, so the game and SourceMod do not find it on Linux
name addons/SourceMod: the directory name is not in lower case, so the game and SourceMod do not find it on Linux
place addons/SourceMod/Plugins/A.smx: SourceMod loads plugins only from left4dead2/addons/sourcemod/plugins
place addons/sourcemod/configs/g.txt: the file contains game data, which SourceMod reads only from left4dead2/addons/sourcemod/gamedata
place addons/sourcemod/sourcemod: the directory sourcemod contains a directory of the same name, which neither the game nor its plugins read
place addons/sourcemod/sourcemod/plugins/d.smx: SourceMod loads plugins only from left4dead2/addons/sourcemod/plugins
place addons/sourcemod/x.phrases.txt: SourceMod reads phrases only from left4dead2/addons/sourcemod/translations
place addons/x.smx: SourceMod loads plugins only from left4dead2/addons/sourcemod/plugins`
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestStackReportsMissingDependencies(t *testing.T) {
	plugins := layer{"addons/sourcemod/plugins/x.smx": nil, "addons/metamod/y.vdf": nil}
	sourcemod := layer{"addons/sourcemod/bin/sourcemod_mm_i486.so": nil, "addons/metamod/bin/server.so": nil}
	for name, c := range map[string]struct {
		layers []layer
		game   layer
		tick   int
		want   string
	}{
		"nothing": {
			nil,
			layer{"x": nil},
			100,
			"tick-rate : the tick rate is 100, but no overlay enables it, so the game runs at 30",
		},
		"30": {nil, layer{"x": nil}, 30, ""},
		"plugins": {
			[]layer{plugins},
			layer{"x": nil},
			0,
			"no-metamod addons/metamod/y.vdf: the overlays contain Metamod plugins but no Metamod, so no plugin is loaded\n" +
				"no-sourcemod addons/sourcemod/plugins/x.smx: the overlays contain SourceMod plugins but no SourceMod, " +
				"so no plugin is loaded",
		},
		"in another overlay":   {[]layer{plugins, sourcemod}, layer{"x": nil}, 0, ""},
		"in the game":          {[]layer{plugins}, sourcemod, 0, ""},
		"switched off":         {[]layer{{"addons/sourcemod/plugins/disabled/x.smx": nil}}, layer{"x": nil}, 0, ""},
		"an enabler":           {[]layer{{"addons/tickrate_enabler.so": nil}}, layer{"x": nil}, 60, ""},
		"l4dtoolz in the game": {nil, layer{"addons/l4dtoolz.so": nil}, 60, ""},
		"capitals in one layer": {
			[]layer{{"cfg/My/x.cfg": nil}, {"cfg/my/y.cfg": nil}},
			layer{"x": nil},
			0,
			"name cfg/my: overlay o0 contains this path as left4dead2/cfg/My; the names differ only in case, and on Linux both exist",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var layers []inspect.Layer
			for i, l := range c.layers {
				layers = append(layers, inspect.Layer{Name: left4me.Name(fmt.Sprintf("o%d", i)), Dir: l.lay(t)})
			}
			w, err := inspect.Stack(t.Context(), layers, []inspect.Layer{{Dir: c.game.lay(t)}}, c.tick)
			if err != nil || show(w) != c.want {
				t.Errorf("%v\n%s\nwant\n%s", err, show(w), c.want)
			}
		})
	}
}
