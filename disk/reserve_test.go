package disk_test

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/left4me/left4me/disk"
)

const diskVar = "LEFT4ME_TEST_DISK"

// onSmallDisks runs the test that calls it once more in a mount namespace of its
// own, where it gets a directory of 8 MiB with one of 4 MiB in it.
func onSmallDisks(t *testing.T, f func(t *testing.T, root, other string)) {
	t.Helper()
	if dir := os.Getenv(diskVar); dir != "" {
		f(t, dir, filepath.Join(dir, "overlays"))
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
		mount -t tmpfs -o size=8m tmpfs "$1"
		mkdir "$1/overlays" "$1/runtime"
		mount -t tmpfs -o size=4m tmpfs "$1/overlays"
		`+diskVar+`="$1" exec "$2" -test.run "^$3\$" -test.v`, "sh", t.TempDir(), exe, t.Name())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestTheReserveIsGivenBackAndMadeAgainOnEachFileSystem(t *testing.T) {
	onSmallDisks(t, func(t *testing.T, root, other string) {
		r := disk.NewReserve(root, 256<<10, slog.New(slog.DiscardHandler))
		free := func(dir string) int64 {
			n, err := disk.Free(dir)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		fill := func(dir string, leave int64) (empty func()) {
			file := filepath.Join(dir, "filler")
			if err := os.WriteFile(file, make([]byte, free(dir)-leave), 0o600); err != nil {
				t.Fatal(err)
			}
			return func() { _ = os.Remove(file) }
		}
		r.Fill()
		if a, b := free(root), free(other); a != 8<<20-256<<10 || b != 4<<20-256<<10 {
			t.Fatalf("free with the reserve: %d and %d", a, b)
		}
		if r.Release() {
			t.Error("it is given back although no disk is full")
		}
		empty := fill(other, 0)
		if !r.Release() || free(other) != 256<<10 || free(root) != 8<<20-256<<10 {
			t.Errorf("given back: %d and %d bytes are free", free(root), free(other))
		}
		r.Fill()
		if free(other) != 256<<10 {
			t.Error("it is made again at once, on a disk that is nearly full")
		}
		empty()
		r.Fill()
		if free(other) != 4<<20-256<<10 {
			t.Errorf("it is not made again: %d bytes are free", free(other))
		}
		// One that is larger than a small disk can bear.
		disk.NewReserve(root, 64<<20, slog.New(slog.DiscardHandler)).Fill()
		if free(root) != 8<<20-512<<10 {
			t.Errorf("a sixteenth of a small disk: %d are free", free(root))
		}
	})
}
