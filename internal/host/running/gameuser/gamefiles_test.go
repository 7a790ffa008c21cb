package gameuser_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/running/gameuser"
)

func open(t *testing.T, root, rel string) *os.File {
	t.Helper()
	dir, err := gameuser.OpenDir(root, rel)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	return dir
}

func TestReadAcceptsOnlyRegularFiles(t *testing.T) {
	root := t.TempDir()
	in := func(name string) string { return filepath.Join(root, name) }
	huge, err := os.Create(in("huge"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		huge.Truncate(1<<30), huge.Close(), os.WriteFile(in("file"), []byte("text"), 0o600), os.Mkdir(in("dir"), 0o700),
		unix.Mkfifo(in("fifo"), 0o600), os.Symlink("file", in("link")), os.Symlink("/etc", in("etc")), os.Symlink(".", in("here")),
	); err != nil {
		t.Fatal(err)
	}
	dir := open(t, root, ".")
	if b, err := gameuser.Read(dir, "file", 4); err != nil || string(b) != "text" {
		t.Errorf("Read = %q, %v", b, err)
	}
	for name, want := range map[string]error{
		"fifo": gameuser.ErrKind, "dir": gameuser.ErrKind, "link": unix.ELOOP, "etc/passwd": unix.ELOOP, "here/file": unix.ELOOP,
		"gone": fs.ErrNotExist, "../x": unix.EXDEV, "huge": gameuser.ErrSize,
	} {
		if b, err := gameuser.Read(dir, name, 3); !errors.Is(err, want) {
			t.Errorf("%s: got %q, %v, want %v", name, b, err, want)
		}
	}
	for _, name := range []string{"etc", "here", "file"} {
		if d, err := gameuser.OpenDir(root, name); err == nil {
			d.Close()
			t.Errorf("%s was opened as a directory", name)
		}
	}
}

// A plugin exchanges a file between two accesses. The reader must not read the target of a symbolic
// link, block on a FIFO, or read a huge file.
func TestReadIsSafeWhileFileIsExchanged(t *testing.T) {
	root := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var plugin sync.WaitGroup
	plugin.Go(func() {
		at, next := filepath.Join(root, "crash.json"), filepath.Join(root, "next")
		for i := 0; ctx.Err() == nil; i++ {
			switch i % 4 {
			case 0:
				_ = os.WriteFile(next, []byte("fine"), 0o600)
			case 1:
				_ = unix.Mkfifo(next, 0o600)
			case 2:
				_ = os.Symlink(outside, next)
			case 3:
				if f, err := os.Create(next); err == nil {
					_ = f.Truncate(1 << 30)
					f.Close()
				}
			}
			_ = os.Rename(next, at)
		}
	})
	dir := open(t, root, ".")
	fine := 0
	for n := 0; n < 5_000 || fine == 0; n++ {
		b, err := gameuser.Read(dir, "crash.json", 1<<10)
		if err == nil && len(b) > 0 { // empty while it is being written
			fine++
			if string(b) != "fine" {
				t.Fatalf("read %q", b)
			}
		}
	}
	cancel()
	plugin.Wait()
}

func TestRemoveDeepAndInaccessibleTrees(t *testing.T) {
	root := t.TempDir()
	outside := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(outside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// The tree is deeper than the limit of open files; a plugin can create such a tree.
	const levels = 700
	fd, err := unix.Open(root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	for i := 0; i < levels && err == nil; i++ {
		var next int
		if err = unix.Mkdirat(fd, "d", 0o700); err == nil {
			next, err = unix.Openat(fd, "d", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		}
		if err == nil {
			err = errors.Join(unix.Symlinkat(outside, next, "link"), unix.Fchmod(fd, []uint32{0, 0o500, 0o700}[i%3]))
		}
		unix.Close(fd)
		fd = next
	}
	unix.Close(fd)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(root, 0o700); err != nil {
		t.Fatal(err)
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	low := limit
	low.Cur = 512
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit) })
	dir := open(t, root, ".")
	if err := gameuser.Remove(t.Context(), dir, "d"); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(root); err != nil || len(left) > 0 {
		t.Errorf("files left: %v, %v", left, err)
	}
	if _, err := os.Stat(outside); err != nil {
		t.Errorf("a symbolic link was followed: %v", err)
	}
	if err := gameuser.Remove(t.Context(), dir, "d"); err != nil {
		t.Errorf("second Remove: %v", err)
	}
}

func TestRemoveReportsRemainingEntry(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount something in the way")
	}
	root := t.TempDir()
	for _, dir := range []string{"a/in/the/way", "a/b/c"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	way := filepath.Join(root, "a/in/the/way")
	if err := unix.Mount("tmpfs", way, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(way, unix.MNT_DETACH) })
	if err := os.WriteFile(filepath.Join(way, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := gameuser.Remove(t.Context(), open(t, root, "."), "a")
	var left *gameuser.LeftError
	if !errors.As(err, &left) || left.Path != "a/in/the/way" || left.UID != 0 || !strings.Contains(err.Error(), "a/in/the/way") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(way, "file")); err != nil {
		t.Errorf("a mount point was entered: %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "a/b")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an entry next to the mount point remains: %v", err)
	}
}
