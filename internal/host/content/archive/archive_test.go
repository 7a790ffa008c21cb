package archive_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/left4me/left4me/internal/host/content/archive"
	"github.com/left4me/left4me/internal/left4me"
)

// TestMain also makes the test binary the decoder process and the program that imports onto a full
// disk.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "decode" {
		if err := archive.Decode(context.Background(), os.Args[2:], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 1 && os.Args[1] == "full" {
		if err := importTooMuch(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// files maps paths to contents; a path that ends in / is a directory.
type files map[string]string

// put writes files to a new directory.
func put(t testing.TB, f files) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range f {
		p := filepath.Join(dir, filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(p), 0o755)
		if strings.HasSuffix(name, "/") {
			err = errors.Join(err, os.MkdirAll(p, 0o755))
		} else {
			err = errors.Join(err, os.WriteFile(p, []byte(text), 0o644))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// get reads all files of a directory.
func get(t testing.TB, dir string) files {
	t.Helper()
	out := files{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(p)
		out[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// open opens a directory and checks that no temporary files remain.
func open(t testing.TB, dir string, o archive.Options) (*archive.Found, error) {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	o.Scratch = t.TempDir()
	f, err := archive.Open(t.Context(), root, o)
	if f != nil {
		t.Cleanup(f.Close)
	}
	if err == nil {
		if left, rerr := os.ReadDir(o.Scratch); rerr != nil || len(left) != 0 {
			t.Errorf("temporary files remain: %v, %v", left, rerr)
		}
	}
	return f, err
}

// decoderCommand is the command of a separate decoder process. GORACE keeps the race detector from
// delaying each exit by a second.
var decoderCommand = []string{"/usr/bin/env", "GORACE=atexit_sleep_ms=0", os.Args[0], "decode"}

// imported runs an import with each decoder, checks that the results are equal, and returns them.
func imported(t testing.TB, dir string, o archive.Options, decoders ...[]string) (files, left4me.Plan) {
	t.Helper()
	var before files
	var plan left4me.Plan
	for _, decoder := range append(decoders, nil) {
		o.Decoder = decoder
		f, err := open(t, dir, o)
		if err != nil {
			t.Fatalf("open: %v (%v)", err, errors.Unwrap(err))
		}
		plan = f.Plan()
		into := t.TempDir()
		root, err := os.OpenRoot(into)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		reported := int64(0)
		if err := f.Write(t.Context(), root, func(n int64) { reported = n }); err != nil {
			t.Fatalf("write: %v (%v)", err, errors.Unwrap(err))
		}
		got := get(t, into)
		var planned []string
		for p := range f.Paths {
			planned = append(planned, p)
		}
		slices.Sort(planned)
		if d := cmp.Diff(planned, slices.Sorted(maps.Keys(got))); d != "" || plan.Count != len(got) || reported != plan.Bytes {
			t.Errorf("the plan differs from the written files (%d of %d bytes):\n%s", reported, plan.Bytes, d)
		}
		if before != nil && cmp.Diff(before, got) != "" {
			t.Errorf("a separate decoder process reads something else: %s", cmp.Diff(before, got))
		}
		before = got
	}
	return before, plan
}

// run runs a packer. It skips the test if the packer is not installed.
func run(t testing.TB, dir, name string, args ...string) {
	t.Helper()
	exe, err := exec.LookPath(name)
	if found := archive.FindTool(); name == "7z" && found != "" {
		exe, err = found, nil // Debian 12 only has it as 7zz
	}
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	cmd := exec.Command(exe, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "LC_ALL=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// sourcemod is a small SourceMod installation, packed like typical uploads.
var sourcemod = files{
	"addons/metamod.vdf":                         `"Plugin" {}`,
	"addons/sourcemod/plugins/left4dhooks.smx":   "FFPS",
	"addons/sourcemod/configs/admins_simple.ini": `"STEAM_1:0:1" "99:z"`,
	"addons/sourcemod/data/ünï cödé 地图.txt":      "x",
	"addons/my map.vpk":                          "\x34\x12\xaa\x55",
	"cfg/server.cfg":                             "hostname x\n",
	"scripts/vscripts/a b/c.nut":                 "",
	"README.md":                                  "read me",
}

// inGame returns the expected layer for an upload of f.
func inGame(f files) files {
	out := files{}
	for name, text := range f {
		if name != "README.md" {
			out["left4dead2/"+name] = text
		}
	}
	return out
}

func TestImportReadsFormatsOfRealPackers(t *testing.T) {
	src := put(t, sourcemod)
	for name, pack := range map[string]func(t *testing.T, out string){
		"zip":    func(t *testing.T, out string) { run(t, src, "zip", "-qr", out, ".") },
		"zip -0": func(t *testing.T, out string) { run(t, src, "zip", "-qr0", out, ".") },
		"7z":     func(t *testing.T, out string) { run(t, src, "7z", "a", "-t7z", out, ".") },
		"7z solid bcj": func(t *testing.T, out string) {
			run(t, src, "7z", "a", "-t7z", "-m0=bcj", "-m1=lzma2", "-ms=on", out, ".")
		},
		"7z bzip2":      func(t *testing.T, out string) { run(t, src, "7z", "a", "-t7z", "-m0=bzip2", out, ".") },
		"7z ppmd":       func(t *testing.T, out string) { run(t, src, "7z", "a", "-t7z", "-m0=ppmd", out, ".") },
		"zip by 7z":     func(t *testing.T, out string) { run(t, src, "7z", "a", "-tzip", out, ".") },
		"zip by bsdtar": func(t *testing.T, out string) { run(t, src, "bsdtar", "-a", "--format=zip", "-cf", out, ".") },
		"tar":           func(t *testing.T, out string) { run(t, src, "tar", "-cf", out, ".") },
		"tar ustar":     func(t *testing.T, out string) { run(t, src, "tar", "--format=ustar", "-cf", out, ".") },
		"tar pax":       func(t *testing.T, out string) { run(t, src, "tar", "--format=pax", "-cf", out, ".") },
		"tar.gz":        func(t *testing.T, out string) { run(t, src, "tar", "-czf", out, ".") },
		"tar.bz2":       func(t *testing.T, out string) { run(t, src, "tar", "-cjf", out, ".") },
		"tar.xz":        func(t *testing.T, out string) { run(t, src, "tar", "-cJf", out, ".") },
		"tar.zst":       func(t *testing.T, out string) { run(t, src, "tar", "--zstd", "-cf", out, ".") },
		"git archive": func(t *testing.T, out string) {
			repo := put(t, sourcemod)
			run(t, repo, "git", "init", "-q")
			run(t, repo, "git", "add", ".")
			run(t, repo, "git", "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "x")
			run(t, repo, "git", "archive", "--format=tar.gz", "--prefix=repo-1.2/", "-o", out+".tar.gz", "HEAD")
			if err := os.Rename(out+".tar.gz", out); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			pack(t, filepath.Join(dir, "upload"))                            // formats must not be detected by name
			if _, err := os.Stat(filepath.Join(dir, "upload")); err != nil { // some packers add an extension
				if err := os.Rename(filepath.Join(dir, "upload.zip"), filepath.Join(dir, "upload")); err != nil {
					if err := os.Rename(filepath.Join(dir, "upload.7z"), filepath.Join(dir, "upload")); err != nil {
						t.Fatal(err)
					}
				}
			}
			got, plan := imported(t, dir, archive.Options{}, decoderCommand)
			if d := cmp.Diff(inGame(sourcemod), got); d != "" {
				t.Errorf("mismatch (-want +got):\n%s", d)
			}
			if plan.Root != "left4dead2" || len(plan.Skipped) != 1 || !strings.Contains(plan.Skipped[0], "README.md") ||
				len(plan.Warnings) != 0 {
				t.Errorf("got plan %+v, want root left4dead2 and only README.md skipped", plan)
			}
		})
	}
}

// zipped returns a zip with the given entries; each file contains "x".
func zipped(t testing.TB, entries ...zip.FileHeader) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		if e.Method == 0 {
			e.Method = zip.Deflate
		}
		f, err := w.CreateHeader(&e)
		if err == nil && !strings.HasSuffix(e.Name, "/") {
			_, err = f.Write([]byte("x"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipOf(t testing.TB, names ...string) []byte {
	t.Helper()
	var all []zip.FileHeader
	for _, n := range names {
		all = append(all, zip.FileHeader{Name: n})
	}
	return zipped(t, all...)
}

func tarOf(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Typeflag == tar.TypeReg && h.Size == 0 {
			h.Size = 1
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		err := w.WriteHeader(&h)
		if err == nil && h.Typeflag == tar.TypeReg {
			_, err = w.Write([]byte(strings.Repeat("x", int(h.Size))))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarFile(name string, size int) tar.Header { return tar.Header{Name: name, Size: int64(size)} }

// placement is an upload and the paths that its files must get.
type placement struct {
	what string
	in   files
	o    left4me.Import
	want []string
}

func (p placement) check(t *testing.T) {
	t.Helper()
	t.Run(p.what, func(t *testing.T) {
		got, _ := imported(t, put(t, p.in), archive.Options{Import: p.o})
		if d := cmp.Diff(p.want, slices.Sorted(maps.Keys(got))); d != "" {
			t.Errorf("mismatch (-want +got):\n%s", d)
		}
	})
}

func TestImportPlacesFilesWhereTheGameLooks(t *testing.T) {
	for _, c := range []placement{
		{"single VPK", files{"My.Map v1.2.VPK": ""}, left4me.Import{}, []string{"left4dead2/addons/My_Map v1_2.vpk"}},
		{
			"VPKs among unneeded files",
			files{"z": string(zipOf(t, "Map/readme.txt", "Map/maps/pic.jpg", "Map/maps/a.vpk", "Map/b.vpk", "__MACOSX/Map/._b.vpk"))},
			left4me.Import{},
			[]string{"left4dead2/addons/a.vpk", "left4dead2/addons/b.vpk"},
		},
		{
			"single files",
			files{"x.smx": "", "server.cfg": "", "a.vpk": "", "c1.bsp": "", "c1.nav": "", "notes.txt": ""},
			left4me.Import{},
			[]string{
				"left4dead2/addons/a.vpk", "left4dead2/addons/sourcemod/plugins/x.smx", "left4dead2/cfg/server.cfg",
				"left4dead2/maps/c1.bsp", "left4dead2/maps/c1.nav",
			},
		},
		{
			"game directory inside other directories",
			files{
				"z": string(zipOf(t, "pack-1.0/server/left4dead2/cfg/x.cfg", "pack-1.0/server/left4dead2/host.txt",
					"pack-1.0/docs/left.txt")),
			},
			left4me.Import{},
			[]string{"left4dead2/cfg/x.cfg", "left4dead2/host.txt"},
		},
		{
			"complete game",
			files{"left4dead2/a.txt": "", "bin/libx.so": "", "left4dead2_dlc1/x": "", "readme.txt": ""},
			left4me.Import{},
			[]string{"bin/libx.so", "left4dead2/a.txt", "left4dead2_dlc1/x"},
		},
		{
			"capitalised game directory",
			files{"Left4Dead2/Addons/x.VPK": "", "Left4Dead2/motd.txt": ""},
			left4me.Import{},
			[]string{"left4dead2/addons/x.vpk", "left4dead2/motd.txt"},
		},
		{
			"capitalised directories",
			files{"Addons/x.vpk": "", "CFG/x.cfg": "", "motd.txt": ""},
			left4me.Import{},
			[]string{"left4dead2/addons/x.vpk", "left4dead2/cfg/x.cfg", "left4dead2/motd.txt"},
		},
		{
			"VPK next to addons",
			files{"addons/x.smx": "", "y.vpk": ""},
			left4me.Import{},
			[]string{"left4dead2/addons/sourcemod/plugins/x.smx", "left4dead2/addons/y.vpk"},
		},
		{
			"SourceMod and Metamod directories",
			files{"sourcemod/plugins/x.smx": "", "sourcemod/configs/cfg/y.cfg": "", "metamod/z.vdf": ""},
			left4me.Import{},
			[]string{
				"left4dead2/addons/metamod/z.vdf", "left4dead2/addons/sourcemod/configs/cfg/y.cfg",
				"left4dead2/addons/sourcemod/plugins/x.smx",
			},
		},
		{
			"SourceMod plugin",
			files{"plugins/x.smx": "", "gamedata/x.txt": "", "translations/de/x.txt": "", "README.md": ""},
			left4me.Import{},
			[]string{
				"left4dead2/addons/sourcemod/gamedata/x.txt", "left4dead2/addons/sourcemod/plugins/x.smx",
				"left4dead2/addons/sourcemod/translations/de/x.txt",
			},
		},
	} {
		c.check(t)
	}
}

func TestImportPlacesArchivesAndSubdirectories(t *testing.T) {
	for _, c := range []placement{
		{
			"several archives",
			files{"a.zip": string(zipOf(t, "a.vpk")), "b.zip": string(zipOf(t, "addons/b.vpk")), "c.vpk": ""},
			left4me.Import{},
			[]string{"left4dead2/addons/a.vpk", "left4dead2/addons/b.vpk", "left4dead2/addons/c.vpk"},
		},
		{
			"archive in a content tree",
			files{"addons/x.vdf": "", "addons/sourcemod/data/a.zip": string(zipOf(t, "a.vpk"))},
			left4me.Import{},
			[]string{"left4dead2/addons/sourcemod/data/a.zip", "left4dead2/addons/x.vdf"},
		},
		{
			"archive in a directory",
			files{"maps/a/a.zip": string(zipOf(t, "a.vpk")), "maps/readme.txt": ""},
			left4me.Import{},
			[]string{"left4dead2/addons/a.vpk"},
		},
		{"compressed map for downloads", files{"maps/x.bsp.gz": gzipped("bsp")}, left4me.Import{}, []string{"left4dead2/maps/x.bsp.gz"}},
		{
			"exact import",
			files{"any/thing.zip": string(zipOf(t, "a.vpk")), "A.B.VPK": "", ".git/x": ""},
			left4me.Import{Exact: true},
			[]string{".git/x", "A.B.VPK", "any/thing.zip"},
		},
		{
			"set root",
			files{"admins_simple.ini": "", "a/b.txt": "", ".DS_Store": ""},
			left4me.Import{Root: "left4dead2/addons/sourcemod/configs"},
			[]string{"left4dead2/addons/sourcemod/configs/a/b.txt", "left4dead2/addons/sourcemod/configs/admins_simple.ini"},
		},
		{
			"set subdirectory",
			files{"z": string(zipOf(t, "repo-1/linux/addons/a.so", "repo-1/windows/addons/a.dll"))},
			left4me.Import{Subdir: "linux"},
			[]string{"left4dead2/addons/a.so"},
		},
		{
			"set subdirectory with loose files",
			files{"z": string(zipOf(t, "x/a.vpk", "y/b.vpk"))},
			left4me.Import{Subdir: "y/"},
			[]string{"left4dead2/addons/b.vpk"},
		},
		{
			"set subdirectory and root",
			files{"z": string(zipOf(t, "x/1/a.txt", "y/b.txt"))},
			left4me.Import{Subdir: "x", Root: "left4dead2/cfg"},
			[]string{"left4dead2/cfg/1/a.txt"},
		},
	} {
		c.check(t)
	}
}

func gzipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text) // writing to a buffer can't fail
	_ = z.Close()
	return b.String()
}

func TestNestedArchiveIsUnpackedOneLevel(t *testing.T) {
	inner := zipOf(t, "b.vpk", "pic.jpg")
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range map[string]string{"readme.txt": "x", "parts/inner.zip": string(inner)} {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, plan := imported(t, put(t, files{"outer.zip": b.String()}), archive.Options{})
	if len(got) != 1 || got["left4dead2/addons/b.vpk"] != "x" || plan.Files[0].From != "outer.zip/parts/inner.zip/b.vpk" {
		t.Errorf("got %v, %+v", got, plan)
	}
	var c bytes.Buffer
	w = zip.NewWriter(&c)
	f, err := w.Create("outer.zip")
	if err == nil {
		_, err = f.Write(b.Bytes())
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, put(t, files{"deep.zip": c.String()}), archive.Options{}); !errors.Is(err, left4me.Invalid) {
		t.Errorf("archive nested three levels deep: got %v, want Invalid", err)
	}
}

func TestImportKeepsExecutableBit(t *testing.T) {
	src := put(t, files{"addons/run.sh": "#!/bin/sh\n", "addons/x.txt": "x"})
	if err := os.Chmod(filepath.Join(src, "addons/run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, pack := range [][]string{{"zip", "-qr"}, {"tar", "-cf"}, {"7z", "a"}} {
		t.Run(pack[0], func(t *testing.T) {
			dir := t.TempDir()
			run(t, src, pack[0], append(pack[1:], filepath.Join(dir, "a."+pack[0]), ".")...)
			f, err := open(t, dir, archive.Options{})
			if err != nil {
				t.Fatal(err)
			}
			into := t.TempDir()
			root, err := os.OpenRoot(into)
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			if err := f.Write(t.Context(), root, nil); err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]fs.FileMode{"run.sh": 0o111, "x.txt": 0} {
				st, err := os.Stat(filepath.Join(into, "left4dead2/addons", name))
				if err != nil || st.Mode()&0o111&want != want&st.Mode() || (want == 0) != (st.Mode()&0o100 == 0) {
					t.Errorf("%s: got mode %v, want x bits %v (%v)", name, st.Mode(), want, err)
				}
			}
		})
	}
}

func TestNamesWithUndeclaredEncodingAreDecoded(t *testing.T) {
	gbk := func(s string) string { b, _ := simplifiedchinese.GBK.NewEncoder().String(s); return b }
	win := func(s string) string { b, _ := charmap.Windows1251.NewEncoder().String(s); return b }
	dos := func(s string) string { b, _ := charmap.CodePage866.NewEncoder().String(s); return b }
	old := func(s string) string { b, _ := charmap.CodePage437.NewEncoder().String(s); return b }
	for name, c := range map[string]struct{ raw, want, page string }{
		"gbk":                       {gbk("死亡中心/求生之路地图.vpk"), "求生之路地图.vpk", "gbk"},
		"gbk, single short name":    {gbk("地图.vpk"), "地图.vpk", "gbk"},
		"cp1251":                    {win("Карты/Последний рубеж.vpk"), "Последний рубеж.vpk", "cp1251"},
		"cp1251, single short name": {win("карта.vpk"), "карта.vpk", "cp1251"},
		"cp866":                     {dos("Карты/Последний рубеж.vpk"), "Последний рубеж.vpk", "cp866"},
		"cp437":                     {old("Überfall für Zwölf.vpk"), "Überfall für Zwölf.vpk", "cp437"},
		"undeclared UTF-8":          {"Überfall 地图.vpk", "Überfall 地图.vpk", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := zipped(t, zip.FileHeader{Name: c.raw, NonUTF8: true}, zip.FileHeader{Name: "readme.txt"})
			got, plan := imported(t, put(t, files{"z": string(b)}), archive.Options{})
			if _, ok := got["left4dead2/addons/"+c.want]; !ok || len(got) != 1 {
				t.Errorf("got %q, want %q", slices.Collect(maps.Keys(got)), c.want)
			}
			if c.page != "" && (len(plan.Warnings) != 1 || !strings.Contains(plan.Warnings[0].Text, c.page)) {
				t.Errorf("got warnings %+v, want one about %s", plan.Warnings, c.page)
			}
			if c.page != "" {
				chosen, plan := imported(t, put(t, files{"z": string(b)}),
					archive.Options{Import: left4me.Import{Names: strings.ToUpper(c.page)}})
				if _, ok := chosen["left4dead2/addons/"+c.want]; !ok || len(plan.Warnings) != 0 {
					t.Errorf("with encoding %s: got %q and warnings %+v, want %s without warnings", c.page, chosen, plan.Warnings, c.want)
				}
			}
		})
	}
	// The name in the extra field takes precedence if its checksum matches the entry's name.
	for _, c := range []struct {
		sum  string
		want string
	}{{string(binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte("a.vpk")))), "地图.vpk"}, {"\x00\x00\x00\x00", "a.vpk"}} {
		h := zip.FileHeader{Name: "a.vpk", NonUTF8: true}
		field := "\x01" + c.sum + "地图.vpk"
		h.Extra = []byte("\x75\x70" + string([]byte{byte(len(field)), 0}) + field)
		got, _ := imported(t, put(t, files{"z": string(zipped(t, h))}), archive.Options{})
		if _, ok := got["left4dead2/addons/"+c.want]; !ok {
			t.Errorf("%q: %v", c.want, got)
		}
	}
	if _, err := open(t, put(t, files{"a.vpk": ""}), archive.Options{Import: left4me.Import{Names: "ebcdic"}}); !errors.Is(err,
		left4me.Invalid) {
		t.Errorf("unknown encoding: got %v, want Invalid", err)
	}
}

func TestBackslashIsSeparatorInWindowsZip(t *testing.T) {
	b := zipped(t, zip.FileHeader{Name: `addons\x.vpk`, CreatorVersion: 0}, zip.FileHeader{Name: `addons\sub\`, CreatorVersion: 0})
	got, _ := imported(t, put(t, files{"z": string(b)}), archive.Options{})
	if len(got) != 1 || got["left4dead2/addons/x.vpk"] != "x" {
		t.Errorf("got %v", got)
	}
	for _, bad := range []string{`..\x.vpk`, `addons\..\..\x.vpk`, `C:\x.vpk`, `\x.vpk`, `\\host\share\x.vpk`} {
		wantRefused(t, zipped(t, zip.FileHeader{Name: bad, CreatorVersion: 0}), bad)
	}
	wantRefused(t, zipped(t, zip.FileHeader{Name: `addons\x.vpk`, CreatorVersion: 3 << 8}), `addons\\x.vpk`)
}

// wantRefused checks that an archive is refused and that the error text contains the given words.
func wantRefused(t testing.TB, b []byte, words ...string) {
	t.Helper()
	wantRefusedWith(t, b, archive.Options{}, words...)
}

func wantRefusedWith(t testing.TB, b []byte, o archive.Options, words ...string) {
	t.Helper()
	f, err := open(t, put(t, files{"upload.bin": string(b)}), o)
	if err == nil {
		root, rerr := os.OpenRoot(t.TempDir())
		if rerr != nil {
			t.Fatal(rerr)
		}
		err = f.Write(t.Context(), root, nil)
		root.Close()
	}
	e, ok := left4me.Public(err)
	if !ok || e.Kind != left4me.Invalid || e.Hint == "" {
		t.Errorf("got error %v, want Invalid with %q and a hint", err, words)
		return
	}
	for _, w := range words {
		if !strings.Contains(e.Text, w) && !strings.Contains(e.Text, strings.ReplaceAll(w, `\`, `\\`)) {
			t.Errorf("got %q, want it to contain %q", e.Text, w)
		}
	}
}

func TestUnsafeEntriesAreRefused(t *testing.T) {
	for _, name := range []string{
		"../x.vpk", "addons/../../x.vpk", "..", "/etc/x.vpk", "C:/x.vpk", "c:x.vpk", "addons/a\nb.vpk", "addons/a\x1b.vpk",
		"addons/nul.vpk", "CON", "addons/com1.cfg/x", "aux",
		strings.Repeat("x", 300) + ".vpk", strings.Repeat("abc/", 400) + "x.vpk", strings.Repeat("a/", 70) + "x",
	} {
		shown := fmt.Sprintf("%q", name)
		wantRefused(t, zipOf(t, "addons/good.vpk", name), shown[1:min(len(shown)-1, 100)])
		wantRefused(t, tarOf(t, tar.Header{Name: "addons/good.vpk"}, tar.Header{Name: name}))
	}
	for what, h := range map[string]tar.Header{
		"symbolic link": {Name: "addons/link", Typeflag: tar.TypeSymlink, Linkname: "/etc"},
		"hard link":     {Name: "addons/link", Typeflag: tar.TypeLink, Linkname: "addons/good.vpk"},
		"device":        {Name: "addons/dev", Typeflag: tar.TypeChar},
		"pipe":          {Name: "addons/fifo", Typeflag: tar.TypeFifo},
		"set-user-ID":   {Name: "addons/su", Mode: 0o4755},
	} {
		wantRefused(t, tarOf(t, tar.Header{Name: "addons/good.vpk"}, h), what, h.Name)
	}
	link, su := zip.FileHeader{Name: "addons/link"}, zip.FileHeader{Name: "addons/su"}
	link.SetMode(0o777 | fs.ModeSymlink)
	su.SetMode(0o755 | fs.ModeSetuid)
	wantRefused(t, zipped(t, link), "symbolic link", "addons/link")
	wantRefused(t, zipped(t, su), "set-user-ID", "addons/su")

	wantRefused(t, zipOf(t, "addons/a.vpk", "addons/a.vpk"), "twice")
	wantRefused(t, zipOf(t, "addons/a", "addons/a/b"), "addons/a")
	wantRefused(t, zipOf(t, "notes.txt", "pic.jpg"), "no files that a server can use")
	wantRefused(t, []byte("just text"), "no files that a server can use")
}

// If two files can't coexist, the plan asks which one to use, and lists the other as left out with
// a reason.
func TestPlanListsOmittedFilesAndQuestions(t *testing.T) {
	two := func(one, other string) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for n, text := range map[string]string{one: "first", other: "other one"} {
			f, err := w.Create(n)
			if err == nil {
				_, err = io.WriteString(f, text)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for name, c := range map[string]struct {
		zip         []byte
		left, asked int
	}{
		"case":    {two("addons/a.vpk", "addons/A.vpk"), 1, 1},
		"form":    {two("addons/\u00e9.vpk", "addons/e\u0301.vpk"), 1, 1},
		"folders": {two("x/a.vpk", "y/a.vpk"), 1, 1},
		"systems": {two("linux/addons/a.so", "windows/addons/a.dll"), 1, 0},
		"nested":  {two("addons/a.vpk", "old/addons/a.vpk"), 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, plan := imported(t, put(t, files{"z": string(c.zip)}), archive.Options{}, decoderCommand)
			left := 0
			for _, l := range plan.Left {
				left += l.Count
			}
			if len(got) != 1 || left != c.left || plan.Asked != c.asked || len(plan.Skipped) != c.left {
				t.Fatalf("got %v, %+v", got, plan)
			}
			for _, a := range plan.Asks { // each answer results in a different plan without questions
				for i, choice := range a.Choices {
					answered, plan := imported(t, put(t, files{"z": string(c.zip)}),
						archive.Options{Import: left4me.Import{Moves: choice.Moves}}, decoderCommand)
					if plan.Asked != 0 || len(answered) != 1 || (i == 0) != (cmp.Diff(answered, got) == "") {
						t.Errorf("choice %d: got %v, %+v, want one file and no question", i, answered, plan)
					}
				}
			}
		})
	}
	got, plan := imported(t, put(t, files{"z": string(zipOf(t, "addons/a.vpk", "Addons/b.vpk"))}), archive.Options{})
	if len(got) != 2 || plan.Asked != 0 {
		t.Errorf("addons in two spellings: got %v, want both files without a question", got)
	}
}

func TestMovesPlaceFolders(t *testing.T) {
	z := zipOf(t, "repo-1.2/odd/x.txt", "repo-1.2/odd/sub/y.smx", "repo-1.2/plugins/p.smx", "repo-1.2/docs/z.cfg")
	got, plan := imported(t, put(t, files{"z": string(z)}), archive.Options{Import: left4me.Import{Moves: []left4me.FolderMove{
		{From: "odd", To: "left4dead2/addons/sourcemod/data/odd"},
		{From: "odd/sub/y.smx", To: "left4dead2/addons/sourcemod/plugins"},
		{From: "docs", To: "-"},
	}}}, decoderCommand)
	want := []string{
		"left4dead2/addons/sourcemod/data/odd/x.txt", "left4dead2/addons/sourcemod/plugins/p.smx",
		"left4dead2/addons/sourcemod/plugins/y.smx",
	}
	if d := cmp.Diff(want, slices.Sorted(maps.Keys(got))); d != "" || len(plan.Left) != 1 ||
		plan.Left[0].Files[0] != "repo-1.2/docs/z.cfg" {
		t.Errorf("mismatch (-want +got):\n%s\nplan: %+v", d, plan)
	}
	for _, bad := range []left4me.FolderMove{
		{From: "", To: "left4dead2/cfg"},
		{From: "odd", To: ""},
		{From: "../odd", To: "left4dead2"},
		{From: "odd", To: "../left4dead2"},
	} {
		if _, err := open(t, put(t, files{"z": string(z)}),
			archive.Options{Import: left4me.Import{Moves: []left4me.FolderMove{bad}}}); !errors.Is(err, left4me.Invalid) {
			t.Errorf("move %+v: got %v, want Invalid", bad, err)
		}
	}
}

// The beginnings of files must be the same for each format and decoder.
func TestFileBeginningsDecidePlacingInEachFormat(t *testing.T) {
	src := put(t, files{
		"a/x.smx": "FFPS", "a/x.txt": "\"Games\"\n{\n}\n", "b/words.txt": "\"Phrases\"\n{\n}", "b/big.vpk": noise(200_000),
		"c/load.vdf": `"Plugin" { "file" "addons/tool" }`, "c/tool.so": "\x7fELF\x01",
		"c/z.txt": "a note",
	})
	want := []string{
		"left4dead2/addons/big.vpk", "left4dead2/addons/load.vdf", "left4dead2/addons/sourcemod/gamedata/x.txt",
		"left4dead2/addons/sourcemod/plugins/x.smx",
		"left4dead2/addons/sourcemod/translations/words.txt", "left4dead2/addons/tool.so",
	}
	for name, args := range map[string][]string{
		"zip":    {"zip", "-qr"},
		"7z":     {"7z", "a", "-ms=on"},
		"tar":    {"tar", "-cf"},
		"tar.gz": {"tar", "-czf"},
		"":       nil,
	} {
		t.Run(name, func(t *testing.T) {
			dir := src
			if args != nil {
				dir = t.TempDir()
				run(t, src, args[0], append(args[1:], filepath.Join(dir, "a."+name), ".")...)
			}
			got, plan := imported(t, dir, archive.Options{}, decoderCommand)
			if d := cmp.Diff(want, slices.Sorted(maps.Keys(got))); d != "" {
				t.Errorf("mismatch (-want +got):\n%s\nskipped: %+v", d, plan.Skipped)
			}
		})
	}
}

// The repairs of a plan must be the same whether texts are inspected while a zip is listed or
// later.
func TestTextRepairsDoNotDependOnPlanOption(t *testing.T) {
	const cfg, sm = "left4dead2/cfg/", "left4dead2/addons/sourcemod/configs/"
	utf16 := "x\x00 \x00\"\x001\x00\"\x00\n\x00"
	src := put(t, files{
		cfg + "plain.cfg": "x 1\n", cfg + "empty.cfg": "", cfg + "marked.cfg": "\ufeffx 1\n", cfg + "wide.cfg": "\xff\xfe" + utf16,
		sm + "bare.ini": strings.Repeat(utf16, 600), sm + "long.ini": strings.Repeat("x 1\n", 5000) + "\ufeff",
		"left4dead2/maps/x.bsp": noise(10_000), cfg + "stored.cfg": "\ufeff" + noise(300),
	})
	dir := t.TempDir()
	run(t, src, "zip", "-qr", filepath.Join(dir, "a.zip"), ".")
	for _, decoder := range [][]string{nil, decoderCommand} {
		for _, plan := range []bool{false, true} {
			for _, in := range []string{dir, src} {
				f, err := open(t, in, archive.Options{Decoder: decoder, Plan: plan})
				if err == nil {
					err = f.Texts(t.Context())
				}
				if err != nil {
					t.Fatal(err)
				}
				var named []string
				for _, r := range f.Plan().Repairs {
					name, _, _ := strings.Cut(r, ":")
					named = append(named, name)
				}
				slices.Sort(named)
				if d := cmp.Diff([]string{sm + "bare.ini", cfg + "marked.cfg", cfg + "stored.cfg", cfg + "wide.cfg"}, named); d != "" {
					t.Errorf("decoder %v, plan %v: mismatch (-want +got):\n%s", decoder, plan, d)
				}
			}
		}
	}
}

func TestTruncatedAndEncryptedArchivesAreRefused(t *testing.T) {
	src := put(t, files{"addons/a.vpk": noise(50_000), "addons/b.txt": "b"})
	pack := func(name string, args ...string) []byte {
		out := filepath.Join(t.TempDir(), "a."+name)
		run(t, src, args[0], append(args[1:], out, ".")...)
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, b := range map[string][]byte{
		"zip": pack("zip", "zip", "-qr"), "7z": pack("7z", "7z", "a"), "tar": pack("tar", "tar", "-cf"),
		"tar.gz":  pack("tar.gz", "tar", "-czf"),
		"tar.bz2": pack("tar.bz2", "tar", "-cjf"), "tar.xz": pack("tar.xz", "tar", "-cJf"),
		"tar.zst": pack("tar.zst", "tar", "--zstd", "-cf"), "rar": rar5(files{"addons/a.vpk": noise(1000)}),
	} {
		for _, part := range []int{len(b) * 2 / 3, len(b) - 7} {
			if strings.HasPrefix(name, "tar") && part == len(b)-7 && name == "tar" {
				continue // only zeros after the end are missing
			}
			wantRefused(t, b[:part], "upload.bin")
		}
		if name == "zip" || name == "7z" || name == "rar" || name == "tar.gz" {
			broken := bytes.Clone(b)
			broken[len(b)/3] ^= 0x55
			wantRefused(t, broken, "upload.bin")
		}
	}
	wantRefused(t, pack("zip", "zip", "-qr", "-P", "secret"), "encrypted")
	wantRefused(t, pack("7z", "7z", "a", "-psecret"), "encrypted")
	wantRefusedWith(t, pack("7z", "7z", "a", "-psecret", "-mhe=on"), archive.Options{Decoder: decoderCommand}, "encrypted")
	dir := t.TempDir()
	big := put(t, files{"addons/a.vpk": noise(100_000)})
	run(t, big, "7z", "a", "-v30k", filepath.Join(dir, "a.7z"), ".")
	run(t, big, "zip", "-qr", "-s", "64k", filepath.Join(dir, "a.zip"), ".")
	for _, part := range []string{"a.7z.001", "a.z01", "a.zip"} {
		b, err := os.ReadFile(filepath.Join(dir, part))
		if err != nil {
			t.Fatal(err)
		}
		wantRefused(t, b, "part")
	}
}

// noise returns n incompressible bytes.
func noise(n int) string {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return string(b)
}

func TestRarIsImported(t *testing.T) {
	got, _ := imported(t, put(t, files{"r": string(rar5(files{"Карты/my.map.VPK": "vpk", "readme.txt": "x"}))}), archive.Options{})
	if len(got) != 1 || got["left4dead2/addons/my_map.vpk"] != "vpk" {
		t.Errorf("got %v", got)
	}
	wantRefused(t, rar5(files{"../x.vpk": "x"}), "../x.vpk")
}

func TestDecompressionBombsAreRefused(t *testing.T) {
	limits := archive.DefaultLimits
	limits.Small = 1 << 20
	bomb := archive.Options{Limits: limits}
	src := t.TempDir()
	if err := os.Mkdir(filepath.Join(src, "addons"), 0o755); err != nil {
		t.Fatal(err)
	}
	zeros, err := os.Create(filepath.Join(src, "addons/zero.vpk"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(zeros.Truncate(4<<20), zeros.Close()); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"zip": {"zip", "-qr"}, "7z": {"7z", "a", "-mx=1"}, "tar.xz": {"tar", "-I", "xz -0", "-cf"}, "tar.zst": {"tar", "--zstd", "-cf"},
		"tar.gz": {"tar", "-czf"},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "a."+name)
			run(t, src, args[0], append(args[1:], out, ".")...)
			b, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			wantRefusedWith(t, b, bomb, "unpacks to far more")
			wantRefusedWith(t, b, archive.Options{Limits: limits, Decoder: decoderCommand}, "unpacks to far more")
		})
	}
	// A zip that declares a smaller size than it contains.
	lie := zipped(t, zip.FileHeader{Name: "addons/a.vpk", Method: zip.Store})
	at := bytes.LastIndex(lie, []byte("PK\x01\x02"))
	lie[at+24] = 0 // uncompressed size, in the directory
	wantRefused(t, lie)
	// A compressed tar with data after its end.
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(tarOf(t, tar.Header{Name: "addons/x.vpk"})); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(z, zero{}, 2<<20); err != nil {
		t.Fatal(err)
	}
	z.Close()
	wantRefusedWith(t, b.Bytes(), bomb, "unpacks to far more")
}

type zero struct{}

func (zero) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestImportsAboveLimitsAreRefused(t *testing.T) {
	few := archive.DefaultLimits
	few.Entries = 3
	if _, err := open(t, put(t, files{"z": string(zipOf(t, "addons/a", "addons/b", "addons/c", "addons/d"))}),
		archive.Options{Limits: few}); !errors.Is(err, left4me.Invalid) {
		t.Errorf("too many entries: got %v, want Invalid", err)
	}
	small := archive.DefaultLimits
	small.File = 10
	if _, err := open(t, put(t, files{"addons/a.vpk": "12345678901"}), archive.Options{Limits: small}); !errors.Is(err, left4me.Invalid) ||
		!strings.Contains(err.Error(), "addons/a.vpk") {
		t.Errorf("too large file: got %v, want Invalid naming addons/a.vpk", err)
	}
	small = archive.DefaultLimits
	small.Bytes = 10
	if _, err := open(t, put(t, files{"addons/a.vpk": "123456", "addons/b.vpk": "123456"}),
		archive.Options{Limits: small}); !errors.Is(err, left4me.Invalid) {
		t.Errorf("too many bytes: got %v, want Invalid", err)
	}
}

func TestDecoderThatDiesFailsImport(t *testing.T) {
	for what, decoder := range map[string][]string{"fails": {"false"}, "prints nothing": {"true"}, "stops early": {"head", "-c0"}} {
		_, err := open(t, put(t, files{"z": string(zipOf(t, "a.vpk"))}), archive.Options{Decoder: decoder})
		if !errors.Is(err, left4me.Invalid) {
			t.Errorf("decoder that %s: got %v, want Invalid", what, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	root, err := os.OpenRoot(put(t, files{"z": string(zipOf(t, "a.vpk"))}))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, err := archive.Open(ctx, root, archive.Options{Decoder: []string{"sleep", "1000"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestSymlinkInDirectoryIsRefused(t *testing.T) {
	dir := put(t, files{"addons/a.vpk": "x"})
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "addons/link.cfg")); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, dir, archive.Options{}); !errors.Is(err, left4me.Invalid) || !strings.Contains(err.Error(), "addons/link.cfg") {
		t.Errorf("got %v, want Invalid naming addons/link.cfg", err)
	}
}

// The archives in testdata/cases are our own small reconstructions of archives found in practice.
func TestArchivesFoundInPracticeAreImported(t *testing.T) {
	const sm = "left4dead2/addons/sourcemod/"
	for name, want := range map[string][]string{
		"pc": {sm + "data/x.cfg", sm + "plugins/x.smx", sm + "translations/x.phrases.txt", "left4dead2/cfg/sourcemod/x.cfg"},
		"am": {
			sm + "gamedata/l4d2_thing.txt", sm + "plugins/l4d2_thing.smx", sm + "scripting/l4d2_thing.sp",
			sm + "translations/l4d2_thing.phrases.txt",
		},
		"dbl":           {sm + "gamedata/left4dhooks.l4d2.txt", sm + "plugins/left4dhooks.smx"},
		"addadd":        {"left4dead2/addons/metamod.vdf", sm + "plugins/x.smx"},
		"smx_in_addons": {sm + "plugins/disabled/d.smx", sm + "plugins/x.smx", sm + "plugins/x2.smx"},
		"l4dtoolz":      {"left4dead2/addons/l4dtoolz.so", "left4dead2/addons/l4dtoolz.vdf"},
		"ext":           {sm + "extensions/system2.autoload", sm + "extensions/system2.ext.so", sm + "scripting/include/system2.inc"},
		"am2": {
			sm + "gamedata/l4d_foo.txt", sm + "plugins/l4d_foo.smx", sm + "scripting/l4d_foo.sp",
			sm + "translations/l4d_foo.phrases.txt", "left4dead2/cfg/sourcemod/l4d_foo.cfg",
		},
		"cs2": {"left4dead2/addons/metamod/bin/server.so", sm + "plugins/A.smx"},
		"mc":  {sm + "configs/x.cfg", sm + "plugins/Thing.smx", "left4dead2/cfg/Server.cfg", "left4dead2/maps/Foo.bsp"},
		"win": {
			"left4dead2/addons/l4dtoolz.dll", "left4dead2/addons/l4dtoolz.vdf", sm + "extensions/socket.autoload",
			sm + "extensions/socket.ext.dll",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("testdata/cases", name+".zip"))
			if err != nil {
				t.Fatal(err)
			}
			got, plan := imported(t, put(t, files{name + ".zip": string(b)}), archive.Options{}, decoderCommand)
			if d := cmp.Diff(want, slices.Sorted(maps.Keys(got))); d != "" || plan.Asked != 0 {
				t.Errorf("mismatch (-want +got):\n%s\nplan: %+v", d, plan)
			}
			for _, f := range plan.Files {
				if f.Why == "" {
					t.Errorf("%s has no reason", f.Path)
				}
			}
		})
	}
}
