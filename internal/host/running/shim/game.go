package shim

import (
	"bytes"
	"context"
	"errors"
	"os"
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

// launcher is the thread that starts games. The kernel kills a game when the thread that started it ends
// (PR_SET_PDEATHSIG), so this thread lives as long as the shim and is the only one that starts games.
type launcher chan func()

// newLauncher starts the thread, which ends with ctx. The thread is unprivileged and confined, and the
// games that it starts inherit that.
func newLauncher(ctx context.Context) (launcher, error) {
	k := make(launcher)
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked, so that the thread isn't reused
		err := errors.Join(DropPrivileges(), Confine())
		ready <- err
		if err != nil {
			return
		}
		for {
			select {
			case f := <-k:
				f()
			case <-ctx.Done():
				return
			}
		}
	}()
	return k, <-ready
}

// game is one run of srcds.
type game struct {
	proc    *os.Process
	tty     *os.File
	started time.Time
	begin   int64         // console position at the start
	done    chan struct{} // closed when the game has ended and its output has been read
	exit    *os.ProcessState

	mu    sync.Mutex
	ended bool // the process was reaped, so its ID may be reused
}

// startGame starts srcds in dir on its own terminal.
func (l launcher) startGame(dir string, args []string, c *console, inspect func(line []byte)) (*game, error) {
	tty, slave, err := terminal.Open()
	if err != nil {
		return nil, err
	}
	defer slave.Close()
	argv := append([]string{"./srcds_linux"}, args...)
	if _, err := os.Stat(filepath.Join(dir, "srcds_linux")); err != nil {
		argv = append([]string{"./srcds_run", "-norestart"}, args...)
	}
	g := &game{tty: tty, started: time.Now(), begin: c.position(), done: make(chan struct{})}
	attr := &os.ProcAttr{
		Dir: dir, Env: gameEnv(os.Environ(), dir), Files: []*os.File{slave, slave, slave},
		Sys: &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0, Pdeathsig: syscall.SIGKILL},
	}
	started := make(chan error)
	l <- func() {
		var err error
		g.proc, err = os.StartProcess(argv[0], argv, attr)
		started <- err
	}
	if err := <-started; err != nil {
		tty.Close()
		return nil, left4me.NewError(left4me.Unavailable, "game.not_started", "program", argv[0], "reason", errors.Unwrap(err)).Because(err)
	}
	printed := make(chan struct{})
	go func() {
		defer close(printed)
		g.pump(c, inspect)
	}()
	go g.wait(printed)
	return g, nil
}

// gameEnv returns the environment of srcds. It is minimal, so that plugins can't read our variables,
// secrets above all.
func gameEnv(ours []string, dir string) []string {
	env := []string{
		"TZ=UTC", // programs parse the times in logs
		"LD_LIBRARY_PATH=" + dir + ":" + filepath.Join(dir, "bin"),
	}
	lang, path := "C.UTF-8", "/usr/local/bin:/usr/bin:/bin"
	for _, v := range ours {
		key, value, _ := strings.Cut(v, "=")
		switch {
		case key == "LANG" && value != "":
			lang = value
		case key == "PATH" && value != "":
			path = value
		case strings.HasPrefix(key, "SIM_"): // for a simulated server
			env = append(env, v)
		}
	}
	// A home next to its stack: it contains Steam's libraries, and servers don't overwrite each other's
	// files.
	return append(env, "LANG="+lang, "PATH="+path, "HOME="+filepath.Join(filepath.Dir(dir), "home"))
}

// pump copies the game's output to the console until the terminal has no writer left.
func (g *game) pump(c *console, inspect func(line []byte)) {
	var clean terminal.Cleaner
	in, out := make([]byte, 32<<10), make([]byte, 0, 40<<10)
	for {
		n, err := g.tty.Read(in)
		out = clean.Clean(out[:0], in[:n])
		if err != nil {
			out = clean.Flush(out)
		}
		c.add(out)
		for rest := out; len(rest) > 0; {
			i := bytes.IndexByte(rest, '\n')
			inspect(rest[:i])
			rest = rest[i+1:]
		}
		if err != nil {
			return
		}
	}
}

// wait waits for the game to end. Processes left by the game may keep its terminal open; pump gets 200
// ms more to read their output.
func (g *game) wait(printed chan struct{}) {
	// Kill the rest of the process group while the game is a zombie: until it is reaped, its ID can't
	// be reused.
	for {
		err := unix.Waitid(unix.P_PID, g.proc.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	g.mu.Lock()
	_ = syscall.Kill(-g.proc.Pid, syscall.SIGKILL)
	g.ended = true
	g.exit, _ = g.proc.Wait()
	g.mu.Unlock()
	_ = g.tty.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	<-printed
	g.tty.Close()
	close(g.done)
}

// write enters a line on the game's console. It fails if the game doesn't read its console.
func (g *game) write(line string) error {
	_ = g.tty.SetWriteDeadline(time.Now().Add(writeTime))
	if _, err := g.tty.WriteString(line + "\n"); err != nil {
		return left4me.NewError(left4me.Unavailable, "console.not_read").Because(err)
	}
	return nil
}

// signal sends a signal to the game's process group.
func (g *game) signal(sig syscall.Signal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.ended {
		_ = syscall.Kill(-g.proc.Pid, sig)
	}
}

// end describes how the game ended.
func (g *game) end() (text, sig string, clean bool) {
	if g.exit == nil {
		return "unknown", "", false
	}
	if ws, ok := g.exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		sig = unix.SignalName(ws.Signal())
	}
	return g.exit.String(), sig, g.exit.Success()
}
