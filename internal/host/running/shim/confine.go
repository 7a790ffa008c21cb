package shim

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The versions of Landlock that brought what confine uses.
const (
	landlockRefer = 2 // Linux 5.19
	landlockScope = 6 // Linux 6.12
)

// Confine keeps this thread, and whatever it will start, away from other
// processes of the same user: all servers of a host run as one, and through
// another's /proc/PID/root a plugin would be among its files. They can't be
// looked into or traced, and where the kernel knows how, not be sent signals nor
// be reached by abstract sockets. Among themselves they may do all of that.
// A kernel without Landlock is no error: then they are only as far apart as
// their users.
func Confine() error {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 || version < landlockRefer {
		return nil
	}
	// There have to be rules on files; these allow what they are about, which is
	// to move files between directories.
	rules := unix.LandlockRulesetAttr{Handled_access_fs: unix.LANDLOCK_ACCESS_FS_REFER}
	if version >= landlockScope {
		rules.Scoped = unix.LANDLOCK_SCOPE_SIGNAL | unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
	}
	set, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&rules)), unsafe.Sizeof(rules), 0)
	if errno != 0 {
		return fmt.Errorf("landlock: %w", errno)
	}
	defer unix.Close(int(set))
	top, err := unix.Open("/", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	defer unix.Close(top)
	everywhere := unix.LandlockPathBeneathAttr{Allowed_access: unix.LANDLOCK_ACCESS_FS_REFER, Parent_fd: int32(top)}
	_, _, errno = unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, set, unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&everywhere)), 0,
		0, 0)
	if errno == 0 {
		_, _, errno = unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, set, 0, 0)
	}
	if errno != 0 {
		return fmt.Errorf("landlock: %w", errno)
	}
	return nil
}
