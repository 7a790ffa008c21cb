package apiclient

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

func TestTarStreamReadsFromAnyOffset(t *testing.T) {
	dir := t.TempDir()
	long := strings.Repeat("länger", 30)
	for name, text := range map[string]string{
		"a":           strings.Repeat("x", 513),
		"empty":       "",
		"d/ü 地图.cfg":  "y",
		"d/" + long:   strings.Repeat("z", 512),
		".git/config": "no",
	} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := newTarStream(dir)
	if err != nil {
		t.Fatal(err)
	}
	read := func(offset int64) []byte {
		r := s.from(offset)
		defer r.Close()
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	all := read(0)
	if int64(len(all)) != s.size {
		t.Fatalf("%d bytes of %d", len(all), s.size)
	}
	for offset := range s.size + 1 {
		if offset%7 == 0 || offset > s.size-3 {
			if got := read(offset); !bytes.Equal(got, all[offset:]) {
				t.Fatalf("from %d: %d bytes of %d", offset, len(got), len(all[offset:]))
			}
		}
	}
	var names []string
	for r := tar.NewReader(bytes.NewReader(all)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if names = append(names, h.Name); h.Name == "a" && h.Mode != 0o755 {
			t.Errorf("got %o", h.Mode)
		}
	}
	if want := []string{"a", "d/", "d/" + long, "d/ü 地图.cfg", "empty"}; strings.Join(names, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q", names)
	}
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("another"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(s.from(0)); !errors.Is(err, left4me.Conflict) {
		t.Errorf("a changed file: %v", err)
	}
	if err := os.Symlink("a", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := newTarStream(dir); !errors.Is(err, left4me.Invalid) || !strings.Contains(err.Error(), "link is a symbolic link") {
		t.Errorf("got error %v", err)
	}
}
