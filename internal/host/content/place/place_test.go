package place_test

import (
	"fmt"
	"math"
	"path"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/host/content/place"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	gamedata = "\"Games\"\n{\n\t\"#default\"\n\t{\n"
	words    = "// words\n\"Phrases\"\n{\n"
	data     = "\"Hats\"\n{\n\t\"1\" \"x\"\n"
	mission  = "\xef\xbb\xbf\"mission\"\n{\n"
	elf32    = "\x7fELF\x01\x01\x01"
	elf64    = "\x7fELF\x02\x01\x01"
)

// in parses files of the form "path" or "path=beginning of the content"; a path that ends in / is a
// directory.
func in(lines ...string) (all []place.File) {
	for _, l := range lines {
		p, head, _ := strings.Cut(l, "=")
		f := place.File{Path: strings.TrimSuffix(p, "/"), Dir: strings.HasSuffix(p, "/"), Size: int64(len(head)), Head: []byte(head)}
		all = append(all, f)
	}
	return all
}

// format returns results as "path > place" or "path ! reason", with " ?" for a question.
func format(files []place.File, p place.Placing) (all []string) {
	for i, r := range p.Files {
		if files[i].Dir && r.To == "" {
			continue
		}
		line := files[i].Path + " > " + strings.TrimPrefix(r.To, "left4dead2/")
		if r.To == "" {
			line = files[i].Path + " ! " + r.Why.Text
		}
		if r.Asked > 0 {
			line += " ?"
		}
		all = append(all, line)
	}
	return all
}

const sm = "addons/sourcemod/"

// placedFiles contains uploads and the expected results, as returned by format.
var placedFiles = map[string]struct{ in, want []string }{
	"SourceMod directories without a parent": {
		[]string{
			"translations/x.phrases.txt", "data/x.cfg", "cfg/sourcemod/x.cfg", "plugins/x.smx", "configs/y.ini",
			"extensions/z.ext.so", "scripting/x.sp", "gamedata/x.txt",
		},
		[]string{
			"translations/x.phrases.txt > " + sm + "translations/x.phrases.txt", "data/x.cfg > " + sm + "data/x.cfg",
			"cfg/sourcemod/x.cfg > cfg/sourcemod/x.cfg", "plugins/x.smx > " + sm + "plugins/x.smx",
			"configs/y.ini > " + sm + "configs/y.ini", "extensions/z.ext.so > " + sm + "extensions/z.ext.so",
			"scripting/x.sp > " + sm + "scripting/x.sp", "gamedata/x.txt > " + sm + "gamedata/x.txt",
		},
	},
	"single files next to directories": {
		[]string{"thing.sp", "thing.smx", "thing.inc", "gamedata/thing.txt", "translations/thing.phrases.txt"},
		[]string{
			"thing.sp > " + sm + "scripting/thing.sp", "thing.smx > " + sm + "plugins/thing.smx",
			"thing.inc > " + sm + "scripting/include/thing.inc", "gamedata/thing.txt > " + sm + "gamedata/thing.txt",
			"translations/thing.phrases.txt > " + sm + "translations/thing.phrases.txt",
		},
	},
	"plugin without directories": {
		[]string{
			"foo.phrases.txt", "foo.txt=" + gamedata, "words.txt=" + words, "foo.cfg=sm_cvar x 1\n", "foo.smx", "foo.sp",
			"notes.txt=hello\n", "README.md",
		},
		[]string{
			"foo.phrases.txt > " + sm + "translations/foo.phrases.txt", "foo.txt > " + sm + "gamedata/foo.txt",
			"words.txt > " + sm + "translations/words.txt", "foo.cfg > cfg/sourcemod/foo.cfg",
			"foo.smx > " + sm + "plugins/foo.smx", "foo.sp > " + sm + "scripting/foo.sp",
			"notes.txt ! a text file that no file next to it mentions", "README.md ! documentation, not used by the game",
		},
	},
	"plugin of the game": {
		[]string{"tool.dll", "tool.vdf=\"Plugin\"\n{\n\t\"file\"\t\"addons/tool\"\n}\n", "tool.so=" + elf32},
		[]string{"tool.dll ! for Windows; servers run on Linux", "tool.vdf > addons/tool.vdf", "tool.so > addons/tool.so"},
	},
	"Metamod plugin": {
		[]string{
			"m.vdf=\"Metamod Plugin\" { \"alias\" \"m\" \"file\" \"addons\\\\m\\\\bin\\\\m_mm\" }", "m_mm.so=" + elf32,
			"m_mm_i486.so=" + elf32,
		},
		[]string{"m.vdf > addons/metamod/m.vdf", "m_mm.so > addons/m/bin/m_mm.so", "m_mm_i486.so > addons/m/bin/m_mm_i486.so"},
	},
	"SourceMod extension": {
		[]string{
			"s.ext.so=" + elf32, "s.ext.2.l4d2.so=" + elf32, "s.ext.dll", "s.inc", "s.autoload", "s64.ext.so=" + elf64,
			"s.so=" + elf32, "lone.so=" + elf32,
		},
		[]string{
			"s.ext.so > " + sm + "extensions/s.ext.so", "s.ext.2.l4d2.so > " + sm + "extensions/s.ext.2.l4d2.so",
			"s.ext.dll ! for Windows; servers run on Linux", "s.inc > " + sm + "scripting/include/s.inc",
			"s.autoload > " + sm + "extensions/s.autoload", "s64.ext.so ! a 64-bit program; the game is a 32-bit program",
			"s.so > " + sm + "extensions/s.so", "lone.so > addons/lone.so ?",
		},
	},
	"doubled directories": {
		[]string{
			"hooks-main/sourcemod/sourcemod/plugins/h.smx", "addons/addons/metamod.vdf", "left4dead2/left4dead2/cfg/x.cfg",
			"a/cfg/cfg/y.cfg", "a/translations/translations/z.phrases.txt",
		},
		[]string{
			"hooks-main/sourcemod/sourcemod/plugins/h.smx > " + sm + "plugins/h.smx",
			"addons/addons/metamod.vdf > addons/metamod.vdf", "left4dead2/left4dead2/cfg/x.cfg > cfg/x.cfg",
			"a/cfg/cfg/y.cfg > cfg/y.cfg", "a/translations/translations/z.phrases.txt > " + sm + "translations/z.phrases.txt",
		},
	},
	"plugins outside of plugins": {
		[]string{
			"addons/x.smx", "addons/sourcemod/x2.smx", "addons/sourcemod/plugins/disabled/d.smx", "addons/plugins/p.smx",
			"left4dead2/plugins/q.smx",
		},
		[]string{
			"addons/x.smx > " + sm + "plugins/x.smx", "addons/sourcemod/x2.smx > " + sm + "plugins/x2.smx",
			"addons/sourcemod/plugins/disabled/d.smx > " + sm + "plugins/disabled/d.smx",
			"addons/plugins/p.smx > " + sm + "plugins/p.smx", "left4dead2/plugins/q.smx > " + sm + "plugins/q.smx",
		},
	},
	"capitalised directories": {
		[]string{
			"addons/SourceMod/Plugins/A.smx", "Addons/Metamod/Bin/server.so", "CFG/SourceMod/x.cfg",
			"Addons/SourceMod/Plugins/Disabled/B.smx", "Addons/SourceMod/Scripting/Include/c.inc", "addons/SourceMod/data/Mine/x.txt",
			"Maps/Foo.bsp",
		},
		[]string{
			"addons/SourceMod/Plugins/A.smx > " + sm + "plugins/A.smx", "Addons/Metamod/Bin/server.so > addons/metamod/bin/server.so",
			"CFG/SourceMod/x.cfg > cfg/sourcemod/x.cfg",
			"Addons/SourceMod/Plugins/Disabled/B.smx > " + sm + "plugins/disabled/B.smx",
			"Addons/SourceMod/Scripting/Include/c.inc > " + sm + "scripting/include/c.inc",
			"addons/SourceMod/data/Mine/x.txt > " + sm + "data/Mine/x.txt", "Maps/Foo.bsp > maps/Foo.bsp",
		},
	},
	"repository with left4dead2 next to sourcemod": {
		[]string{
			"r-main/left4dead2/cfg/server.cfg", "r-main/sourcemod/plugins/x.smx", "r-main/sourcemod/configs/a.cfg",
			"r-main/docs/a.png",
		},
		[]string{
			"r-main/left4dead2/cfg/server.cfg > cfg/server.cfg", "r-main/sourcemod/plugins/x.smx > " + sm + "plugins/x.smx",
			"r-main/sourcemod/configs/a.cfg > " + sm + "configs/a.cfg", "r-main/docs/a.png ! documentation, not used by the game",
		},
	},
	"repository of plugins": {
		[]string{
			"r-main/one/one.sp", "r-main/one/one.txt=" + gamedata, "r-main/two/plugins/two.smx", "r-main/two/scripting/two.sp",
			"r-main/three/addons/sourcemod/plugins/three.smx", "r-main/two/data/two.cfg=" + data,
			"r-main/four/four.sp", "r-main/four/parts/api.sp", "r-main/chi/x.phrases.txt", "r-main/include/x.inc", "r-main/lib/a.inc",
			"r-main/five/install.sh",
		},
		[]string{
			"r-main/one/one.sp > " + sm + "scripting/one.sp", "r-main/one/one.txt > " + sm + "gamedata/one.txt",
			"r-main/two/plugins/two.smx > " + sm + "plugins/two.smx", "r-main/two/scripting/two.sp > " + sm + "scripting/two.sp",
			"r-main/three/addons/sourcemod/plugins/three.smx > " + sm + "plugins/three.smx",
			"r-main/two/data/two.cfg > " + sm + "data/two.cfg", "r-main/four/four.sp > " + sm + "scripting/four.sp",
			"r-main/four/parts/api.sp > " + sm + "scripting/parts/api.sp",
			"r-main/chi/x.phrases.txt > " + sm + "translations/chi/x.phrases.txt",
			"r-main/include/x.inc > " + sm + "scripting/include/x.inc",
			"r-main/lib/a.inc > " + sm + "scripting/include/lib/a.inc",
			"r-main/five/install.sh ! source code or a tool, not used by the game",
		},
	},
	"data mentioned in source code and texts": {
		[]string{
			"a/a.sp=#define FILE \"configs/hat/hats.txt\"\n", "a/hats.txt=" + data, "b/b.smx",
			"b/README.md=put it into addons\\sourcemod\\data\\gifts.cfg", "b/gifts.cfg=" + data, "b/other.cfg=" + data,
			"b/list.txt=one\ntwo\n",
		},
		[]string{
			"a/a.sp > " + sm + "scripting/a.sp", "a/hats.txt > " + sm + "configs/hat/hats.txt", "b/b.smx > " + sm + "plugins/b.smx",
			"b/README.md ! documentation, not used by the game", "b/gifts.cfg > " + sm + "data/gifts.cfg",
			"b/other.cfg > " + sm + "data/other.cfg ?", "b/list.txt ! a text file that no file next to it mentions",
		},
	},
	"settings of other programs": {
		[]string{"panel/panel.py", "panel/panel.ini=[x]\n", "panel/data/x.cfg=" + data, "plugins/x.smx"},
		[]string{
			"panel/panel.py ! source code or a tool, not used by the game", "panel/panel.ini ! settings of another program",
			"panel/data/x.cfg ! settings of another program", "plugins/x.smx > " + sm + "plugins/x.smx",
		},
	},
	"web site": {
		[]string{"stats/index.php", "stats/js/common.cfg=x 1", "stats/games.ini", "stats.smx"},
		[]string{
			"stats/index.php ! part of a website", "stats/js/common.cfg ! part of a website",
			"stats/games.ini ! part of a website", "stats.smx > " + sm + "plugins/stats.smx",
		},
	},
	"unpacked campaign": {
		[]string{
			"camp/addoninfo.txt=\"AddonInfo\" {", "camp/maps/c1.bsp", "camp/missions/c.txt=" + mission, "camp/materials/x/y.vmt",
			"camp/scripts/vscripts/a.nut", "loose.txt=" + mission, "other.nut", "d.nav",
		},
		[]string{
			"camp/addoninfo.txt ! describes an add-on; only VPK files need it", "camp/maps/c1.bsp > maps/c1.bsp",
			"camp/missions/c.txt > missions/c.txt", "camp/materials/x/y.vmt > materials/x/y.vmt",
			"camp/scripts/vscripts/a.nut > scripts/vscripts/a.nut", "loose.txt > missions/loose.txt",
			"other.nut > scripts/vscripts/other.nut", "d.nav > maps/d.nav",
		},
	},
	"add-ons in a folder named maps": {
		[]string{"maps/a/a.VPK", "maps/readme.txt", "workshop/b.c.vpk"},
		[]string{
			"maps/a/a.VPK > addons/a.vpk", "maps/readme.txt ! documentation, not used by the game",
			"workshop/b.c.vpk > addons/b_c.vpk",
		},
	},
	"variants for Linux and Windows": {
		[]string{"linux/addons/a.so", "linux/addons/a.vdf", "windows/addons/a.dll", "windows/addons/a.vdf"},
		[]string{
			"linux/addons/a.so > addons/a.so", "linux/addons/a.vdf > addons/a.vdf",
			"windows/addons/a.dll ! for Windows; servers run on Linux", "windows/addons/a.vdf ! for Windows; servers run on Linux",
		},
	},
	"complete game": {
		[]string{
			"game/left4dead2/addons/x.vpk", "game/left4dead2/pak01_dir.vpk", "game/bin/libx.so", "game/left4dead2_dlc1/y.txt",
			"game/hl2/z.vpk", "game/srcds_run",
		},
		[]string{
			"game/left4dead2/addons/x.vpk > addons/x.vpk", "game/left4dead2/pak01_dir.vpk > pak01_dir.vpk",
			"game/bin/libx.so > bin/libx.so", "game/left4dead2_dlc1/y.txt > left4dead2_dlc1/y.txt", "game/hl2/z.vpk > hl2/z.vpk",
			"game/srcds_run ! not a kind of file that the game or SourceMod reads",
		},
	},
	"configurations": {
		[]string{
			"my-cfg/server.cfg", "my-cfg/vote/a.cfg=x 1", "my-cfg/sourcemod/b.cfg=x 1", "admins_simple.ini", "motd.txt",
			"x/global_filters.cfg", "x/c1m1.cfg=filter:\n{\n", "auto.cfg=// This file was auto-generated by SourceMod (v1.12)\n",
			"plain.cfg=sv_x 1",
		},
		[]string{
			"my-cfg/server.cfg > cfg/server.cfg", "my-cfg/vote/a.cfg > cfg/vote/a.cfg", "my-cfg/sourcemod/b.cfg > cfg/sourcemod/b.cfg",
			"admins_simple.ini > " + sm + "configs/admins_simple.ini", "motd.txt > motd.txt",
			"x/global_filters.cfg > addons/stripper/global_filters.cfg", "x/c1m1.cfg > addons/stripper/maps/c1m1.cfg",
			"auto.cfg > cfg/sourcemod/auto.cfg", "plain.cfg > cfg/plain.cfg",
		},
	},
	"two versions of a plugin": {
		[]string{"hooks (v1.9)/plugins/h.smx=a", "hooks (v1.10)/plugins/h.smx=aa"},
		[]string{
			"hooks (v1.9)/plugins/h.smx ! hooks (v1.10)/plugins/h.smx has the same destination ?",
			"hooks (v1.10)/plugins/h.smx > " + sm + "plugins/h.smx",
		},
	},
	"update inside a content tree": {
		[]string{
			"t/addons/sourcemod/plugins/h.smx=a", "t/update/addons/sourcemod/plugins/h.smx=aa",
			"t/update/addons/sourcemod/plugins/new.smx",
		},
		[]string{
			"t/addons/sourcemod/plugins/h.smx > " + sm + "plugins/h.smx",
			"t/update/addons/sourcemod/plugins/h.smx ! t/addons/sourcemod/plugins/h.smx has the same destination and takes precedence",
			"t/update/addons/sourcemod/plugins/new.smx > " + sm + "plugins/new.smx",
		},
	},
	"junk": {
		[]string{
			"__MACOSX/x/._a.smx", ".git/config", "x/.DS_Store", "x/Thumbs.db", "a.smx", "pic.jpg", "setup.exe", "x.sql", "x.log",
			"x.zip", "x.dem", "x.unheard",
		},
		[]string{
			"__MACOSX/x/._a.smx ! left by an operating system, an editor or version control",
			".git/config ! left by an operating system, an editor or version control",
			"x/.DS_Store ! left by an operating system, an editor or version control",
			"x/Thumbs.db ! left by an operating system, an editor or version control", "a.smx > " + sm + "plugins/a.smx",
			"pic.jpg ! documentation, not used by the game", "setup.exe ! for Windows; servers run on Linux",
			"x.sql ! for a database, not used by the game", "x.log ! a log file",
			"x.zip ! an archive next to other files; upload it separately if you need it", "x.dem ! a recording of a game",
			"x.unheard ! not a kind of file that the game or SourceMod reads",
		},
	},
	"two spellings of one directory": {
		[]string{"cfg/My/a.cfg", "cfg/my/b.cfg"},
		[]string{"cfg/My/a.cfg > cfg/My/a.cfg", "cfg/my/b.cfg > cfg/My/b.cfg"},
	},
	"empty directories": {
		[]string{"addons/", "addons/sourcemod/", "addons/sourcemod/Logs/", "docs/"},
		[]string{"addons > addons", "addons/sourcemod > addons/sourcemod", "addons/sourcemod/Logs > addons/sourcemod/logs"},
	},
}

func TestPlaceByDirectoryNameAndContent(t *testing.T) {
	for name, c := range placedFiles {
		t.Run(name, func(t *testing.T) {
			files := in(c.in...)
			if d := cmp.Diff(c.want, format(files, place.Place(files, nil))); d != "" {
				t.Errorf("mismatch (-want +got):\n%s", d)
			}
		})
	}
}

func TestMovesAreRelativeToTopFolder(t *testing.T) {
	for _, top := range []string{"", "r-1.0/", "r-1.1/"} {
		files := in(top+"a/x.txt=some", top+"a/b/y.smx", top+"c.cfg=x 1", top+"other/z.sp")
		p := place.Place(files,
			[]left4me.FolderMove{
				{From: "a", To: "left4dead2/addons/sourcemod/data"},
				{From: "a/b", To: "-"},
				{From: "c.cfg", To: "left4dead2/cfg/mine"},
			})
		want := []string{
			top + "a/x.txt > addons/sourcemod/data/x.txt", top + "a/b/y.smx ! you excluded it",
			top + "c.cfg > cfg/mine/c.cfg", top + "other/z.sp > addons/sourcemod/scripting/z.sp",
		}
		if d := cmp.Diff(want, format(files, p)); d != "" {
			t.Errorf("mismatch (-want +got):\n%s", d)
		}
	}
}

// The result must not change if only the wanted files have heads.
func TestOnlyWantedHeadsAffectPlacing(t *testing.T) {
	files := in("addons/a.txt="+gamedata, "addons/sourcemod/gamedata/b.txt="+gamedata, "c/c.txt="+gamedata, "c/c.sp=\"configs/d.cfg\"",
		"c/d.cfg="+data, "translations/e.txt="+words, "f.vpk=x", "g.smx=y")
	all := place.Place(files, nil)
	wanted := map[int]bool{}
	for _, i := range place.Wanted(files, nil) {
		wanted[i] = true
	}
	for i := range files {
		if !wanted[i] {
			files[i].Head = nil
		}
	}
	if d := cmp.Diff(all, place.Place(files, nil)); d != "" || len(wanted) != 4 {
		t.Errorf("got wanted files %v, want 4; results differ:\n%s", wanted, d)
	}
}

// An uploader controls the number and depth of directories, so the time must not be quadratic. Four
// times as many files should take about four times as long, measured in CPU time of the thread,
// which excludes other processes.
func TestPlacingTakesLinearTime(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	took := func(files []place.File) time.Duration {
		best := time.Duration(math.MaxInt64)
		for range 3 {
			begun := threadTime(t)
			if got := place.Place(files, nil); len(got.Files) != len(files) {
				t.Error(len(got.Files))
			}
			best = min(best, threadTime(t)-begun)
		}
		return best
	}
	few, many := crowds(1), crowds(4)
	for name := range few {
		if one, four := took(few[name]), took(many[name]); four > 10*one {
			t.Errorf("%s: got %s for four times as many files, want about 4 x %s", name, four, one)
		}
	}
}

// threadTime returns the CPU time of this thread.
func threadTime(t *testing.T) time.Duration {
	t.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		t.Fatal(err)
	}
	return time.Duration(ts.Nano())
}

// crowds returns uploads of thousands of files, multiplied by n.
func crowds(n int) map[string][]place.File {
	var wide, deep, same, texts []place.File
	for i := range 1000 * n {
		texts = append(texts, place.File{Path: fmt.Sprintf("x/%d.cfg", i), Head: []byte(data)}, place.File{Path: fmt.Sprintf("x/%d.so", i)})
		wide = append(wide, place.File{Path: fmt.Sprintf("%d/maps/c%d.bsp", i, i)})
		same = append(same, place.File{Path: fmt.Sprintf("%d/plugins/x.smx", i), Size: int64(i)})
	}
	for i := range 40 * n {
		texts = append(texts, place.File{Path: fmt.Sprintf("x/%d.sp", i), Head: []byte(strings.Repeat("configs/", 500))})
	}
	for i := range 250 * n {
		deep = append(deep, place.File{Path: strings.Repeat("x/", 60) + fmt.Sprintf("%d.sp", i), Head: []byte("x")},
			place.File{Path: fmt.Sprintf("%d/%d.txt", i, i), Head: []byte(data)})
	}
	return map[string][]place.File{"wide": wide, "deep": deep, "same": same, "texts": texts}
}

// FuzzPlace checks that every file gets a result with a reason, that no path leaves the layer, that
// no two files get the same place, and that the result is deterministic.
func FuzzPlace(f *testing.F) {
	f.Add("a/plugins/x.smx\nb/x.smx\nC/Plugins/X.SMX", gamedata, "a", "left4dead2/cfg")
	f.Add("x.vdf\nx.so\nx.dll\nx.ext.so\naddons/addons/x/", "\"Plugin\" { \"file\" \"../left4dead2/addons/../../x\" }", "x", "-")
	f.Add("r/left4dead2/left4dead2/cfg/a.cfg\nr/cfg/\u00e9.cfg\nr/cfg/e\u0301.cfg\nr/x.txt\nr/a.sp",
		"\"configs/../../x.txt\" configs/q/x.txt", "r", "left4dead2")
	f.Add("cfg/a\ncfg/a/b.cfg\nsourcemod/x.cfg\nbin/sourcemod.so\nwindows/x\nlinux/x.so", "\xff\xfe\"\x00P\x00h\x00", "", "")
	f.Fuzz(func(t *testing.T, lines, head, from, to string) {
		if len(lines) > 1<<14 {
			return
		}
		var files []place.File
		for l := range strings.SplitSeq(lines, "\n") {
			dir := strings.HasSuffix(l, "/")
			if l = strings.TrimSuffix(l, "/"); overlays.CheckPath(l) == nil {
				files = append(files, place.File{Path: l, Dir: dir, Size: int64(len(l) % 3), Head: []byte(head)})
			}
		}
		var moves []left4me.FolderMove
		if overlays.CheckPath(from) == nil && (to == place.LeaveOut || overlays.CheckPath(to) == nil) {
			moves = append(moves, left4me.FolderMove{From: from, To: to})
		}
		p := place.Place(files, moves)
		if d := cmp.Diff(p, place.Place(files, moves)); d != "" {
			t.Errorf("the second call returns something else: %s", d)
		}
		seen := map[string]string{}
		for i, r := range p.Files {
			switch {
			case files[i].Dir:
				continue
			case r.Why.IsZero():
				t.Errorf("%q has no reason", files[i].Path)
			case r.Asked < 0 || r.Asked > len(p.Asks):
				t.Errorf("%q: question %d does not exist", files[i].Path, r.Asked)
			case r.To == "":
				continue
			}
			if err := overlays.CheckPath(r.To); err != nil && len(r.To) < 900 && strings.Count(r.To, "/") < 60 {
				t.Errorf("%q gets an invalid path: %v", files[i].Path, err)
			}
			key := overlays.Fold(r.To)
			if other, ok := seen[key]; ok {
				t.Errorf("%q and %q both go to %q", other, files[i].Path, r.To)
			}
			seen[key] = files[i].Path
		}
		for key, p := range seen {
			for up := path.Dir(key); up != "."; up = path.Dir(up) {
				if other, ok := seen[up]; ok {
					t.Errorf("%q is placed below the file %q", p, other)
				}
			}
		}
	})
}

// FuzzReadProgram checks that the path of a program stays in the layer.
func FuzzReadProgram(f *testing.F) {
	f.Add([]byte("\"Plugin\"\n{\n\"file\" \"addons/x\"\n}"))
	f.Add([]byte("\"Metamod Plugin\" { \"alias\" \"x\" \"file\" \"../../../etc/x\" }"))
	f.Add([]byte("\xff\xfe\"\x00P\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, ok := place.ReadProgram(b)
		if ok && p.Path != "" && (!strings.HasPrefix(p.Path, "left4dead2/") || overlays.CheckPath(p.Path) != nil) {
			t.Errorf("path %q is outside of the layer", p.Path)
		}
	})
}
