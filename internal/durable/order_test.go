package durable_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/durable"
)

// A power cut comes between any two system calls, so their order is the promise: the
// contents are on the disk before the name is, and the name before the caller is told.
func TestContentsAreOnTheDiskBeforeTheirNameAndThatBeforeTheEnd(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	temp := func() *os.File {
		f, err := root.Create(".new-1")
		if err != nil {
			t.Error(err)
		}
		return f
	}
	if err := root.Mkdir("in", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		do   func() error
		last string // the directory that is synced
	}{
		"WriteFile": {func() error { return durable.WriteFile(filepath.Join(dir, "a"), []byte("x"), 0o600) }, filepath.Base(dir)},
		"Replace":   {func() error { return durable.Replace(temp(), filepath.Join(dir, "a")) }, filepath.Base(dir)},
		"ReplaceIn": {func() error { return durable.ReplaceIn(root, temp(), ".new-1", "in/a") }, "in"},
	} {
		calls, err := systemCalls(t, c.do)
		if want := []string{"fsync .new-", "rename", "fsync " + c.last}; err != nil || !slices.Equal(calls, want) {
			t.Errorf("%s: %q, %v; want %q", name, calls, err, want)
		}
	}
}

// notification and answer are struct seccomp_notif and seccomp_notif_resp
// (seccomp_unotify(2)).
type (
	notification struct {
		id         uint64
		pid, flags uint32
		call       int32
		arch       uint32
		at         uint64
		args       [6]uint64
	}
	answer struct {
		id    uint64
		value int64
		error int32
		flags uint32
	}
)

// systemCalls runs do and returns which files it syncs, and when it renames one, in
// order. The kernel tells of each call before it happens, and only of those of the
// thread that do runs on.
func systemCalls(t *testing.T, do func() error) (calls []string, err error) {
	t.Helper()
	const load, equal, ret = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	code := []unix.SockFilter{{Code: load, K: 0}}
	for _, call := range []uint32{unix.SYS_FSYNC, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2} {
		code = append(code, unix.SockFilter{Code: equal, K: call, Jf: 1}, unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_USER_NOTIF})
	}
	code = append(code, unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ALLOW})
	told, ended := make(chan int, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for ever: the thread, which keeps its filter, ends with this goroutine
		prog := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
		fd, errno := uintptr(0), unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
		if errno == nil {
			var e unix.Errno
			fd, _, e = unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER,
				uintptr(unsafe.Pointer(&prog)))
			if e != 0 {
				errno = e
			}
		}
		if errno != nil {
			close(told)
			ended <- errno
			return
		}
		told <- int(fd)
		err := do()
		_ = unix.Fsync(-1) // says that it has ended
		ended <- err
	}()
	listener, ok := <-told
	if !ok {
		err := <-ended
		if os.Getenv("LEFT4ME_TEST_REQUIRED") != "" {
			t.Fatalf("this system lets nobody watch system calls, and .ci/run needs that: %v", err)
		}
		t.Skipf("this system lets nobody watch system calls: %v", err)
	}
	defer unix.Close(listener)
	for {
		var n notification
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&n))); e != 0 {
			if e == unix.EINTR {
				continue
			}
			t.Fatal(e)
		}
		last := false
		switch {
		case n.call != unix.SYS_FSYNC:
			calls = append(calls, "rename")
		case int32(n.args[0]) < 0:
			last = true
		default:
			file, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", n.args[0]))
			if err != nil {
				t.Error(err)
			}
			file = filepath.Base(file)
			if temp, _, ok := strings.Cut(durable.Temp, "*"); ok && strings.HasPrefix(file, temp) {
				file = temp
			}
			calls = append(calls, "fsync "+file)
		}
		a := answer{id: n.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&a))); e != 0 {
			t.Fatal(e)
		}
		if last {
			return calls, <-ended
		}
	}
}
