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
	// restartCode is what the binary exits with when it has replaced itself.
	restartCode = 42
	// maxRestarts bounds that.
	maxRestarts = 5
	// grace is how long SteamCMD may take to end when it is asked to.
	grace = 3 * time.Second
	// linger is how long output is waited for that others still hold open.
	linger = 200 * time.Millisecond
)

// ending is how a run of SteamCMD ended.
type ending struct {
	code   int // of its exit; -1 by a signal
	signal syscall.Signal
	hung   bool
}

// run runs SteamCMD once, and again when it restarts itself, and gives every line
// that it prints to see. The caller holds the lock. The error is of a start that
// failed, or ctx's.
func (t Tool) run(ctx context.Context, c commands, silence time.Duration, see func(line string)) (ending, error) {
	args, done, err := c.args(t.Home)
	if err != nil {
		return ending{}, err
	}
	defer done()
	hide := c.hide()
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

// lock makes sure that one SteamCMD at a time works in a home: two would update
// themselves, and the caches, over each other.
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
		// Closing is not enough: a child that another goroutine forks at this
		// moment has the descriptor too, until it executes its program.
		_ = unix.Flock(int(f.Fd()), unix.LOCK_UN)
		f.Close()
	}, nil
}

// process is one SteamCMD that runs.
type process struct {
	tty   *os.File
	lines chan string   // closed when nothing comes any more
	done  chan struct{} // closed when it has ended
	state *os.ProcessState

	mu    sync.Mutex
	pid   int
	ended bool // its number may belong to somebody else
}

// heedHangups lets children hear a hangup where this program ignores it, as nohup
// has it: they would ignore it too, and what steamcmd.sh runs ends with its terminal.
// This program goes on ignoring it. A caught signal has its default in a program that
// is executed (execve(2)).
var heedHangups = sync.OnceFunc(func() {
	if signal.Ignored(syscall.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
})

// start starts SteamCMD on a terminal, where it prints at once, with nothing to
// read: it must not wait for anybody.
func (t Tool) start(args []string) (*process, error) {
	heedHangups()
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
		// The kernel kills it when the thread that started it ends: this one
		// waits for it.
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

// env is the environment of SteamCMD: nothing of ours that it needn't know,
// passwords above all.
func (t Tool) env(ours []string) []string {
	env := []string{"HOME=" + t.Home, "TERM=dumb"}
	path := "PATH=/usr/local/bin:/usr/bin:/bin"
	for _, v := range ours {
		key, _, _ := strings.Cut(v, "=")
		switch {
		case key == "PATH":
			path = v
		case key == "LANG", key == "USER", key == "TMPDIR", strings.HasSuffix(strings.ToLower(key), "_proxy"),
			strings.HasPrefix(key, "SIM_"): // of a simulated SteamCMD
			env = append(env, v)
		}
	}
	return append(env, path)
}

// wait waits for the end and ends what SteamCMD left running.
func (p *process) wait(proc *os.Process) {
	for { // while it is a zombie its number is its own
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

// read makes lines of what is printed until nobody can print any more.
func (p *process) read() {
	defer func() {
		// Not before the end: coreutils close their output before they exit, and
		// the hangup of the terminal would end them and hide their exit code.
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

// follow sees what is printed until SteamCMD has ended, and ends it when ctx does
// or when it is silent for too long.
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
	for lines := p.lines; lines != nil || done != nil; { // it may go on without a terminal
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

// end says how it ended, also when a shell stands between and tells a signal as
// its own exit code.
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

// signal sends a signal to SteamCMD and what it started.
func (p *process) signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		_ = syscall.Kill(-p.pid, sig)
	}
}

// notWritable is the failure of a directory that we can't write to.
func notWritable(path string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		path, err = pe.Path, pe.Err
	}
	there := path
	for { // the owner who matters is of the part that exists
		if _, err := os.Lstat(there); err == nil || there == filepath.Dir(there) {
			break
		}
		there = filepath.Dir(there)
	}
	return left4me.NewError(left4me.Denied, "steamcmd.not_writable_for", "path", path, "reason", err, "at", there, "owner", owner(there),
		"user", whoAmI()).Because(NotWritable)
}
