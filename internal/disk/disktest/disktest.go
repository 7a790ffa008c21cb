// Package disktest runs tests on small file systems that fill up.
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

// OnSmall runs the test that calls it once more in a mount namespace of its own,
// where f gets a directory with a file system of a size as mount(8) has it. Meanwhile
// other parallel tests run. It skips the test where there are no namespaces.
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

// Mount gives a directory beneath that of OnSmall a file system of its own.
func Mount(t *testing.T, dir, size string, mode os.FileMode) {
	t.Helper()
	err := errors.Join(os.MkdirAll(dir, mode), unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size), os.Chmod(dir, mode))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
}

// Fill takes what is free in a directory's file system, but for some bytes.
// Called again, it takes what was freed since.
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
			if int64(st.Bavail)*st.Bsize < leave+size { //nolint:unconvert // other machines have other types
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

// Empty gives back what Fill took.
func Empty(t *testing.T, dir string) {
	t.Helper()
	if err := os.Remove(filler(dir)); err != nil {
		t.Fatal(err)
	}
}

func filler(dir string) string { return filepath.Join(dir, "filler") }
