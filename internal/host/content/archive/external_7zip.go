package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/left4me"
)

// Tool is the program that unpacks what no library of ours does. Debian has it in
// the package ToolPackage.
const (
	Tool        = "7-Zip"
	ToolPackage = "7zip"
)

// toolNames are what the tool may be called. The package of Debian 12 has it as 7zz,
// that of Debian 13 as 7z (7zip 22.01 and 25.01). 7z may also be p7zip, which knows
// fewer methods, and says so.
var toolNames = []string{"7zz", "7z"}

// FindTool is where the tool is; empty when it isn't installed.
func FindTool() string {
	for _, name := range toolNames {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	return ""
}

func noTool(name, method string) error {
	e := left4me.NewError(left4me.Invalid, "archive.needs_tool", "path", shorten(name), "method", method, "tool", Tool,
		"package", ToolPackage)
	if !remedy.Has("apt-get") {
		e = left4me.NewError(left4me.Invalid, "archive.needs_tool_without_apt", "path", shorten(name), "method", method, "tool", Tool,
			"package", ToolPackage)
	}
	return e.InField("files")
}

// packed is an entry that the tool unpacks, in its turn.
type packed struct {
	entry
	sum    uint32 // CRC-32
	summed bool
}

// byTool has the tool print all files of an archive, one after the other, and
// gives each to visit. What it prints is believed only as far as the sums agree.
func (w *walker) byTool(format Format, all []packed) (err error) {
	if w.tool == "" {
		return noTool(string(all[0].Name), all[0].Tool)
	}
	for _, p := range all {
		if p.Kind != regular && p.Kind != directory { // it would print something for them, too
			return p.Kind.refused(string(p.Name))
		}
	}
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, w.tool, "x", "-so", "-bd", "-mmt=1", "-p-", "-t"+string(format), "--", "/proc/self/fd/0")
	cmd.Stdin, cmd.Env, cmd.WaitDelay = w.parts[0], []string{"LC_ALL=C"}, 5*time.Second
	var said bytes.Buffer
	cmd.Stderr = &limited{b: &said, left: 4 << 10}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := startWalled(cmd, w.parts[0]); err != nil {
		return fmt.Errorf("%s: %w", Tool, err)
	}
	defer func() {
		if err != nil {
			cancel()
		}
		werr := cmd.Wait()
		var v visited
		if err == nil && werr != nil || err != nil && !errors.As(err, &v) {
			err = toolFailed(all[0], said.String(), errors.Join(err, werr))
		}
		if err != nil {
			err = w.fail(err)
		}
	}()
	for _, p := range all {
		if p.Kind != regular {
			w.opens(p.Kind)
			if err := w.give(p.entry, nil); err != nil {
				return err
			}
			continue
		}
		body := &toolBody{r: out, left: p.Size, want: p.sum, sum: crc32.NewIEEE(), summed: p.summed}
		var read io.Reader
		if w.opens(p.Kind) {
			read = body
		}
		if err := w.give(p.entry, read); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, body); err != nil {
			return err
		}
	}
	if n, _ := io.CopyN(io.Discard, out, 1); n > 0 {
		return errors.New("it has more than its directory says")
	}
	return nil
}

// toolFailed is what the tool failed with, in words. It names a method that it
// doesn't know either.
func toolFailed(p packed, said string, err error) error {
	for line := range strings.Lines(said) {
		if strings.Contains(line, "Unsupported Method") {
			return unknownMethod(string(p.Name), p.Tool)
		}
	}
	return damaged(fmt.Errorf("%w: %s", err, shorten(said)))
}

// toolBody is one file of what the tool prints.
type toolBody struct {
	r      io.Reader
	left   int64
	sum    hash.Hash32
	want   uint32
	summed bool
}

func (t *toolBody) Read(b []byte) (int, error) {
	if t.left == 0 {
		if t.summed && t.sum.Sum32() != t.want {
			return 0, errors.New("a sum is wrong")
		}
		return 0, io.EOF
	}
	n, err := t.r.Read(b[:min(int64(len(b)), t.left)])
	t.left -= int64(n)
	t.sum.Write(b[:n])
	if errors.Is(err, io.EOF) {
		err = nil
		if t.left > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}

// startWalled starts a program that may read an archive, and programs and
// libraries of the system, and nothing else: it writes to no file, opens no
// socket, traces and signals nobody. What the kernel hasn't (Landlock came with
// Linux 5.13) is left out; limits are those of the decoder.
func startWalled(cmd *exec.Cmd, archive *os.File) error {
	done := make(chan error)
	go func() {
		// A child has the walls of the thread that makes it. This thread ends with its
		// goroutine, because it is never unlocked.
		runtime.LockOSThread()
		err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
		if err == nil {
			err = wall(archive)
		}
		if err == nil {
			err = noSockets()
		}
		if err == nil {
			err = cmd.Start()
		}
		done <- err
	}()
	return <-done
}

// readable is what programs of the system are made of.
var readable = []string{"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/ld.so.preload", "/dev/null"}

// wall has this thread and its children reach no file but an archive and the
// system's programs (Linux, Documentation/userspace-api/landlock.rst).
func wall(archive *os.File) error {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return nil // the kernel has none
	}
	attr := unix.LandlockRulesetAttr{Handled_access_fs: unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1}
	if abi >= 2 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi >= 3 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	size := unsafe.Sizeof(attr.Handled_access_fs)
	rules, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if errno != 0 {
		return fmt.Errorf("wall: %w", errno)
	}
	defer unix.Close(int(rules))
	const read, run = unix.LANDLOCK_ACCESS_FS_READ_FILE, unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	allow := func(fd int) error {
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			return err
		}
		rule := unix.LandlockPathBeneathAttr{Allowed_access: read, Parent_fd: int32(fd)}
		if st.Mode&unix.S_IFMT == unix.S_IFDIR {
			rule.Allowed_access |= run
		}
		_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, rules, unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0,
			0, 0)
		if errno != 0 {
			return fmt.Errorf("wall: %w", errno)
		}
		return nil
	}
	for _, p := range readable {
		fd, err := unix.Open(p, unix.O_PATH|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err != nil {
			return fmt.Errorf("wall: %s: %w", p, err)
		}
		err = allow(fd)
		unix.Close(fd)
		if err != nil {
			return err
		}
	}
	if err := allow(int(archive.Fd())); err != nil {
		return err
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, rules, 0, 0); errno != 0 {
		return fmt.Errorf("wall: %w", errno)
	}
	return nil
}

// machines are the architectures whose system calls noSockets knows.
var machines = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// noSockets has this thread and its children open no socket, and trace or signal
// no process: the API takes left4me's own user for an administrator.
func noSockets() error {
	machine, ok := machines[runtime.GOARCH]
	if !ok {
		return nil
	}
	const (
		load  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		least = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		give  = unix.BPF_RET | unix.BPF_K
		// struct seccomp_data has the number of the call first, then the architecture.
		number, architecture = 0, 4
		x32                  = 0x40000000 // the other table of numbers on x86-64
	)
	refused := []uint32{
		unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_KILL,
		unix.SYS_PIDFD_OPEN,
		unix.SYS_IO_URING_SETUP, unix.SYS_BPF, unix.SYS_USERFAULTFD, unix.SYS_PERF_EVENT_OPEN, unix.SYS_UNSHARE, unix.SYS_SETNS,
	}
	deny := uint8(len(refused) + 2) // how far behind the first comparison
	program := []unix.SockFilter{
		{Code: load, K: architecture},
		{Code: equal, K: machine, Jf: deny + 1},
		{Code: load, K: number},
		{Code: least, K: x32, Jt: deny - 1},
	}
	for i, n := range refused {
		program = append(program, unix.SockFilter{Code: equal, K: n, Jt: uint8(len(refused) - i)})
	}
	program = append(
		program,
		unix.SockFilter{Code: give, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: give, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
	)
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&filter)))
	runtime.KeepAlive(program)
	if errno != 0 && errno != unix.ENOSYS && errno != unix.EINVAL { // a kernel without it
		return fmt.Errorf("wall: %w", errno)
	}
	return nil
}
