// Package syscalltest lets tests decide what becomes of system calls: the kernel answers
// them in place of doing them, or ends the process, or tells the test of each one
// before it happens (seccomp(2), seccomp_unotify(2)). So a test can act between any two
// of them. It knows the layout of struct seccomp_data of 64-bit machines.
package syscalltest

import (
	"io"
	"os"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Rule says what becomes of a system call.
type Rule struct {
	Call   uintptr // its number
	Second int     // only with this as the second argument; -1: with any
	Action uint32  // SECCOMP_RET_…
}

// Told are rules by which a Listener is told of system calls.
func Told(calls ...uintptr) (all []Rule) {
	for _, call := range calls {
		all = append(all, Rule{call, -1, unix.SECCOMP_RET_USER_NOTIF})
	}
	return all
}

// Filter gives rules to the calling thread, which has to be locked to its goroutine and
// keeps them to its end, as what it starts does. The first rule that fits counts. With
// SECCOMP_FILTER_FLAG_NEW_LISTENER in flags it returns the descriptor of a listener.
func Filter(flags uintptr, rules ...Rule) (fd int, err error) {
	const load, equal, ret = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	const number, second = 0, 24 // in struct seccomp_data
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

// OnThread runs f on a thread that has no other work and ends after it, which a Listener
// of its rules then reports. It doesn't wait for f. It never uses the first thread of the
// process: Go keeps that thread when a goroutine ends that was locked to it.
func OnThread(f func()) {
	go func() {
		runtime.LockOSThread() // for ever: the thread ends with the goroutine
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
		<-other // until then this one has the first thread
	}()
}

// Required skips a test because system calls can't be watched here, which some containers
// forbid, or fails it where LEFT4ME_TEST_REQUIRED says that nothing may be skipped.
func Required(tb testing.TB, err error) {
	tb.Helper()
	if os.Getenv("LEFT4ME_TEST_REQUIRED") != "" {
		tb.Fatalf("this system lets nobody watch system calls, and .ci/run needs that: %v", err)
	}
	tb.Skipf("this system lets nobody watch system calls: %v", err)
}

// Call is a system call that waits (struct seccomp_notif).
type Call struct {
	id         uint64
	PID, flags uint32 // of the thread
	Number     int32
	arch       uint32
	at         uint64
	Args       [6]uint64
}

// Listener is a descriptor that Filter returned. One goroutine may use it.
type Listener int

// Next waits for a system call. The error is io.EOF when all threads have ended that
// have the rules.
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
		c = Call{} // the kernel takes nothing else
		switch err := l.control(unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&c)); err {
		case 0:
			return c, nil
		case unix.EINTR, unix.ENOENT: // it was killed meanwhile
		default:
			return c, err
		}
	}
}

// Continue lets a system call happen.
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
