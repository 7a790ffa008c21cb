package overlays_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

const fullVar = "LEFT4ME_TEST_FULL"

// A build that doesn't fit on the disk must report the missing space, restore the free space, and
// leave a margin free.
func TestFullDiskFailsPublish(t *testing.T) {
	if out, err := exec.Command("unshare", "-rm", "true").CombinedOutput(); err != nil {
		t.Skipf("no user namespaces here: %v %s", err, out)
	}
	exe, err := os.Executable()
	must(t, err)
	dir := t.TempDir()
	// Staged files are on another disk, so that they can be larger.
	cmd := exec.Command("unshare", "-rm", "sh", "-ec", `
		mkdir "$1/root" "$1/staged"
		mount -t tmpfs -o size=8m tmpfs "$1/root"
		mkdir "$1/root/tmp"
		mount --bind "$1/staged" "$1/root/tmp"
		`+fullVar+`="$1/root" exec "$2"`, "sh", dir, exe)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func publishTooMuch(root string) error {
	background := context.Background()
	s := overlays.Open(root, -1)
	free := func() int64 {
		var st unix.Statfs_t
		if err := unix.Statfs(root, &st); err != nil {
			return -1
		}
		return int64(st.Bavail) * st.Bsize
	}
	publish := func(job left4me.JobID, files ...int) error {
		st, err := s.Stage(background, "maps", job)
		if err != nil {
			return err
		}
		for i, size := range files {
			b := make([]byte, size)
			_, _ = rand.NewChaCha8([32]byte{byte(i)}).Read(b)
			if err := os.WriteFile(filepath.Join(st.Dir(), fmt.Sprint(i)), b, 0o644); err != nil {
				return err
			}
		}
		_, _, err = s.Publish(background, st, overlays.Meta{}, nil)
		return errors.Join(err, st.Close())
	}
	if err := publish("one", 1<<18); err != nil {
		return err
	}
	before := free()
	for _, files := range [][]int{{10 << 20}, {5 << 20, 5 << 20}, {3 << 20, 4<<20 + 5<<17}} {
		err := publish("two", files...)
		if e, ok := left4me.Public(err); !ok || e.Kind != left4me.DiskFull || !errors.Is(err, unix.ENOSPC) {
			return fmt.Errorf("publish %v: got %w, want DiskFull", files, err)
		}
		if now := free(); now < before {
			return fmt.Errorf("publish %v: %d bytes were not freed", files, before-now)
		}
	}
	if n, err := overlays.Current(filepath.Join(root, "overlays/maps")); n != 1 || err != nil {
		return fmt.Errorf("revision %d is current: %w", n, err)
	}
	if err := publish("three", 5<<20); err != nil {
		return fmt.Errorf("publish files that fit: %w", err)
	}
	return nil
}
