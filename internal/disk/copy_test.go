package disk_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/disk/disktest"
	"github.com/left4me/left4me/internal/left4me"
)

// files creates a file with some content and an empty one.
func files(t *testing.T) (from, to *os.File) {
	t.Helper()
	dir := t.TempDir()
	for name, f := range map[string]**os.File{"from": &from, "to": &to} {
		var err error
		if *f, err = os.Create(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { (*f).Close() })
	}
	return from, to
}

func write(t *testing.T, f *os.File, at int64, b []byte) {
	t.Helper()
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

func allocated(t *testing.T, f *os.File) int64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	return st.Blocks * 512
}

func TestCopyKeepsHoles(t *testing.T) {
	from, to := files(t)
	write(t, from, 0, []byte("begin"))
	write(t, from, 40<<20, bytes.Repeat([]byte("middle"), 1<<20))
	if err := from.Truncate(100 << 20); err != nil {
		t.Fatal(err)
	}
	var told int64
	n, err := disk.Copy(t.Context(), to, from, 100<<20, func(n int64) {
		if n < told {
			t.Errorf("reported %d bytes after %d", n, told)
		}
		told = n
	})
	if err != nil || n != 100<<20 || told != n {
		t.Fatalf("copied %d bytes, reported %d, %v", n, told, err)
	}
	a, _ := os.ReadFile(from.Name())
	if b, err := os.ReadFile(to.Name()); err != nil || !bytes.Equal(a, b) {
		t.Errorf("the content differs, %v", err)
	}
	if a, b := allocated(t, from), allocated(t, to); a < 50<<20 && b > a+1<<20 {
		t.Errorf("%d bytes were allocated for %d", b, a)
	}
}

func TestCopyToleratesChangingFile(t *testing.T) {
	from, to := files(t)
	write(t, from, 0, []byte("123456"))
	if n, err := disk.Copy(t.Context(), to, from, 4, nil); n != 4 || err != nil {
		t.Errorf("a file that has grown: %d, %v", n, err)
	}
	for _, size := range []int64{10, 60 << 20} { // sizes before the truncation
		if n, err := disk.Copy(t.Context(), to, from, size, nil); n != 6 || err != nil {
			t.Errorf("a truncated file: %d, %v", n, err)
		}
		if b, err := os.ReadFile(to.Name()); string(b) != "123456" {
			t.Errorf("got %q, error %v", b, err)
		}
	}
}

func TestCopyStopsWithContext(t *testing.T) {
	from, to := files(t)
	write(t, from, 0, make([]byte, 64<<20))
	ctx, cancel := context.WithCancel(t.Context())
	n, err := disk.Copy(ctx, to, from, 64<<20, func(int64) { cancel() })
	if !errors.Is(err, context.Canceled) || n == 0 || n > 32<<20 {
		t.Errorf("got %d, error %v", n, err)
	}
}

// Servers write to the disk during the copy of a large file.
func TestCopyKeepsMarginFree(t *testing.T) {
	disktest.OnSmall(t, "200m", func(t *testing.T, dir string) {
		from, _ := files(t)
		write(t, from, 0, make([]byte, 64<<20))
		to, err := os.Create(filepath.Join(dir, "to"))
		if err != nil {
			t.Fatal(err)
		}
		defer to.Close()
		n, err := disk.Copy(t.Context(), to, from, 64<<20, func(n int64) {
			if n == 16<<20 {
				disktest.Fill(t, dir, 20<<20) // room for one more check
			}
		})
		free, margin, roomErr := disk.Room(dir)
		if !errors.Is(err, left4me.DiskFull) || n != 32<<20 || roomErr != nil || free < margin {
			t.Errorf("copied %d bytes, %d are free with a margin of %d: %v, %v", n, free, margin, err, roomErr)
		}
	})
}

func TestFitsKeepsMarginFree(t *testing.T) {
	free, margin, err := disk.Room(t.TempDir())
	if err != nil || free <= margin {
		t.Fatalf("%d bytes are free, %v", free, err)
	}
	var full *left4me.Error
	if err := disk.Fits(t.TempDir(), free-margin+64<<20); !errors.As(err, &full) || full.Kind != left4me.DiskFull {
		t.Errorf("got error %v", err)
	}
	if err := disk.Fits(t.TempDir(), 0); err != nil {
		t.Error(err)
	}
}
