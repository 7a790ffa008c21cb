package archive_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/host/content/archive"
)

// FuzzImport checks that no import writes outside of its directory, and that it writes as many
// files as planned.
func FuzzImport(f *testing.F) {
	f.Add(zipOf(f, "addons/x.vpk", "readme.txt"))
	f.Add(zipOf(f, "../x.vpk"))
	f.Add(zipped(f, zip.FileHeader{Name: `addons\x.vpk`}, zip.FileHeader{Name: "\xb5\xd8\xcd\xbc.vpk", NonUTF8: true}))
	f.Add(tarOf(f, tar.Header{Name: "cfg/x.cfg"}, tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/"}))
	f.Add([]byte(gzipped(string(tarOf(f, tar.Header{Name: "cfg/x.cfg"})))))
	f.Add(rar5(files{"addons/x.vpk": "x"}))
	for _, seed := range []string{"a.7z", "names.7z"} {
		if b, err := os.ReadFile(filepath.Join("testdata", seed)); err == nil {
			f.Add(b)
		}
	}
	limits := archive.Limits{Entries: 1000, Bytes: 1 << 20, File: 1 << 20, Ratio: 10, Small: 1 << 16}
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
		for _, d := range []string{in, out} {
			if err := os.Mkdir(d, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(in, "a"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := open(t, in, archive.Options{Limits: limits})
		if err != nil {
			return
		}
		root, err := os.OpenRoot(out)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		if found.Write(t.Context(), root, nil) == nil {
			if n := len(get(t, out)); n != found.Plan().Count {
				t.Errorf("wrote %d files, planned %d", n, found.Plan().Count)
			}
		}
		if all, err := os.ReadDir(dir); err != nil || len(all) != 2 {
			t.Errorf("files outside of the directory: %v, %v", all, err)
		}
	})
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"addons/x.vpk", "../x", `..\x`, "C:/x", "/x", "a//./b/", "\xff", "aux.txt"} {
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, s string, windows bool) {
		p, err := archive.Clean(s, windows)
		if err == nil && p != "" && (!filepath.IsLocal(p) || filepath.Clean(p) != p || strings.ContainsAny(p, "\\\x00")) {
			t.Errorf("Clean(%q) = %q, which is not a clean local path", s, p)
		}
		if again, err2 := archive.Clean(p, windows); err == nil && (err2 != nil || again != p) {
			t.Errorf("Clean(%q) = %q, %v; want it unchanged", p, again, err2)
		}
	})
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte(string(archive.EntryFrame("a")) + "d\x00\x00\x00\x01xc\x00\x00\x00\x00z\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = archive.ReadFrames(bytes.NewReader(b))
		if !archive.EntryRoundTrips(b[min(5, len(b)):]) {
			t.Errorf("entry in %q changes when it is encoded again", b)
		}
	})
}
