package shim

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/mountns"
	"github.com/left4me/left4me/internal/host/running/overlayfs"
)

// What the unit left4me-server@ hides from a game, a shim hides that mounts the
// stack itself. It does it in two parts, since it needs more before the game
// runs: first all but the root and the directory of sockets becomes read-only,
// then, with the stack mounted, these two are covered, and what is the server's
// own is put into the covers.

// writableOnly makes everything read-only in our own mount namespace but the root
// and the directory of sockets. It comes before the lock is taken: the kernel
// makes nothing read-only that is open for writing.
func writableOnly(root instance.Root, run string) error {
	// What is mounted here must not show outside. The other way round it may:
	// then nobody is kept from unmounting what we happen to see.
	if err := slave(); err != nil {
		return err
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if err := os.MkdirAll(run, 0o700); err != nil {
		return err
	}
	stay := []mountns.Part{{From: string(root), Mounts: true}}
	if !strings.HasPrefix(run, string(root)+"/") {
		stay = append(stay, mountns.Part{From: run, Mounts: true})
	}
	for i := range stay { // either may be reached by a link
		var err error
		if stay[i].From, err = filepath.EvalSymlinks(stay[i].From); err != nil {
			return err
		}
	}
	done, err := mountns.HoldAll(stay)
	if err != nil {
		return fmt.Errorf("mount namespace: %w", err)
	}
	defer done()
	if err := mountns.ReadOnly(); err != nil {
		return fmt.Errorf("mount namespace: %w", err)
	}
	return mountns.PutAll(stay)
}

// enclose covers in our own mount namespace what is not this server's: the root
// but for its stack, home, log and instance, the other sockets, settings, homes
// and sockets of the machine.
func (s *shim) enclose() error {
	own := []mountns.Part{
		{From: s.Root.Instance(s.Name), ReadOnly: true},
		{From: s.Root.Home(s.Name)},
		{From: s.Root.Logs(s.Name)},
		{From: Dir(s.Run, s.Name)},
		{From: s.Root.Merged(s.Name), Moves: true},
		// Links in its home lead to Steam's libraries.
		{From: filepath.Join(string(s.Root), "steam", "steamcmd"), ReadOnly: true, Optional: true},
		// Plugins reach a database on this machine by its socket.
		{From: "/run/mysqld", ReadOnly: true, Optional: true},
	}
	for _, dir := range s.Show {
		own = append(own, mountns.Part{From: dir, ReadOnly: true, Optional: true})
	}
	own = append(own, mountns.Resolver()...)
	done, err := mountns.HoldAll(own)
	if err != nil {
		return fmt.Errorf("mount namespace: %w", err)
	}
	defer done()
	// srcds makes sockets, dumps and shared memory with fixed names in these.
	for _, dir := range []string{"/tmp", "/var/tmp", "/dev/shm"} {
		if _, err := os.Stat(dir); err != nil {
			continue
		}
		if err := mountns.Temporary(dir, "size=256m,mode=1777"); err != nil {
			return fmt.Errorf("mount namespace: %w", err)
		}
	}
	// Its terminal is among no others: those of people lead to their shells.
	if err := unix.Mount("left4me", "/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC,
		"newinstance,ptmxmode=0666,mode=0620"); err != nil {
		return fmt.Errorf("mount namespace: /dev/pts: %w", err)
	}
	covers, err := mountns.Hide(slices.Concat(mountns.Private(), []string{string(s.Root), s.Run}, s.Hide))
	if err == nil {
		err = mountns.PutAll(own)
	}
	if err == nil {
		err = mountns.Seal(covers)
	}
	if err != nil {
		return fmt.Errorf("mount namespace: %w", err)
	}
	s.seen, err = overlayfs.OpenRoot(string(s.Root))
	return err
}

// unmount takes the stack away where the game saw it, and what overlayfs left
// where it lies.
func (s *shim) unmount() {
	if s.seen != nil {
		_ = s.seen.Unmount(s.Name)
		s.seen.Close()
	}
	_ = s.root.Unmount(s.Name)
}

// slave keeps what is mounted in this mount namespace from showing outside.
func slave() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("mount namespace: %w", err)
	}
	return nil
}
