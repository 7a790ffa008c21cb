package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
)

// archiveOf returns an archive with a valid head, the entries, and an empty manifest.
func archiveOf(tb testing.TB, entries ...*tar.Header) []byte {
	tb.Helper()
	return archiveWith(tb, Manifest{}, entries...)
}

func archiveWith(tb testing.TB, m Manifest, entries ...*tar.Header) []byte {
	tb.Helper()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b)
	if err != nil {
		tb.Fatal(err)
	}
	w := tar.NewWriter(z)
	put := func(h *tar.Header, content []byte) {
		h.Format = tar.FormatPAX
		if err := w.WriteHeader(h); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			tb.Fatal(err)
		}
	}
	document := func(name string, v any) {
		text, _ := json.Marshal(v)
		put(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(text)), Mode: 0o600}, text)
	}
	document(headName, Head{Format: Format, Version: "1"})
	for _, h := range entries {
		put(h, make([]byte, min(h.Size, 1<<20)))
	}
	document(manifestName, m)
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func directory(names ...string) []*tar.Header {
	var all []*tar.Header
	for _, n := range names {
		all = append(all, &tar.Header{Typeflag: tar.TypeDir, Name: n, Mode: 0o755})
	}
	return all
}

func TestHostileArchivesAreRefused(t *testing.T) {
	upper := directory("runtime", "runtime/a", "runtime/a/upper")
	reg := func(name string) *tar.Header {
		return &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: 1}
	}
	for what, entries := range map[string][]*tar.Header{
		"path upwards":                append(upper, reg("runtime/a/upper/../../../x")),
		"leading ..":                  {reg("../x")},
		"absolute path":               {reg("/tmp/x")},
		"unknown part":                {reg("left4me.lock")},
		"other file of an instance":   append(directory("instances", "instances/a"), reg("instances/a/instance.env")),
		"missing directory":           append(upper, reg("runtime/a/upper/b/x")),
		"invalid server name":         append(directory("runtime"), directory("runtime/A")...),
		"file instead of a directory": {reg("overlays")},
		"no settings file":            {reg("etc/passwd")},
		"link to outside": append(upper,
			&tar.Header{Typeflag: tar.TypeSymlink, Name: "runtime/a/upper/x", Linkname: "../../../left4me.db"}),
		"absolute link": append(upper,
			&tar.Header{Typeflag: tar.TypeSymlink, Name: "runtime/a/upper/x", Linkname: "/etc/passwd"}),
		"link out and back in": append(upper,
			&tar.Header{Typeflag: tar.TypeSymlink, Name: "runtime/a/upper/x", Linkname: "../upper/x"}),
		"file through a link": append(upper, &tar.Header{Typeflag: tar.TypeSymlink, Name: "runtime/a/upper/x", Linkname: "y"},
			reg("runtime/a/upper/x/z")),
		"hard link to outside": append(upper,
			&tar.Header{Typeflag: tar.TypeLink, Name: "runtime/a/upper/x", Linkname: "/etc/passwd"}),
		"hard link to the database": append(upper, reg(databaseName),
			&tar.Header{Typeflag: tar.TypeLink, Name: "runtime/a/upper/x", Linkname: databaseName}),
		"hard link to a layer": append(append(upper, directory("overlays", "overlays/o", "overlays/o/1")...), reg("overlays/o/1/x"),
			&tar.Header{Typeflag: tar.TypeLink, Name: "runtime/a/upper/x", Linkname: "overlays/o/1/x"}),
		"character device": append(upper, &tar.Header{Typeflag: tar.TypeChar, Name: "runtime/a/upper/x", Devmajor: 1, Devminor: 3}),
		"block device":     append(upper, &tar.Header{Typeflag: tar.TypeBlock, Name: "runtime/a/upper/x"}),
		"pipe":             append(upper, &tar.Header{Typeflag: tar.TypeFifo, Name: "runtime/a/upper/x"}),
		"setuid":           append(upper, &tar.Header{Typeflag: tar.TypeReg, Name: "runtime/a/upper/x", Mode: 0o4755}),
		"setgid":           append(upper, &tar.Header{Typeflag: tar.TypeReg, Name: "runtime/a/upper/x", Mode: 0o2755}),
		"capability": append(upper,
			&tar.Header{
				Typeflag:   tar.TypeReg,
				Name:       "runtime/a/upper/x",
				PAXRecords: map[string]string{xattrPrefix + "security.capability": "x"},
			}),
		"duplicate entry":       append(upper, reg("runtime/a/upper/x"), reg("runtime/a/upper/y"), reg("runtime/a/upper/x")),
		"larger than the space": append(upper, &tar.Header{Typeflag: tar.TypeReg, Name: "runtime/a/upper/x", Size: 1 << 20}),
		"not in the manifest":   upper,
	} {
		t.Run(what, func(t *testing.T) {
			s := discard{}
			archive := archiveOf(t, entries...)
			_, err := read(t.Context(), bytes.NewReader(archive), 1<<19, s)
			if what == "not in the manifest" {
				err = nil // its structure is valid
			} else if !errors.Is(err, ErrDamaged) {
				t.Errorf("read: got %v, want ErrDamaged", err)
			}
			root := t.TempDir()
			if _, err = Restore(t.Context(), bytes.NewReader(archive), Target{Root: root, Now: noon}); !errors.Is(err, left4me.Invalid) {
				t.Errorf("Restore: got %v, want left4me.Invalid", err)
			}
			found, _ := filepath.Glob(filepath.Join(root, "*"))
			for _, f := range found {
				if filepath.Base(f) != "tmp" {
					t.Errorf("file left: %s", f)
				}
			}
		})
	}
}

// The checksums of zstd do not prove that the content is what was packed.
func TestChecksumOfEachFileIsVerified(t *testing.T) {
	for sum, good := range map[string]bool{
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d": true, // SHA-256 of one zero byte
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01e": false,
	} {
		m := Manifest{Entries: []Entry{{Path: databaseName, Kind: "file", Size: 1, SHA256: sum}}}
		archive := archiveWith(t, m, &tar.Header{Typeflag: tar.TypeReg, Name: databaseName, Size: 1, Mode: 0o600})
		r, err := Verify(t.Context(), bytes.NewReader(archive), nil)
		if err != nil || (len(r.Damage) == 0) != good {
			t.Errorf("valid sum %v: got damage %q, %v", good, r.Damage, err)
		}
		if _, err := Restore(t.Context(), bytes.NewReader(archive), Target{Root: t.TempDir(), Now: noon}); (err == nil) != good {
			t.Errorf("valid sum %v: Restore returned %v", good, err)
		}
	}
}

func TestArchiveBombIsStopped(t *testing.T) {
	var b bytes.Buffer
	z, _ := zstd.NewWriter(&b)
	w := tar.NewWriter(z)
	text, _ := json.Marshal(Head{Format: Format})
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: headName, Size: int64(len(text))}); err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(text)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: databaseName, Size: 1 << 45, Format: tar.FormatPAX}); err != nil {
		t.Fatal(err)
	}
	_ = z.Flush()
	root := t.TempDir()
	_, err := Restore(t.Context(), io.MultiReader(&b, neverEnds{}), Target{Root: root, Now: noon})
	if err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("got %v, want an error about the space", err)
	}
}

// neverEnds is a reader without an end.
type neverEnds struct{}

func (neverEnds) Read(p []byte) (int, error) { return len(p), nil }

// A game that replaces files between inspection and opening must not get other files into a backup.
func TestPackFollowsNoLinkCreatedMeanwhile(t *testing.T) {
	s := source(t)
	dir, err := os.Open(filepath.Join(s.Root, "runtime/alpha/upper/left4dead2"))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for _, name := range []string{"banned_user.cfg", "logs"} {
		n := node{dir: dir, name: name, path: "runtime/alpha/upper/left4dead2/" + name}
		if err := unix.Fstatat(int(dir.Fd()), name, &n.stat, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			t.Fatal(err)
		}
		p := filepath.Join(dir.Name(), name)
		if err := errors.Join(os.Rename(p, p+".old"), os.Symlink(s.Database, p)); err != nil {
			t.Fatal(err)
		}
		if f, err := n.open(); err == nil {
			f.Close()
			t.Errorf("%s was opened although it is now a symbolic link", name)
		}
		if err := errors.Join(os.Remove(p), unix.Mkfifo(p, 0o600)); err != nil {
			t.Fatal(err)
		}
		if f, err := n.open(); err == nil { // opening a pipe must fail without blocking
			f.Close()
			t.Errorf("%s was opened although it is now a pipe", name)
		}
	}
}

func FuzzRead(f *testing.F) {
	good, _ := packed(f, source(f))
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(archiveOf(f, directory("runtime", "runtime/a", "runtime/a/upper")...))
	f.Add([]byte("not a backup"))
	f.Fuzz(func(t *testing.T, b []byte) {
		// Restore must succeed exactly for archives that Verify accepts.
		r, err := Verify(t.Context(), bytes.NewReader(b), nil)
		if err != nil {
			t.Fatal(err)
		}
		root := t.TempDir()
		_, err = Restore(t.Context(), bytes.NewReader(b), Target{Root: root, Schema: 1 << 60, Now: noon})
		_ = filepath.WalkDir(root, func(p string, d fs.DirEntry, _ error) error { // so that the test can remove it
			if d.IsDir() {
				return os.Chmod(p, 0o700)
			}
			return nil
		})
		if len(r.Damage) > 0 && err == nil {
			t.Errorf("restored despite damage %q", r.Damage)
		}
	})
}

// FuzzRaw reads uncompressed archives, because a fuzzer rarely produces valid compressed data.
func FuzzRaw(f *testing.F) {
	unpacked := func(b []byte) []byte {
		z, err := zstd.NewReader(bytes.NewReader(b))
		if err != nil {
			f.Fatal(err)
		}
		defer z.Close()
		all, err := io.ReadAll(z)
		if err != nil {
			f.Fatal(err)
		}
		return all
	}
	upper := directory("runtime", "runtime/a", "runtime/a/upper")
	f.Add(unpacked(archiveOf(f, upper...)))
	f.Add(unpacked(archiveOf(f, append(upper, &tar.Header{Typeflag: tar.TypeSymlink, Name: "runtime/a/upper/x", Linkname: "y"},
		&tar.Header{Typeflag: tar.TypeReg, Name: "runtime/a/upper/z", PAXRecords: map[string]string{xattrPrefix + "user.a": "b"}})...)))
	f.Fuzz(func(t *testing.T, b []byte) {
		a := &reader{
			ctx:   t.Context(),
			tar:   tar.NewReader(bytes.NewReader(b)),
			sink:  discard{},
			space: 1 << 20,
			seen:  map[string]readResult{},
		}
		if _, err := a.all(); err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("got %v", err)
		}
		for p, g := range a.seen {
			if in, ok := partOf(p); !ok || in.only != "" && in.only != g.kind {
				t.Errorf("%q was accepted", p)
			}
		}
	})
}

// A plugin can create sparse files of any size. They must neither prevent backups nor make a
// restore fail for lack of space.
func TestHugeSparseFilesAreSkipped(t *testing.T) {
	s := source(t)
	for i := range 4 {
		f := filepath.Join(s.Root, "runtime/alpha/upper", fmt.Sprintf("hole%d", i))
		write(t, f, "x")
		if err := os.Truncate(f, 1<<40); err != nil {
			t.Skip("the file system does not support such files: ", err)
		}
		if err := os.Link(f, f+"-link"); err != nil {
			t.Fatal(err)
		}
	}
	if size, err := s.Size(t.Context()); err != nil || size > 1<<20 {
		t.Errorf("%d bytes, %v", size, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var b bytes.Buffer
	m, err := Pack(ctx, s, &b)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(m.Warnings, "\n"), "runtime/alpha/upper/hole3: ") {
		t.Errorf("got %q", m.Warnings)
	}
	if r, err := Verify(t.Context(), bytes.NewReader(b.Bytes()), nil); err != nil || len(r.Damage) > 0 {
		t.Errorf("got %q, %v", r.Damage, err)
	}
}

// A PAX header is limited to 1 MiB, and some file systems allow more attributes per file. Without a
// limit, one such file would make every backup fail.
func TestAttributesAreBounded(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "left4me-test-*") // ext4 allows only 4 KiB
	if err != nil {
		t.Skip(err)
	}
	defer os.RemoveAll(dir)
	f, err := os.Create(filepath.Join(dir, "x"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, name := range []string{"user.a", "user.b", "user.c", "user.overlay.opaque"} {
		value := bytes.Repeat([]byte("y"), 30<<10)
		if name == "user.overlay.opaque" {
			value = value[:1]
		}
		if err := unix.Fsetxattr(int(f.Fd()), name, value, 0); err != nil {
			t.Skip("the file system does not support attributes: ", err)
		}
	}
	p := &packer{}
	found, size := p.xattrs(f, "x"), 0
	for k, v := range found {
		size += len(k) + len(v)
	}
	if size > 2*maxXattrs || found[xattrPrefix+"user.overlay.opaque"] != "y" || len(p.manifest.Warnings) != 1 {
		t.Errorf("got %d attributes with %d bytes, %q", len(found), size, p.manifest.Warnings)
	}
}

// An attacker who controlled left4me may have made the backup. Its settings are environment files
// of programs that root runs, so they must not set variables such as LD_PRELOAD.
func TestRestoredSettingsAreLimitedToLeft4me(t *testing.T) {
	s := source(t)
	text := "# mine\nLEFT4ME_SECRET_KEY=x\nLD_PRELOAD=/tmp/x.so\n \tLD_AUDIT=x\nLEFT4ME_LISTEN=a\rLD_LIBRARY_PATH=b\r\nLEFT4ME_X=\"1\n" +
		"GCONV_PATH=\"\n\n;LEFT4ME_Y=\n"
	write(t, filepath.Join(s.Settings, "left4me.env"), text)
	archive, _ := packed(t, s)
	etc, root := t.TempDir(), t.TempDir()
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(root, "overlays/maps/10/left4dead2"), 0o755) })
	if _, err := Restore(t.Context(), bytes.NewReader(archive), Target{Root: root, Settings: etc, Schema: 4, Now: noon}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(etc, "left4me.env"))
	if err != nil {
		t.Fatal(err)
	}
	want := "# mine\nLEFT4ME_SECRET_KEY=x\n#LD_PRELOAD=/tmp/x.so\n# \tLD_AUDIT=x\nLEFT4ME_LISTEN=a\n#LD_LIBRARY_PATH=b\nLEFT4ME_X=\"1\n" +
		"#GCONV_PATH=\"\n\n;LEFT4ME_Y=\n"
	if string(b) != want {
		t.Errorf("got %q, want %q", b, want)
	}
}
