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

// Tool is the display name of the program that unpacks methods without a Go decoder; ToolPackage is
// its Debian package.
const (
	Tool        = "7-Zip"
	ToolPackage = "7zip"
)

// toolNames lists the executables of the tool. The Debian package 7zip installs it as 7zz in Debian
// 12 (22.01) and as 7z in Debian 13 (25.01). 7z can also be p7zip, which supports fewer methods and
// reports the ones that it doesn't.
var toolNames = []string{"7zz", "7z"}

// FindTool returns the path of the tool, or "" if it is not installed.
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

// packed is an entry that the tool unpacks.
type packed struct {
	entry
	sum    uint32 // CRC-32, if summed
	summed bool
}

// byTool makes the tool write the contents of all files to one stream and passes each to visit. The
// boundaries in the stream are taken from the archive's directory; output is trusted only where the
// checksums match.
func (w *walker) byTool(format Format, all []packed) (err error) {
	if w.tool == "" {
		return noTool(string(all[0].Name), all[0].Tool)
	}
	for _, p := range all {
		if p.Kind != regular && p.Kind != directory { // the tool would write their contents, too
			return p.Kind.refused(string(p.Name))
		}
	}
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, w.tool, "x", "-so", "-bd", "-mmt=1", "-p-", "-t"+string(format), "--", "/proc/self/fd/0")
	cmd.Stdin, cmd.Env, cmd.WaitDelay = w.parts[0], []string{"LC_ALL=C"}, 5*time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &limited{b: &stderr, left: 4 << 10}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := startSandboxed(cmd, w.parts[0]); err != nil {
		return fmt.Errorf("%s: %w", Tool, err)
	}
	defer func() {
		if err != nil {
			cancel()
		}
		werr := cmd.Wait()
		var v visitError
		if err == nil && werr != nil || err != nil && !errors.As(err, &v) {
			err = toolFailed(all[0], stderr.String(), errors.Join(err, werr))
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

// toolFailed converts a failure of the tool to an error for users. It names the compression method
// if the tool does not support it either.
func toolFailed(p packed, stderr string, err error) error {
	for line := range strings.Lines(stderr) {
		if strings.Contains(line, "Unsupported Method") {
			return unknownMethod(string(p.Name), p.Tool)
		}
	}
	return damaged(fmt.Errorf("%w: %s", err, shorten(stderr)))
}

// toolBody reads one file from the tool's output and verifies its checksum.
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

// startSandboxed starts a program that can only read the archive and the system's programs and
// libraries. It can't write files, open sockets, or trace or signal processes. Restrictions that
// the kernel doesn't support (Landlock requires Linux 5.13) are omitted. Resource limits are
// inherited from the decoder process.
func startSandboxed(cmd *exec.Cmd, archive *os.File) error {
	done := make(chan error)
	go func() {
		// A child inherits the restrictions of the thread that starts it. The thread is never
		// unlocked and therefore ends with this goroutine.
		runtime.LockOSThread()
		err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
		if err == nil {
			err = restrictFiles(archive)
		}
		if err == nil {
			err = denySystemCalls()
		}
		if err == nil {
			err = cmd.Start()
		}
		done <- err
	}()
	return <-done
}

// readable lists the paths that system programs need to read.
var readable = []string{"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/ld.so.preload", "/dev/null"}

// restrictFiles restricts this thread and its children to reading the archive and the system's programs,
// using Landlock (Linux, Documentation/userspace-api/landlock.rst).
func restrictFiles(archive *os.File) error {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return nil // the kernel has no Landlock
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
		return fmt.Errorf("set up Landlock: %w", errno)
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
			return fmt.Errorf("set up Landlock: %w", errno)
		}
		return nil
	}
	for _, p := range readable {
		fd, err := unix.Open(p, unix.O_PATH|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err != nil {
			return fmt.Errorf("set up Landlock: %s: %w", p, err)
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
		return fmt.Errorf("set up Landlock: %w", errno)
	}
	return nil
}

// machines maps the architectures that denySystemCalls supports to their audit constants.
var machines = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// denySystemCalls installs a seccomp filter that prevents this thread and its children from opening
// sockets and from tracing or signalling processes. With a socket they could use the API, which
// treats left4me's own user as an administrator.
func denySystemCalls() error {
	machine, ok := machines[runtime.GOARCH]
	if !ok {
		return nil
	}
	const (
		load  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		least = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		give  = unix.BPF_RET | unix.BPF_K
		// Offsets in struct seccomp_data of the system call number and the architecture.
		number, architecture = 0, 4
		x32                  = 0x40000000 // flag of the x32 ABI's system calls on x86-64
	)
	refused := []uint32{
		unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_KILL,
		unix.SYS_PIDFD_OPEN,
		unix.SYS_IO_URING_SETUP, unix.SYS_BPF, unix.SYS_USERFAULTFD, unix.SYS_PERF_EVENT_OPEN, unix.SYS_UNSHARE, unix.SYS_SETNS,
	}
	deny := uint8(len(refused) + 2) // offset from the first comparison
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
	if errno != 0 && errno != unix.ENOSYS && errno != unix.EINVAL { // ENOSYS, EINVAL: the kernel has no seccomp filters
		return fmt.Errorf("install the seccomp filter: %w", errno)
	}
	return nil
}
