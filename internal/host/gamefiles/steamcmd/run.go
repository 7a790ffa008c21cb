package steamcmd

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/running/terminal"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	// restartCode is the exit code after the binary has replaced itself.
	restartCode = 42
	// maxRestarts limits the restarts for restartCode.
	maxRestarts = 5
	// grace is the time between SIGTERM and SIGKILL.
	grace = 3 * time.Second
	// linger is how long to wait for more output after the end, while child processes hold the
	// terminal open.
	linger = 200 * time.Millisecond
)

// ending describes how a run of SteamCMD ended.
type ending struct {
	code   int // exit code; -1 after a signal
	signal syscall.Signal
	hung   bool
}

// run runs SteamCMD, again if it restarts itself, and passes every output line to see. The caller
// holds the lock. The error is a failed start or the cause of ctx.
func (t Tool) run(ctx context.Context, c commands, silence time.Duration, see func(line string)) (ending, error) {
	args, done, err := c.args(t.Home)
	if err != nil {
		return ending{}, err
	}
	defer done()
	hide := c.secretReplacer()
	for restarts := 0; ; restarts++ {
		p, err := t.start(args)
		if err != nil {
			return ending{}, err
		}
		e, err := p.follow(ctx, silence, func(line string) { see(hide.Replace(line)) })
		if err != nil || e.code != restartCode || restarts == maxRestarts {
			return e, err
		}
	}
}

// lock allows one SteamCMD per home directory. Two processes would overwrite each other's updates
// and caches.
func (t Tool) lock() (unlock func(), err error) {
	if err := os.MkdirAll(t.Home, 0o755); err != nil {
		return nil, notWritable(t.Home, err)
	}
	f, err := os.OpenFile(filepath.Join(t.Home, ".left4me.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, notWritable(t.Home, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, failure(InUse, "")
	}
	return func() {
		// Unlock explicitly: a child process that another goroutine forks at this moment holds the
		// descriptor too, until it calls exec.
		_ = unix.Flock(int(f.Fd()), unix.LOCK_UN)
		f.Close()
	}, nil
}

// process is a running SteamCMD.
type process struct {
	tty   *os.File
	lines chan string   // closed at the end of the output
	done  chan struct{} // closed when the process has ended
	state *os.ProcessState

	mu    sync.Mutex
	pid   int
	ended bool // pid may have been reused
}

// resetIgnoredHangup makes child processes react to SIGHUP if this program ignores it, as under nohup.
// They would inherit the ignored signal, but processes started by steamcmd.sh must end with their
// terminal. A caught signal is reset to its default by execve(2). This program itself still does
// not react to SIGHUP.
var resetIgnoredHangup = sync.OnceFunc(func() {
	if signal.Ignored(syscall.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
})

// start starts SteamCMD on a terminal, so that its output is not buffered, and with /dev/null as
// input, so that it never waits for input.
func (t Tool) start(args []string) (*process, error) {
	resetIgnoredHangup()
	tty, theirs, err := terminal.Open()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		tty.Close()
		return nil, err
	}
	defer null.Close()
	p := &process{tty: tty, lines: make(chan string), done: make(chan struct{})}
	attr := &os.ProcAttr{
		Dir: t.Home, Env: t.env(os.Environ()), Files: []*os.File{null, theirs, theirs},
		Sys: &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 1, Pdeathsig: syscall.SIGKILL},
	}
	started := make(chan error)
	go func() {
		// With Pdeathsig, the kernel kills the process when the thread that started it ends. This
		// goroutine keeps its thread until the process has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		proc, err := os.StartProcess(t.Script, append([]string{t.Script}, args...), attr)
		if err == nil {
			p.pid = proc.Pid
		}
		started <- err
		if err == nil {
			p.wait(proc)
		}
	}()
	if err := <-started; err != nil {
		tty.Close()
		return nil, t.notStarted(err)
	}
	go p.read()
	return p, nil
}

// env returns SteamCMD's environment. It passes on only the necessary variables and no passwords.
func (t Tool) env(ours []string) []string {
	env := []string{"HOME=" + t.Home, "TERM=dumb"}
	path := "PATH=/usr/local/bin:/usr/bin:/bin"
	for _, v := range ours {
		key, _, _ := strings.Cut(v, "=")
		switch {
		case key == "PATH":
			path = v
		case key == "LANG", key == "USER", key == "TMPDIR", strings.HasSuffix(strings.ToLower(key), "_proxy"),
			strings.HasPrefix(key, "SIM_"): // settings of the simulated SteamCMD
			env = append(env, v)
		}
	}
	return append(env, path)
}

// wait waits for the process and kills the processes that it left running.
func (p *process) wait(proc *os.Process) {
	for { // as long as it is a zombie, its pid is not reused
		err := unix.Waitid(unix.P_PID, proc.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	p.mu.Lock()
	_ = syscall.Kill(-proc.Pid, syscall.SIGKILL)
	p.ended = true
	p.state, _ = proc.Wait()
	p.mu.Unlock()
	_ = p.tty.SetReadDeadline(time.Now().Add(linger))
	close(p.done)
}

// read splits the output into lines until no process holds the terminal open.
func (p *process) read() {
	defer func() {
		// Wait for the end of the process: coreutils close their output before they exit, and a
		// hangup of the terminal would kill them and hide their exit code.
		close(p.lines)
		<-p.done
		p.tty.Close()
	}()
	var clean terminal.Cleaner
	in, out := make([]byte, 16<<10), []byte(nil)
	for {
		n, err := p.tty.Read(in)
		out = clean.Clean(out[:0], in[:n])
		if err != nil {
			out = clean.Flush(out)
		}
		for line := range strings.Lines(string(out)) {
			p.lines <- strings.TrimSuffix(line, "\n")
		}
		if err != nil {
			return
		}
	}
}

// follow passes output lines to see until SteamCMD has ended. It stops SteamCMD when ctx ends or
// when no line was printed for the duration silence.
func (p *process) follow(ctx context.Context, silence time.Duration, see func(line string)) (ending, error) {
	var e ending
	quiet := time.NewTimer(silence)
	defer quiet.Stop()
	var kill *time.Timer
	stop := func() {
		if kill == nil {
			p.signal(syscall.SIGTERM)
			kill = time.AfterFunc(grace, func() { p.signal(syscall.SIGKILL) })
		}
	}
	cancelled, done := ctx.Done(), p.done
	for lines := p.lines; lines != nil || done != nil; { // the process may continue without a terminal
		select {
		case line, open := <-lines:
			if !open {
				lines = nil
				break
			}
			quiet.Reset(silence)
			see(line)
		case <-quiet.C:
			e.hung = true
			stop()
		case <-cancelled:
			cancelled = nil
			stop()
		case <-done:
			done = nil
		}
	}
	if kill != nil {
		kill.Stop()
	}
	if ctx.Err() != nil {
		return e, context.Cause(ctx)
	}
	e.code, e.signal = p.end()
	return e, nil
}

// end returns exit code and signal of the process. A shell in between reports a signal as exit code
// 128+n; end converts that back.
func (p *process) end() (code int, sig syscall.Signal) {
	if p.state == nil {
		return -1, 0
	}
	if ws, ok := p.state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return -1, ws.Signal()
	}
	code = p.state.ExitCode()
	if code > 128 && code <= 128+31 {
		return -1, syscall.Signal(code - 128)
	}
	return code, 0
}

// signal sends a signal to the process group.
func (p *process) signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		_ = syscall.Kill(-p.pid, sig)
	}
}

// notWritable returns the error for a path that cannot be written to.
func notWritable(path string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		path, err = pe.Path, pe.Err
	}
	there := path
	for { // the relevant owner is that of the existing part
		if _, err := os.Lstat(there); err == nil || there == filepath.Dir(there) {
			break
		}
		there = filepath.Dir(there)
	}
	return left4me.NewError(left4me.Denied, "steamcmd.not_writable_for", "path", path, "reason", err, "at", there, "owner", owner(there),
		"user", whoAmI()).Because(NotWritable)
}
