package store

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me"
)

const diskVar = "LEFT4ME_TEST_DISK"

// onSmallDisk runs the test that calls it once more in a mount namespace of its
// own, where it gets a directory with a file system of 1 MiB.
func onSmallDisk(t *testing.T, f func(t *testing.T, dir string)) {
	t.Helper()
	if dir := os.Getenv(diskVar); dir != "" {
		f(t, dir)
		return
	}
	if out, err := exec.Command("unshare", "-rm", "true").CombinedOutput(); err != nil {
		t.Skipf("no user namespaces here: %v %s", err, out)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "-rm", "sh", "-ec", `
		mount -t tmpfs -o size=1m tmpfs "$1"
		`+diskVar+`="$1" exec "$2" -test.run "^$3\$" -test.v`, "sh", t.TempDir(), exe, t.Name())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// fill writes to a file until so many bytes are free in its file system.
func fill(t *testing.T, file string, leave int64) {
	t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(file), &st); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, make([]byte, int64(st.Bavail)*st.Bsize-leave), 0o600); err != nil {
		t.Fatal(err)
	}
}

// SQLite rolls a transaction back when the disk is full, and database/sql is not
// told: the next statement would be committed on its own.
func TestNothingOfATransactionIsKeptThatTheDiskHadNoRoomFor(t *testing.T) {
	onSmallDisk(t, func(t *testing.T, dir string) {
		ctx := context.Background()
		s, err := Open(ctx, filepath.Join(dir, "left4me.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		filler := filepath.Join(dir, "filler")
		fill(t, filler, 32<<10)
		insert := func(tx *transaction, user string, size int) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO user(name, password, admin, created_at) VALUES (?,hex(zeroblob(?)),0,0)`, user, size)
			return err
		}
		var first, second error
		err = s.tx(ctx, func(tx *transaction) error {
			// Larger than the page cache, so that it is written before the commit.
			first = insert(tx, "large", 4<<20)
			second = insert(tx, "small", 1)
			return nil
		})
		if first == nil || err == nil {
			t.Errorf("the disk was not full: %v, %v", first, err)
		}
		if !errors.Is(second, first) {
			t.Errorf("the statement after %q gives %v", first, second)
		}
		if e, ok := left4me.Public(err); !ok || e.Kind != left4me.DiskFull || !strings.Contains(e.Text, dir+"/left4me.db has ") {
			t.Errorf("%v does not say that the disk is full, and which", err)
		}
		if users, err := s.Users(ctx); err != nil || len(users) != 0 {
			t.Errorf("half of a transaction is kept: %+v, %v", users, err)
		}
		relieved := 0
		s.OnFull(func() bool { relieved++; return os.Remove(filler) == nil })
		if err := s.tx(ctx, func(tx *transaction) error { return insert(tx, "later", 100<<10) }); err != nil || relieved != 1 {
			t.Errorf("with space that was given back %d times: %v", relieved, err)
		}
	})
}
