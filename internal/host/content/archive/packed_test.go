package archive_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/host/content/archive"
	"github.com/left4me/left4me/internal/left4me"
)

// packedTree returns the content of the archives in testdata/packed, which testdata/packed/make
// creates.
func packedTree() files {
	noise := func(seed string, n int) string {
		var b []byte
		for i := 0; len(b) < n; i++ {
			sum := sha256.Sum256(fmt.Appendf(nil, "%s%d", seed, i))
			b = append(b, sum[:]...)
		}
		return string(b[:n])
	}
	nav := noise("nav", 90)
	return inGame(files{
		"addons/sourcemod/plugins/m.smx": "FFPS" + noise("smx", 124),
		"cfg/server.cfg":                 strings.Repeat("hostname \"x\"\n", 20),
		"maps/c1.nav":                    nav + strings.Repeat("\x00", 40_000) + nav + strings.Repeat("\x00", 100_000),
	})
}

// byTool maps archives that only 7-Zip reads to the method that must be named.
var byTool = map[string]string{
	"deflate64.zip": "Deflate64", "ppmd.zip": "PPMd", "deflate64.7z": "Deflate64", "parts-deflate64.7z": "Deflate64",
	"filter-armt.7z": "ARMT", "filter-ia64.7z": "IA64", "filter-riscv.7z": "RISCV", "filter-swap2.7z": "SWAP2", "filter-swap4.7z": "SWAP4",
}

// packedArchives calls f for each archive in testdata/packed, with its parts in a directory of
// their own.
func packedArchives(t *testing.T, f func(t *testing.T, name, dir string, want files)) {
	t.Helper()
	list, err := os.Open(filepath.Join("testdata", "packed", "made.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	known := []string{"made.tsv", "make"}
	for lines := bufio.NewScanner(list); lines.Scan(); {
		name, _, _ := strings.Cut(lines.Text(), "\t")
		parts, err := filepath.Glob(filepath.Join("testdata", "packed", name+"*"))
		if err != nil || len(parts) == 0 {
			t.Fatalf("no archive for %s: %v, %v", name, parts, err)
		}
		dir := t.TempDir()
		for _, p := range parts {
			b, err := os.ReadFile(p)
			if err != nil || len(b) >= 2000 {
				t.Fatalf("%s: got %d bytes, want less than 2000: %v", p, len(b), err)
			}
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(p)), b, 0o600); err != nil {
				t.Fatal(err)
			}
			known = append(known, filepath.Base(p))
		}
		want := packedTree()
		if strings.HasPrefix(name, "store.") {
			delete(want, "left4dead2/maps/c1.nav")
		}
		t.Run(name, func(t *testing.T) { f(t, name, dir, want) })
	}
	there, err := os.ReadDir(filepath.Join("testdata", "packed"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range there {
		if !slices.Contains(known, e.Name()) {
			t.Errorf("made.tsv does not list %s", e.Name())
		}
	}
}

func TestEachCompressionMethodIsUnpacked(t *testing.T) {
	tool := archive.FindTool()
	packedArchives(t, func(t *testing.T, name, dir string, want files) {
		if tool == "" && byTool[name] != "" {
			t.Skipf("%s is not installed", archive.Tool)
		}
		got, plan := imported(t, dir, archive.Options{}, decoderCommand)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("mismatch (-want +got):\n%s", d)
		}
		if len(plan.Warnings) != 0 || len(plan.Skipped) != 0 {
			t.Errorf("got plan %+v, want neither warnings nor skipped files", plan)
		}
	})
}

func TestMethodThatNeeds7ZipIsNamedIfMissing(t *testing.T) {
	t.Setenv("PATH", "")
	packedArchives(t, func(t *testing.T, name, dir string, _ files) {
		decoders := [][]string{nil}
		if byTool[name] != "" {
			decoders = append(decoders, decoderCommand)
		}
		for _, decoder := range decoders {
			_, err := open(t, dir, archive.Options{Decoder: decoder})
			if byTool[name] == "" {
				if err != nil {
					t.Error(err)
				}
				continue
			}
			e, ok := left4me.Public(err)
			if !ok || e.Kind != left4me.Invalid || !strings.Contains(e.Text, byTool[name]) || !strings.Contains(e.Text, archive.Tool) ||
				!strings.Contains(e.Hint, archive.ToolPackage) {
				t.Errorf("got %v, want Invalid naming %s and %s", err, byTool[name], archive.Tool)
			}
		}
	})
}

// An archive with one corrupt byte in its packed data must be refused.
func TestCorruptionIsDetectedWithEachMethod(t *testing.T) {
	packedArchives(t, func(t *testing.T, name, dir string, _ files) {
		if archive.FindTool() == "" && byTool[name] != "" {
			t.Skipf("%s is not installed", archive.Tool)
		}
		parts, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(parts[0])
		if err != nil {
			t.Fatal(err)
		}
		at := 40 // after the signature header of a 7z
		if n := bytes.Index(b, []byte("m.smx")); n >= 0 {
			at = n + 20 // after the local file header of a zip
		}
		b[at] ^= 0x55
		if err := os.WriteFile(parts[0], b, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := open(t, dir, archive.Options{})
		if err == nil {
			root, rerr := os.OpenRoot(t.TempDir())
			if rerr != nil {
				t.Fatal(rerr)
			}
			defer root.Close()
			err = f.Write(t.Context(), root, nil)
		}
		if e, ok := left4me.Public(err); !ok || e.Kind != left4me.Invalid {
			t.Errorf("got %v, want Invalid", err)
		}
	})
}

func TestUnsupportedMethodIsNamed(t *testing.T) {
	for method, name := range map[uint16]string{5: "Reduce", 97: "WavPack", 4242: "method 4242"} {
		b := zipOf(t, "addons/a.vpk")
		for _, at := range []int{bytes.Index(b, []byte("PK\x03\x04")) + 8, bytes.LastIndex(b, []byte("PK\x01\x02")) + 10} {
			b[at], b[at+1] = byte(method), byte(method>>8)
		}
		wantRefused(t, b, "addons/a.vpk", name)
	}
}
