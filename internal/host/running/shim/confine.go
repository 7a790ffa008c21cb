package shim

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The versions of Landlock that introduced the features Confine uses.
const (
	landlockRefer = 2 // Linux 5.19
	landlockScope = 6 // Linux 6.12
)

// Confine isolates this thread, and everything it will start, from other processes of the same user.
// All servers of a host run as one user, and a plugin could access another server's files through its
// /proc/PID/root. Confined processes can't inspect or trace others and, where the kernel supports it,
// can't send them signals or connect to their abstract sockets. Among themselves they aren't
// restricted. A kernel without Landlock is not an error: the processes are then separated only by their
// users.
func Confine() error {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 || version < landlockRefer {
		return nil
	}
	// A ruleset must handle at least one file access right. Handle the right to move files between
	// directories, and allow it everywhere.
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
