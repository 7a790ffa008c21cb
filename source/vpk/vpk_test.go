package vpk_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/left4me/left4me/source/vpk"
)

// The archive is given as bytes, so a mistake shared by the reader and the writer of this package is
// noticed.
func TestReadsKnownBytes(t *testing.T) {
	const content = "\"AddonInfo\"{addontitle x}\n"
	b, err := hex.DecodeString(
		strings.ReplaceAll("34 12 aa 55 01 00 00 00 25 00 00 00 74 78 74 00 20 00 61 64 64 6f 6e 69 6e 66 6f 00 a4 13 27 b9 00 00 ff 7f "+
			"00 00 00 00 1a 00 00 00 ff ff 00 00 00 22 41 64 64 6f 6e 49 6e 66 6f 22 7b 61 64 64 6f 6e 74 69 74 6c 65 20 78 7d 0a", " ",
			""))
	must(t, err)
	a, err := vpk.New(bytes.NewReader(b), int64(len(b)), "x.vpk")
	must(t, err)
	if a.Version != 1 || a.TreeSize != 37 || a.Declared != 37 {
		t.Errorf("got version %d, tree size %d, declared size %d", a.Version, a.TreeSize, a.Declared)
	}
	e := a.Entries()
	if len(e) != 1 || e[0].Path != "addoninfo.txt" || e[0].Size != 26 || e[0].CRC != 0xb92713a4 {
		t.Fatalf("got entries %+v", e)
	}
	if got, err := a.ReadFile("addoninfo.txt"); err != nil || string(got) != content {
		t.Errorf("got %q, %v", got, err)
	}
	if p, err := a.Verify(t.Context(), nil); err != nil || len(p) != 0 {
		t.Errorf("Verify: %v, %v", p, err)
	}

	preload, err := hex.DecodeString(strings.ReplaceAll("34 12 aa 55 01 00 00 00 2a 00 00 00 "+
		"62 73 70 00 6d 61 70 73 00 6d 79 30 31 00 df df a2 76 03 00 00 00 00 00 00 00 00 00 00 00 ff ff 42 53 50 00 00 00", " ", ""))
	must(t, err)
	a, err = vpk.New(bytes.NewReader(preload), int64(len(preload)), "x.vpk")
	must(t, err)
	if got, err := a.ReadFile("maps/my01.bsp"); err != nil || string(got) != "BSP" {
		t.Errorf("got %q, %v", got, err)
	}
	if p, err := a.Verify(t.Context(), nil); err != nil || len(p) != 0 {
		t.Errorf("Verify: %v, %v", p, err)
	}
}

// The files are unmodified add-ons from the workshop.
func TestRealAddonsAreVerified(t *testing.T) {
	for name, entries := range map[string]int{
		"automatic_guns.vpk": 2, "devlosglm60fix.vpk": 3, "full_health_when_changelevel.vpk": 3, "health_bar.vpk": 3, "ladder_fix.vpk": 3,
	} {
		a := open(t, "testdata/"+name)
		if len(a.Entries()) != entries {
			t.Errorf("%s: got %d entries, want %d", name, len(a.Entries()), entries)
		}
		if p, err := a.Verify(t.Context(), nil); err != nil || len(p) != 0 {
			t.Errorf("%s: Verify: %v, %v", name, p, err)
		}
		if err := a.CheckNames(); err != nil {
			t.Error(err)
		}
		var names []string
		for _, e := range a.Entries() {
			names = append(names, e.Path)
		}
		if err := fstest.TestFS(a, names...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func manyKinds() []file {
	big := strings.Repeat("0123456789abcdef", 150_000) // spans several pieces
	return []file{
		{" ", "addoninfo", "txt", "\"AddonInfo\"{}", 0, same, 0, 0, 0},
		{"maps", "m1", "bsp", big[:50_000], 100, same, 0, 0, 0},
		{"maps", "m2", "bsp", big[:1<<20], 0, 1, 0, 0, 0},
		{"maps", "m3", "bsp", big[1 : 2<<20], 7, 12, 0, 0, 0},
		{"a/b/c", "readme", " ", "no extension", 12, same, 0, 0, 0},
		{"a/b", " ", "hidden", "no name", 3, 1, 0, 0, 0},
		{"a", "empty", "txt", "", 0, same, 0, 0, 0},
		{"a", "empty.part", "txt", "", 0, 77, 0, 0, 0},
	}
}

func TestOpenReadsAllVersionsAndParts(t *testing.T) {
	for version := 1; version <= 2; version++ {
		a := open(t, build(version, manyKinds()...).write(t, "pak01_dir"))
		for i, f := range manyKinds() {
			want := []string{
				"addoninfo.txt", "maps/m1.bsp", "maps/m2.bsp", "maps/m3.bsp", "a/b/c/readme", "a/b/.hidden", "a/empty.txt",
				"a/empty.part.txt",
			}[i]
			e := a.Entries()[i]
			if e.Path != want || e.Size != int64(len(f.data)) || e.CRC != crc32.ChecksumIEEE([]byte(f.data)) {
				t.Errorf("v%d: got %+v, want %s", version, e, want)
			}
			if got, err := fs.ReadFile(a, want); err != nil || string(got) != f.data {
				t.Errorf("v%d: %s: got %d bytes, %v", version, want, len(got), err)
			}
		}
		if got := strings.Join(a.Parts(), " "); got != "pak01_001.vpk pak01_012.vpk" {
			t.Errorf("v%d: got parts %s", version, got)
		}
		var told int64
		progress := make(chan int64, 1000)
		p, err := a.Verify(t.Context(), func(n int64) { progress <- n })
		close(progress)
		for n := range progress {
			told += n
		}
		if err != nil || len(p) != 0 {
			t.Errorf("v%d: Verify: %v, %v", version, p, err)
		}
		var all int64
		for _, e := range a.Entries() {
			all += e.Size
		}
		if told != all {
			t.Errorf("v%d: progress reported %d bytes, want %d", version, told, all)
		}
		if e, ok := a.Find("MAPS/M2.BSP"); !ok || e.Path != "maps/m2.bsp" {
			t.Errorf("v%d: Find: got %+v", version, e)
		}
		if ds, err := fs.ReadDir(a, "maps"); err != nil || len(ds) != 3 || ds[0].Name() != "m1.bsp" {
			t.Errorf("v%d: ReadDir: %v, %v", version, ds, err)
		}
	}
}

func TestVerifyFindsDamage(t *testing.T) {
	whole := build(2, manyKinds()...)
	for _, c := range []struct {
		name  string
		harm  func(b *built)
		entry string
		is    error
	}{
		{"a byte in the middle of a part", func(b *built) { b.parts[12][1<<20+5] ^= 1 }, "maps/m3.bsp", vpk.ErrSum},
		{"last byte of the first piece", func(b *built) { b.parts[1][1<<20-1] ^= 1 }, "maps/m2.bsp", vpk.ErrSum},
		{"a preloaded byte", func(b *built) { b.main[bytes.Index(b.main, []byte("no extension"))] ^= 1 }, "a/b/c/readme", vpk.ErrSum},
		{"a truncated part", func(b *built) { b.parts[12] = b.parts[12][:1<<19] }, "maps/m3.bsp", vpk.ErrTruncated},
		{"a missing part", func(b *built) { delete(b.parts, 12) }, "maps/m3.bsp", vpk.ErrMissing},
		{"checksum of the tree", func(b *built) { b.main[len(b.main)-48] ^= 1 }, "", vpk.ErrSum},
		{"checksum of the file", func(b *built) { b.main[len(b.main)-1] ^= 1 }, "", vpk.ErrSum},
		{"truncated sections", func(b *built) { b.main = b.main[:len(b.main)-20] }, "", vpk.ErrTruncated},
	} {
		b := built{main: bytes.Clone(whole.main), parts: map[uint16][]byte{}}
		for i, p := range whole.parts {
			b.parts[i] = bytes.Clone(p)
		}
		c.harm(&b)
		a := open(t, b.write(t, "x_dir"))
		problems, err := a.Verify(t.Context(), nil)
		must(t, err)
		found := false
		for _, p := range problems {
			var at *vpk.Error
			if !errors.As(p.Err, &at) {
				t.Errorf("%s: got %v, want an *Error", c.name, p.Err)
			}
			found = found || p.Entry == c.entry && errors.Is(p.Err, c.is)
			if p.Entry != "" && p.Entry != c.entry {
				t.Errorf("%s: got unexpected problem %v", c.name, p)
			}
		}
		if !found {
			t.Errorf("%s: damage not found in %v", c.name, problems)
		}
	}
}

func TestVerifyStopsOnCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open(t, build(1, manyKinds()...).write(t, "x_dir")).Verify(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want Canceled", err)
	}
}

// The tree has its own end mark; some tools write a different size to the header.
func TestWrongTreeSizeIsAccepted(t *testing.T) {
	for _, size := range []byte{0, 1, 255} {
		b := build(1, file{"d", "n", "txt", "text", 1, same, 0, 0, 0})
		b.main[8] = size
		a, err := vpk.New(bytes.NewReader(b.main), int64(len(b.main)), "x.vpk")
		must(t, err)
		if got, err := a.ReadFile("d/n.txt"); err != nil || string(got) != "text" {
			t.Errorf("got %q, %v", got, err)
		}
		if a.TreeSize != int64(b.tree) || a.Declared != int64(size) {
			t.Errorf("got tree size %d, declared size %d", a.TreeSize, a.Declared)
		}
	}
}

func TestNewRejectsInvalidArchives(t *testing.T) {
	good := build(1, file{"d", "n", "txt", "some text", 2, same, 0, 0, 0}).main
	at := bytes.Index(good, []byte("n\x00")) // offset of the entry
	long := file{"d", strings.Repeat("n", vpk.MaxName+1), "txt", "", 0, same, 0, 0, 0}
	respawn := bytes.Clone(good)
	copy(respawn[4:], []byte{2, 0, 3, 0})
	outside := build(1, file{"d", "n", "txt", "some text", 0, same, 0, 0xffffffff, 1}).main
	longer := build(1, file{"d", "n", "txt", "some text", 0, same, 0, 0, 10}).main
	ending := bytes.Clone(good)
	ending[at+2+16] = 0
	for _, c := range []struct {
		name   string
		b      []byte
		is     error
		offset int64
	}{
		{"nothing", nil, vpk.ErrFormat, 0},
		{"not a VPK", []byte("PK\x03\x04 and more"), vpk.ErrFormat, 0},
		{"no header", good[12:], vpk.ErrFormat, 0},
		{"truncated header", good[:11], vpk.ErrTruncated, 11},
		{"truncated header of version 2", build(2).main[:27], vpk.ErrTruncated, 27},
		{"version 3", append([]byte{0x34, 0x12, 0xaa, 0x55, 3}, make([]byte, 20)...), vpk.ErrVersion, 4},
		{"Respawn's", respawn, vpk.ErrVersion, 4},
		{"truncated tree", good[:at+5], vpk.ErrTruncated, int64(at + 5)},
		{"truncated preloaded bytes", good[:at+2+18+1], vpk.ErrTruncated, int64(at + 2 + 18)},
		{"truncated data", good[:len(good)-1], vpk.ErrTruncated, int64(at)},
		{"entry without its end mark", ending, vpk.ErrFormat, int64(at + 2 + 16)},
		{"data far beyond the end of the file", outside, vpk.ErrTruncated, int64(at)},
		{"data one byte beyond the end of the file", longer, vpk.ErrTruncated, int64(at)},
		{"a name without end", build(1, long).main, vpk.ErrTooLarge, 18},
		{"a tree that only opens", append(bytes.Clone(good[:12]), bytes.Repeat([]byte("x\x00"), 5000)...), vpk.ErrFormat, -2},
	} {
		_, err := vpk.New(bytes.NewReader(c.b), int64(len(c.b)), "x.vpk")
		var e *vpk.Error
		if !errors.Is(err, c.is) || !errors.As(err, &e) || c.offset != -2 && e.Offset != c.offset {
			t.Errorf("%s: got %v, want %v at %d", c.name, err, c.is, c.offset)
		}
	}
}

// A small archive must not cause an allocation of gigabytes.
func TestDeclaredSizesCauseNoLargeAllocation(t *testing.T) {
	a := open(t, build(1, file{"d", "n", "txt", "x", 0, 3, 0, 0, 0xfffffff0}).write(t, "x_dir"))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := a.ReadFile("d/n.txt"); !errors.Is(err, vpk.ErrTruncated) {
		t.Errorf("ReadFile: got error %v, want ErrTruncated", err)
	}
	if p, err := a.Verify(t.Context(), nil); err != nil || len(p) == 0 {
		t.Errorf("Verify: %v, %v, want a problem", p, err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
		t.Errorf("allocated %d bytes", n)
	}
}

func TestEntriesMayShareData(t *testing.T) {
	text := strings.Repeat("x", 1000)
	first := file{"d", "a", "txt", text, 0, same, 0, 0, 0}
	copied := file{"d", "b", "txt", "", 0, same, crc32.ChecksumIEEE([]byte(text)), 0, 1000}
	part := file{"d", "c", "txt", "", 0, same, crc32.ChecksumIEEE([]byte(text[:999])), 1, 999}
	root := func() *os.Root {
		r, err := os.OpenRoot(t.TempDir())
		must(t, err)
		t.Cleanup(func() { r.Close() })
		return r
	}

	a := open(t, build(1, first, copied).write(t, "x"))
	if p, err := a.Verify(t.Context(), nil); err != nil || len(p) != 0 {
		t.Errorf("entries with the same data: %v, %v", p, err)
	}
	must(t, a.Extract(t.Context(), root(), nil, nil))

	a = open(t, build(1, first, part).write(t, "x"))
	if p, err := a.Verify(t.Context(), nil); err != nil || len(p) != 1 || !errors.Is(p[0].Err, vpk.ErrOverlap) || p[0].Entry != "d/c.txt" {
		t.Errorf("overlapping entries: %v, %v", p, err)
	}
	if err := a.Extract(t.Context(), root(), nil, nil); !errors.Is(err, vpk.ErrOverlap) {
		t.Errorf("Extract of overlapping entries: got error %v, want ErrOverlap", err)
	}

	bomb := []file{first}
	for i := range 100 {
		c := copied
		c.name = fmt.Sprint("b", i)
		bomb = append(bomb, c)
	}
	a = open(t, build(1, bomb...).write(t, "x"))
	r := root()
	if err := a.Extract(t.Context(), r, nil, nil); !errors.Is(err, vpk.ErrTooLarge) {
		t.Errorf("Extract of a bomb: got error %v, want ErrTooLarge", err)
	}
	if left, err := fs.ReadDir(r.FS(), "."); err != nil || len(left) > 0 {
		t.Errorf("extracted %v, %v", left, err)
	}
	if p, err := a.Verify(t.Context(), nil); err != nil || len(p) == 0 || !errors.Is(p[len(p)-1].Err, vpk.ErrTooLarge) {
		t.Errorf("Verify of a bomb: %v, %v", p, err)
	}
}

func TestArchiveImplementsFileSystem(t *testing.T) {
	small := manyKinds()
	for i := range small {
		small[i].data = small[i].data[:min(len(small[i].data), 200)]
	}
	if err := fstest.TestFS(open(t, build(2, small...).write(t, "x_dir")), "maps/m3.bsp", "a/b/c/readme"); err != nil {
		t.Error(err)
	}
	a := open(t, build(1, file{"d", "n", "txt", "first", 0, same, 0, 0, 0}, file{"d", "n", "txt", "second", 0, same, 0, 0, 0},
		file{"d/n.txt", "x", "txt", "beneath a file", 0, same, 0, 0, 0}, file{"..", "up", "txt", "", 0, same, 0, 0, 0}).write(t, "x"))
	if got, err := a.ReadFile("d/n.txt"); err != nil || string(got) != "first" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := fstest.TestFS(a, "d/n.txt"); err != nil {
		t.Error(err)
	}
	if len(a.Entries()) != 4 {
		t.Errorf("got %d entries, want 4", len(a.Entries()))
	}
}

func FuzzArchive(f *testing.F) {
	real, err := filepath.Glob("testdata/*.vpk")
	must(f, err)
	if len(real) == 0 {
		f.Fatal("no seeds")
	}
	for _, name := range real {
		b, err := os.ReadFile(name)
		must(f, err)
		f.Add(b)
		f.Add(b[:len(b)/2])
		if len(b) > 12 { // declare a longer tree and put the data where the game then expects it
			size := binary.LittleEndian.Uint32(b[8:])
			if end := 12 + int(size); b[4] == 1 && end < len(b) {
				longer := append(append(bytes.Clone(b[:end]), make([]byte, 9)...), b[end:]...)
				binary.LittleEndian.PutUint32(longer[8:], size+9)
				f.Add(longer)
			}
		}
	}
	kinds := []file{
		{"d", "n", "txt", "some text", 2, same, 0, 0, 0},
		{" ", " ", "x", "", 0, 1, 0, 0, 5},
		{"..", "n", " ", "up", 1, same, 0, 0, 0},
	}
	f.Add(build(1, kinds...).main)
	f.Add(build(2, kinds...).main)
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := vpk.New(bytes.NewReader(b), int64(len(b)), "x.vpk")
		if err != nil {
			var at *vpk.Error
			if !errors.As(err, &at) || at.Offset > int64(len(b)) {
				t.Fatalf("got error %v, want an *Error within the file", err)
			}
			return
		}
		if len(a.Entries()) > len(b)/18 {
			t.Fatalf("got %d entries in %d bytes", len(a.Entries()), len(b))
		}
		problems, err := a.Verify(t.Context(), nil)
		must(t, err)
		wrong := map[string]bool{}
		for _, p := range problems {
			wrong[p.Entry] = true
		}
		names := 0
		must(t, fs.WalkDir(a, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			names++
			info, err := d.Info()
			must(t, err)
			e := info.Sys().(vpk.Entry)
			got, err := a.ReadFile(name)
			if err == nil && int64(len(got)) != e.Size {
				t.Errorf("%q: got %d bytes, want %d", name, len(got), e.Size)
			}
			if !wrong[name] && !wrong[""] && (err != nil || crc32.ChecksumIEEE(got) != e.CRC) {
				t.Errorf("Verify reported no problem of %q: %v", name, err)
			}
			return nil
		}))
		if a.CheckNames() == nil && names != len(a.Entries()) {
			t.Errorf("the file system contains %d of %d valid names", names, len(a.Entries()))
		}
	})
}
