// Package syscalltest lets tests control system calls: the kernel fails them instead of executing
// them, ends the process, or notifies the test before it executes them (seccomp(2),
// seccomp_unotify(2)). So a test can act between any two system calls. The package assumes the
// layout of struct seccomp_data on 64-bit machines.
package syscalltest

import (
	"io"
	"os"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Rule defines what happens to a system call.
type Rule struct {
	Call   uintptr // number of the system call
	Second int     // required second argument; -1: any
	Action uint32  // SECCOMP_RET_…
}

// Told returns rules that notify a Listener of the given system calls.
func Told(calls ...uintptr) (all []Rule) {
	for _, call := range calls {
		all = append(all, Rule{call, -1, unix.SECCOMP_RET_USER_NOTIF})
	}
	return all
}

// Filter installs rules on the calling thread, which must be locked to its goroutine. The thread
// and everything that it starts keep the rules until their end. The first matching rule applies.
// With SECCOMP_FILTER_FLAG_NEW_LISTENER in flags, Filter returns the descriptor of a listener.
func Filter(flags uintptr, rules ...Rule) (fd int, err error) {
	const load, equal, ret = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	const number, second = 0, 24 // offsets in struct seccomp_data
	var code []unix.SockFilter
	for _, r := range rules {
		code = append(code, unix.SockFilter{Code: load, K: number})
		if r.Second < 0 {
			code = append(code, unix.SockFilter{Code: equal, K: uint32(r.Call), Jf: 1})
		} else {
			code = append(code, unix.SockFilter{Code: equal, K: uint32(r.Call), Jf: 3},
				unix.SockFilter{Code: load, K: second}, unix.SockFilter{Code: equal, K: uint32(r.Second), Jf: 1})
		}
		code = append(code, unix.SockFilter{Code: ret, K: r.Action})
	}
	code = append(code, unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ALLOW})
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return -1, err
	}
	prog := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	n, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}

// OnThread runs f on a thread of its own, which ends after f, so that a Listener of its rules can
// report the end. OnThread does not wait for f. It never uses the first thread of the process,
// because Go keeps that thread when a goroutine that was locked to it ends.
func OnThread(f func()) {
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if unix.Gettid() != unix.Getpid() {
			f()
			return
		}
		defer runtime.UnlockOSThread()
		other := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(other)
			f()
		}()
		<-other // until then, this goroutine occupies the first thread
	}()
}

// Required skips a test because this system does not allow it to watch system calls, as in some
// containers. It fails the test if LEFT4ME_TEST_REQUIRED forbids skipping.
func Required(tb testing.TB, err error) {
	tb.Helper()
	if os.Getenv("LEFT4ME_TEST_REQUIRED") != "" {
		tb.Fatalf("this system does not allow tests to watch system calls, which .ci/run requires: %v", err)
	}
	tb.Skipf("this system does not allow tests to watch system calls: %v", err)
}

// Call is a system call that waits for a decision (struct seccomp_notif).
type Call struct {
	id         uint64
	PID, flags uint32 // PID: of the calling thread
	Number     int32
	arch       uint32
	at         uint64
	Args       [6]uint64
}

// Listener is a descriptor returned by Filter. Only one goroutine may use it at a time.
type Listener int

// Next waits for the next system call. It returns io.EOF once all threads with the rules have
// ended.
func (l Listener) Next() (c Call, err error) {
	for {
		ready := []unix.PollFd{{Fd: int32(l), Events: unix.POLLIN}}
		if _, err := unix.Poll(ready, -1); err == unix.EINTR {
			continue
		} else if err != nil {
			return c, err
		}
		if ready[0].Revents&unix.POLLIN == 0 {
			return c, io.EOF
		}
		c = Call{} // the kernel accepts only a zeroed struct
		switch err := l.control(unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&c)); err {
		case 0:
			return c, nil
		case unix.EINTR, unix.ENOENT: // the thread was killed in the meantime
		default:
			return c, err
		}
	}
}

// Continue lets the kernel execute a system call.
func (l Listener) Continue(c Call) error {
	answer := struct {
		id    uint64
		value int64
		error int32
		flags uint32
	}{id: c.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	if err := l.control(unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&answer)); err != 0 && err != unix.ENOENT {
		return err
	}
	return nil
}

func (l Listener) control(request uintptr, arg unsafe.Pointer) unix.Errno {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(l), request, uintptr(arg))
	return errno
}
