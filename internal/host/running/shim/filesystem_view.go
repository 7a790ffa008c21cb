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

// A shim that mounts the stack itself hides from the game what the unit left4me-server@ would hide. It
// does so in two steps, because it needs more access before the game runs. First everything but the
// root and the directory of sockets becomes read-only. Then, with the stack mounted, these two are
// covered by empty directories, and the server's own directories are mounted into the covers.

// writableOnly makes everything in this shim's mount namespace read-only, except the root and the
// directory of sockets. It must run before the lock is taken: the kernel doesn't remount a file system
// read-only while a file on it is open for writing.
func writableOnly(root instance.Root, run string) error {
	// Mounts made here must not appear outside. Unmounts made outside must propagate here; otherwise
	// this namespace would keep those file systems busy.
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
	for i := range stay { // either path may contain a symbolic link
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

// enclose hides everything that doesn't belong to this server from its mount namespace: the root except
// for the server's stack, home, logs and instance, the other servers' sockets, left4me's settings, and
// the host's home directories and sockets.
func (s *shim) enclose() error {
	own := []mountns.Part{
		{From: s.Root.Instance(s.Name), ReadOnly: true},
		{From: s.Root.Home(s.Name)},
		{From: s.Root.Logs(s.Name)},
		{From: Dir(s.Run, s.Name)},
		{From: s.Root.Merged(s.Name), Moves: true},
		// Symbolic links in the server's home point to Steam's libraries.
		{From: filepath.Join(string(s.Root), "steam", "steamcmd"), ReadOnly: true, Optional: true},
		// Plugins connect to a local database through its socket.
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
	// srcds creates sockets, dumps and shared memory with fixed names in these directories.
	for _, dir := range []string{"/tmp", "/var/tmp", "/dev/shm"} {
		if _, err := os.Stat(dir); err != nil {
			continue
		}
		if err := mountns.Temporary(dir, "size=256m,mode=1777"); err != nil {
			return fmt.Errorf("mount namespace: %w", err)
		}
	}
	// Give the server a devpts of its own: the host's terminals lead to users' shells.
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
	s.gameRoot, err = overlayfs.OpenRoot(string(s.Root))
	return err
}

// unmount unmounts the stack, both at the game's path and at its original path.
func (s *shim) unmount() {
	if s.gameRoot != nil {
		_ = s.gameRoot.Unmount(s.Name)
		s.gameRoot.Close()
	}
	_ = s.root.Unmount(s.Name)
}

// slave keeps mounts made in this mount namespace from appearing outside.
func slave() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("mount namespace: %w", err)
	}
	return nil
}
