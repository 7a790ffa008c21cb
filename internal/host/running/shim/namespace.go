package shim

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/running/overlayfs"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/mountinfo"
)

// outsideVar passes the mount namespace of the parent to a shim. If the shim's namespace differs, it is
// private to the shim, which may mount there.
const outsideVar = "LEFT4ME_OUTSIDE"

// Isolate makes cmd start in a new mount namespace with the privileges required to mount an overlay
// there. For root that is all. Other users also get a user namespace, which maps them to their own ID:
// as root, srcds_run would print a warning and wait.
func Isolate(cmd *exec.Cmd) error {
	outside, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return fmt.Errorf("mount namespace: %w", err)
	}
	cmd.Env = append(cmd.Env, outsideVar+"="+outside)
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	attr := cmd.SysProcAttr
	attr.Cloneflags |= unix.CLONE_NEWNS | unix.CLONE_NEWIPC
	if os.Geteuid() == 0 {
		return nil
	}
	attr.Cloneflags |= unix.CLONE_NEWUSER
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
	attr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER, unix.CAP_CHOWN}
	return nil
}

// NotIsolated explains why the kernel refused to start a command prepared with [Isolate].
func NotIsolated(err error) error {
	if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EINVAL) {
		return err
	}
	return left4me.NewError(left4me.Unavailable, "namespace.not_allowed").Because(err)
}

// Isolated reports whether this process was started by a command prepared with Isolate.
func Isolated() bool {
	outside := os.Getenv(outsideVar)
	own, err := os.Readlink("/proc/self/ns/mnt")
	return err == nil && outside != "" && own != outside
}

// Mount mounts a server's stack in the private mount namespace of this process, see [Isolated].
func Mount(root *overlayfs.Root, n left4me.Name) error {
	if err := slave(); err != nil {
		return err
	}
	return mount(root, n)
}

func mount(root *overlayfs.Root, n left4me.Name) error {
	err := root.Mount(n)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, overlayfs.ErrRefused), errors.Is(err, os.ErrNotExist):
		return left4me.NewError(left4me.Unavailable, "server.mount_outdated", "reason", err.Error()).Because(err)
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return left4me.NewError(left4me.Unavailable, "server.mount_refused", "reason", err.Error()).Because(err)
	case errors.Is(err, unix.EINVAL):
		return left4me.NewError(left4me.Unavailable, "server.mount_on_overlay", "reason", err.Error()).Because(err)
	}
	return err
}

// orphanTime limits how long the processes left by a killed shim may take to end. exitTime limits the
// wait for an exiting process whose working directory can no longer be read.
const (
	orphanTime = 10 * time.Second
	exitTime   = time.Second
)

// killOrphans kills the processes left by a server's killed shim. The kernel kills the game together
// with its shim, but not at the same instant, and it doesn't kill the game's children. While one of
// them lives, so does its mount, and mounting the same writable layer a second time would corrupt it.
// Orphans are the processes whose working directory is in merged and whose mount namespace isn't ours.
// They are invisible from within a user namespace, so killOrphans must run outside.
func killOrphans(merged string) error {
	own, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return err
	}
	return killMatching(func(p process) bool {
		cwd, err := os.Readlink(p.dir() + "/cwd")
		if err != nil || cwd != merged && !strings.HasPrefix(cwd, merged+"/") {
			return false
		}
		ns, err := os.Readlink(p.dir() + "/ns/mnt")
		return err == nil && ns != own
	})
}

// KillNamespace kills all processes that see a mount at merged in a mount namespace other than ours,
// whatever their working directory. They are left over from a killed installation.
func KillNamespace(merged string) error {
	own, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return err
	}
	return killMatching(func(p process) bool {
		ns, err := os.Readlink(p.dir() + "/ns/mnt")
		if err != nil || ns == own {
			return false
		}
		points, err := mountinfo.Of(int(p))
		return err == nil && slices.Contains(points, merged)
	})
}

func killMatching(orphan func(process) bool) error {
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		found := process(0)
		for _, p := range processes() {
			switch {
			case orphan(p):
				found = p
				p.killIf(orphan)
			case found == 0 && time.Since(begun) < exitTime && p.exits():
				found = p
			}
		}
		if found == 0 {
			return nil
		}
		if time.Since(begun) > orphanTime {
			return left4me.NewError(left4me.Busy, "server.process_does_not_end", "program", found.name(), "pid", int(found))
		}
	}
}

// killIf kills a process after checking that it is still the intended one: its process ID may have been
// reused.
func (p process) killIf(meant func(process) bool) {
	fd, err := unix.PidfdOpen(int(p), 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	if meant(p) {
		_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	}
}

// exits reports whether a process is exiting: it no longer has a working directory, but may still hold
// its mount namespace.
func (p process) exits() bool {
	_, err := os.Readlink(p.dir() + "/cwd")
	if !errors.Is(err, os.ErrNotExist) {
		return false
	}
	state := p.stat(0)
	return state != "" && state != "Z" && state != "X"
}

// DropPrivileges permanently drops all privileges of this thread and of everything it will start. With
// no_new_privs set and no permitted capabilities, not even root regains any by executing a program.
func DropPrivileges() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("ambient capabilities: %w", err)
	}
	// In a unit, systemd has already dropped them and denies capset.
	var now, none [2]unix.CapUserData
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capget(&header, &now[0]); err == nil && now == none {
		return nil
	}
	if err := unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &none[0]); err != nil {
		return fmt.Errorf("capabilities: %w", err)
	}
	return nil
}
