package archive_test

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/content/archive"
	"github.com/left4me/left4me/internal/left4me"
)

// A full disk must be reported whether a file or a nested archive is being written, and no
// temporary files may remain.
func TestFullDiskFailsImport(t *testing.T) {
	if out, err := exec.Command("unshare", "-rm", "true").CombinedOutput(); err != nil {
		t.Skipf("no user namespaces here: %v %s", err, out)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "-rm", "sh", "-ec", `
		mkdir "$1/uploads" "$1/small"
		mount -t tmpfs -o size=4m tmpfs "$1/small"
		exec "$2" full "$1"`, "sh", t.TempDir(), exe)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// importTooMuch runs imports that don't fit on a small disk.
func importTooMuch(dir string) error {
	uploads, small := filepath.Join(dir, "uploads"), filepath.Join(dir, "small")
	store := func(file, name, data string) (err error) {
		f, err := os.Create(file)
		if err != nil {
			return err
		}
		z := zip.NewWriter(f)
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = io.WriteString(w, data)
		}
		return errors.Join(err, z.Close(), f.Close())
	}
	outer := filepath.Join(uploads, "a.zip")
	in, err := os.OpenRoot(uploads)
	if err != nil {
		return err
	}
	defer in.Close()
	run := func(scratch string, into func() (string, error)) error {
		f, err := archive.Open(context.Background(), in, archive.Options{Scratch: scratch})
		if err != nil {
			return err
		}
		defer f.Close()
		to, err := into()
		if err != nil {
			return err
		}
		root, err := os.OpenRoot(to)
		if err != nil {
			return err
		}
		defer root.Close()
		return f.Write(context.Background(), root, func(int64) {})
	}
	full := func(what string, err error) error {
		if e, ok := left4me.Public(err); !ok || e.Kind != left4me.DiskFull || !errors.Is(err, unix.ENOSPC) {
			return fmt.Errorf("%s: got %w, want DiskFull", what, err)
		}
		return nil
	}
	into := func() (string, error) { return os.MkdirTemp(small, "into") }

	if err := store(outer, "addons/a.vpk", noise(6<<20)); err != nil {
		return err
	}
	if err := full("a file", run(dir, into)); err != nil {
		return err
	}
	if left, err := filepath.Glob(filepath.Join(small, "*")); err != nil || len(left) != 1 {
		return fmt.Errorf("got files %v on the full disk, want 1: %w", left, err)
	}
	left, err := os.ReadDir(small)
	if err != nil {
		return err
	}
	for _, e := range left {
		if err := os.RemoveAll(filepath.Join(small, e.Name())); err != nil {
			return err
		}
	}

	inner := filepath.Join(dir, "inner.zip")
	if err := store(inner, "addons/a.vpk", noise(6<<20)); err != nil {
		return err
	}
	b, err := os.ReadFile(inner)
	if err != nil {
		return err
	}
	if err := store(outer, "parts/inner.zip", string(b)); err != nil {
		return err
	}
	err = run(small, func() (string, error) { return os.MkdirTemp(dir, "into") })
	if err := full("an archive in an archive", err); err != nil {
		return err
	}
	if left, err := filepath.Glob(filepath.Join(small, "*")); err != nil || len(left) != 0 {
		return fmt.Errorf("temporary files remain: %v, %w", left, err)
	}
	return nil
}
