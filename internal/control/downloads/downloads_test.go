package downloads_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/downloads"
	"github.com/left4me/left4me/internal/host/localfs"
	"github.com/left4me/left4me/internal/left4me"
)

// host lists its files one per page.
type host struct{ files []string }

func (h host) Get(_ context.Context, name left4me.Name, _ int) (left4me.Content, error) {
	return left4me.Content{Name: name, Current: 2, Revisions: []left4me.Revision{{Number: 2, CreatedAt: time.Unix(1e9, 0)}}}, nil
}

func (h host) Tree(_ context.Context, _ left4me.Name, _ int, f left4me.Filter) (left4me.Page[left4me.TreeFile], error) {
	for i, p := range h.files {
		if p > f.After {
			page := left4me.Page[left4me.TreeFile]{Items: []left4me.TreeFile{{Path: p}}}
			if i < len(h.files)-1 {
				page.Next = p
			}
			return page, nil
		}
	}
	return left4me.Page[left4me.TreeFile]{}, nil
}

func (h host) File(_ context.Context, name left4me.Name, revision int, path, inside string) (bus.FileAnswer, error) {
	if name != "maps" || revision != 2 || path != "left4dead2/a b.vpk" {
		return bus.FileAnswer{}, left4me.NewError(left4me.NotFound, "revision.no_such_file", "revision", revision, "overlay", name,
			"path", path)
	}
	a := bus.FileAnswer{V: bus.Version, Revision: revision, Size: bus.MaxFile + 1}
	if inside == "addoninfo.txt" {
		a.Data, a.Size = []byte("info"), 4
	}
	return a, nil
}

func open(t *testing.T, files ...string) (*downloads.Revision, string) {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "overlays/maps/2")
	for name, text := range map[string]string{"left4dead2/a b.vpk": "vpk", "left4dead2/cfg/ü.cfg": "cfg", "left4dead2/run.sh": "#!"} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chmod(filepath.Join(dir, "left4dead2/run.sh"), 0o755), os.WriteFile(filepath.Join(root, "secret"), nil, 0o600),
		os.Symlink("../../../secret", filepath.Join(dir, "out")), os.Symlink("left4dead2/run.sh", filepath.Join(dir, "in"))); err != nil {
		t.Fatal(err)
	}
	r, err := downloads.New(host{files}, localfs.New(root)).Open(t.Context(), "maps", 0)
	if err != nil {
		t.Fatal(err)
	}
	return r, root
}

// renamed is a host that has the overlay under its former name.
type renamed struct{ host }

func (h renamed) Get(ctx context.Context, name left4me.Name, revision int) (left4me.Content, error) {
	c, err := h.host.Get(ctx, name, revision)
	c.NameOnHost = "maps"
	return c, err
}

// write writes an archive of r to w.
func write(ctx context.Context, r *downloads.Revision, w io.Writer, format string) error {
	a, err := r.Archive(ctx, format)
	if err != nil {
		return err
	}
	return a.Write(ctx, w)
}

func TestRenamedOverlayCanBeDownloaded(t *testing.T) {
	_, root := open(t)
	r, err := downloads.New(renamed{host{[]string{"left4dead2/run.sh"}}}, localfs.New(root)).Open(t.Context(), "campaigns", 0)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := write(t.Context(), r, &b, "zip"); err != nil || r.Overlay != "campaigns" || b.Len() == 0 {
		t.Errorf("%+v, %d bytes, %v", r, b.Len(), err)
	}
}

func TestArchivesContainFilesOfRevision(t *testing.T) {
	r, _ := open(t, "left4dead2/a b.vpk", "left4dead2/cfg/ü.cfg", "left4dead2/run.sh")
	if r.Number != 2 {
		t.Fatalf("got %+v", r)
	}
	want := map[string]string{"left4dead2/a b.vpk": "vpk 644", "left4dead2/cfg/ü.cfg": "cfg 644", "left4dead2/run.sh": "#! 755"}
	shown := func(b []byte, mode os.FileMode) string {
		return string(b) + map[bool]string{true: " 755", false: " 644"}[mode&0o100 != 0]
	}
	for _, format := range downloads.Formats {
		var b bytes.Buffer
		if err := write(t.Context(), r, &b, format); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		if format == "zip" {
			z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range z.File {
				in, err := f.Open()
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(in)
				if err != nil {
					t.Fatal(err)
				}
				got[f.Name] = shown(text, f.Mode())
			}
		} else {
			var in io.Reader = &b
			if format == "tar.zst" {
				z, err := zstd.NewReader(&b)
				if err != nil {
					t.Fatal(err)
				}
				defer z.Close()
				in = z
			}
			for r := tar.NewReader(in); ; {
				h, err := r.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				got[h.Name] = shown(text, h.FileInfo().Mode())
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", format, d)
		}
	}
	if err := write(t.Context(), r, io.Discard, "rar"); !errors.Is(err, left4me.Invalid) {
		t.Errorf("got error %v", err)
	}
}

// An error before the first byte must be returned by Archive, so that it can become an error
// response; a later one truncates the archive.
func TestArchiveReportsErrorsBeforeWriting(t *testing.T) {
	_, root := open(t)
	for name, c := range map[string]struct {
		h       tree
		archive bool // whether Archive succeeds
	}{
		"the host doesn't answer":   {func(string) ([]string, error) { return nil, left4me.Unavailable }, false},
		"the first file is missing": {func(string) ([]string, error) { return []string{"left4dead2/gone"}, nil }, false},
		"a later file of the first page is missing": {func(string) ([]string,
			error,
		) {
			return []string{"left4dead2/run.sh", "left4dead2/z"}, nil
		}, true},
		"the host doesn't answer for the second page": {func(after string) ([]string, error) {
			if after != "" {
				return nil, left4me.Unavailable
			}
			return []string{"left4dead2/run.sh", ""}, nil
		}, true},
	} {
		r, err := downloads.New(c.h, localfs.New(root)).Open(t.Context(), "maps", 0)
		if err != nil {
			t.Fatal(err)
		}
		a, err := r.Archive(t.Context(), "tar")
		if (err == nil) != c.archive {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			continue
		}
		var b bytes.Buffer
		if err := a.Write(t.Context(), &b); err == nil || b.Len() == 0 {
			t.Errorf("%s: %d bytes, %v", name, b.Len(), err)
		}
	}
}

// tree lists the files after a path; an empty name means that more follow.
type tree func(after string) ([]string, error)

func (f tree) Get(ctx context.Context, name left4me.Name, revision int) (left4me.Content, error) {
	return host{}.Get(ctx, name, revision)
}

func (f tree) File(context.Context, left4me.Name, int, string, string) (bus.FileAnswer, error) {
	return bus.FileAnswer{}, left4me.NotFound
}

func (f tree) Tree(_ context.Context, _ left4me.Name, _ int, filter left4me.Filter) (left4me.Page[left4me.TreeFile], error) {
	var page left4me.Page[left4me.TreeFile]
	files, err := f(filter.After)
	for _, p := range files {
		if p == "" {
			page.Next = page.Items[len(page.Items)-1].Path
			continue
		}
		page.Items = append(page.Items, left4me.TreeFile{Path: p})
	}
	return page, err
}

func TestDownloadReadsOnlyFilesOfRevision(t *testing.T) {
	r, root := open(t, "out")
	for _, p := range []string{
		"out", "in", "../../../secret", "/etc/passwd", ".", "", "left4dead2", "left4dead2/none",
		"left4dead2/../out", "left4dead2/run.sh/x", strings.Repeat("n", 300), "a\x00b",
	} {
		if f, err := r.File(t.Context(), p); !errors.Is(err, left4me.NotFound) {
			t.Errorf("%q: %v, %v", p, f, err)
		}
	}
	// An error that prevents reading must not be reported as NotFound.
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.File(over, "left4dead2/run.sh"); !errors.Is(err, context.Canceled) || errors.Is(err, left4me.NotFound) {
		t.Errorf("File with a cancelled context: %v", err)
	}
	if err := write(t.Context(), r, io.Discard, "zip"); !errors.Is(err, left4me.NotFound) {
		t.Errorf("a symbolic link in the archive: %v", err)
	}
	if _, err := downloads.New(host{}, localfs.New(root)).Open(t.Context(), "maps", 3); !errors.Is(err, left4me.NotFound) {
		t.Errorf("got error %v", err)
	}
}

func TestDownloadOfFileInsideVPK(t *testing.T) {
	r, _ := open(t)
	f, err := r.Inside(t.Context(), "left4dead2/a b.vpk", "addoninfo.txt")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(f); err != nil || string(text) != "info" {
		t.Errorf("got %q, error %v", text, err)
	}
	if _, err := r.Inside(t.Context(), "left4dead2/other.vpk", "addoninfo.txt"); !errors.Is(err, left4me.NotFound) {
		t.Errorf("got error %v", err)
	}
	// The host sends no contents if the file doesn't fit into a message; that must not look like an
	// empty file.
	if _, err := r.Inside(t.Context(), "left4dead2/a b.vpk", "long.bsp"); !errors.Is(err, left4me.Unavailable) {
		t.Errorf("got error %v", err)
	}
}
