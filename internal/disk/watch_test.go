package disk_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/disk/disktest"
	"github.com/left4me/left4me/internal/left4me"
)

func TestWatchNoticesVanishedFileSystem(t *testing.T) {
	disktest.OnSmall(t, "4m", func(t *testing.T, dir string) {
		root := filepath.Join(dir, "root")
		disktest.Mount(t, root, "2m", 0o700)
		made := func(name string) string {
			p := filepath.Join(root, name)
			if err := errors.Join(os.MkdirAll(p, 0o700), os.WriteFile(filepath.Join(p, "file"), nil, 0o600)); err != nil {
				t.Fatal(err)
			}
			return p
		}
		games, kept := filepath.Join(root, "games"), filepath.Join(dir, "kept")
		disktest.Mount(t, kept, "1m", 0o700)
		bind := func(from, to string) {
			t.Helper()
			if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
				t.Fatal(err)
			}
		}
		unmount := func(path string) {
			t.Helper()
			if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
				t.Fatal(err)
			}
		}
		w := disk.NewWatch(root, "games", "runtime", "backups")
		there := func(what string) {
			t.Helper()
			if err := w.Check(); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		gone := func(path, how string) {
			t.Helper()
			e, ok := left4me.Public(w.Check())
			if !ok || e.Kind != left4me.Unavailable || !strings.HasPrefix(e.Text, "disk unavailable: "+path+" "+how) ||
				!strings.Contains(e.Hint, "restart left4me") {
				t.Errorf("%s %s: %v", path, how, e)
			}
		}

		there("nothing made yet")
		if err := os.Mkdir(games, 0o700); err != nil {
			t.Fatal(err)
		}
		there("an empty directory")
		bind(kept, games)
		there("mounted over an empty directory")
		made("games")
		there("with contents")
		unmount(games)
		gone(games, "is on another file system")
		disktest.Mount(t, games, "1m", 0o700)
		made("games")
		gone(games, "is on another file system")
		unmount(games)
		bind(kept, games)
		there("mounted again")
		if err := os.Remove(filepath.Join(games, "file")); err != nil {
			t.Fatal(err)
		}
		there("everything in it deleted")

		runtime := made("runtime")
		there("made later")
		away := func() {
			t.Helper()
			if err := errors.Join(os.RemoveAll(runtime+".away"), os.Rename(runtime, runtime+".away")); err != nil {
				t.Fatal(err)
			}
		}
		away()
		there("deleted on the file system of the root")
		made("runtime")
		there("made again")
		away()
		if err := os.Mkdir(runtime, 0o700); err != nil {
			t.Fatal(err)
		}
		gone(runtime, "was replaced by an empty directory")
		made("runtime")
		there("replaced by one with contents")

		elsewhere := filepath.Join(kept, "backups")
		if err := errors.Join(os.MkdirAll(filepath.Join(elsewhere, "one"), 0o700),
			os.Symlink(elsewhere, filepath.Join(root, "backups"))); err != nil {
			t.Fatal(err)
		}
		there("a link to another disk")
		unmount(kept)
		gone(filepath.Join(root, "backups"), "no longer exists")

		unmount(root)
		gone(root, "is on another file system")
	})
}
