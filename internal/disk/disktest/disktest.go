// Package disktest runs tests on small file systems that they can fill.
package disktest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

const diskVar = "LEFT4ME_TEST_DISK"

// OnSmall runs the calling test again in a separate mount namespace. There, f gets a directory on a
// file system of the given size, in the notation of mount(8). Other parallel tests run at the same
// time. OnSmall skips the test where mount namespaces are unavailable.
func OnSmall(t *testing.T, size string, f func(t *testing.T, dir string)) {
	t.Helper()
	if dir := os.Getenv(diskVar); dir != "" {
		f(t, dir)
		return
	}
	t.Parallel()
	unshare := []string{"-m"}
	if os.Geteuid() != 0 {
		unshare = []string{"-rm"}
	}
	if out, err := exec.Command("unshare", append(unshare, "true")...).CombinedOutput(); err != nil {
		t.Skipf("no mount namespaces here: %v %s", err, out)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", append(unshare, "sh", "-ec", `
		mount -t tmpfs -o "size=$4" tmpfs "$1"
		`+diskVar+`="$1" exec "$2" -test.run "^$3\$" -test.v`, "sh", t.TempDir(), exe, t.Name(), size)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Mount mounts a separate file system on a directory under that of OnSmall.
func Mount(t *testing.T, dir, size string, mode os.FileMode) {
	t.Helper()
	err := errors.Join(os.MkdirAll(dir, mode), unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size), os.Chmod(dir, mode))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
}

// Fill occupies the free space of a directory's file system except for leave bytes. A second call
// also occupies space freed in the meantime.
func Fill(t *testing.T, dir string, leave int64) {
	t.Helper()
	f, err := os.OpenFile(filler(dir), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int64{1 << 20, 4096} {
		for b := make([]byte, size); ; {
			var st unix.Statfs_t
			if err := unix.Statfs(dir, &st); err != nil {
				t.Fatal(err)
			}
			if int64(st.Bavail)*st.Bsize < leave+size { //nolint:unconvert // the types differ between architectures
				break
			}
			if _, err := f.Write(b); errors.Is(err, unix.ENOSPC) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Empty frees the space that Fill occupied.
func Empty(t *testing.T, dir string) {
	t.Helper()
	if err := os.Remove(filler(dir)); err != nil {
		t.Fatal(err)
	}
}

func filler(dir string) string { return filepath.Join(dir, "filler") }
