package shim

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/running/gameuser"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/overlayfs"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	ringSize = 512 << 10
	logLimit = 16 << 20 // size at which a console log file is rotated
	keepLogs = 8        // rotated files
)

// Config selects the server that a shim runs and the directories it uses.
type Config struct {
	Root   instance.Root
	Run    string // directory of sockets and locks
	Name   left4me.Name
	Notify string // systemd's socket (NOTIFY_SOCKET), empty without systemd
	Policy Policy // restarts after crashes and clean exits; a zero Limit selects the default policy

	// QuitTime is how long a game that has answered queries may take to exit after quit before it gets
	// SIGINT; 0 means 10 s.
	QuitTime time.Duration
	// InterruptTime is how long the game may take to exit after SIGINT before it gets SIGKILL; 0 means
	// 5 s.
	InterruptTime time.Duration

	// The following apply only if the shim mounts the stack itself and so sets up the game's view of
	// the file system:
	Show []string // directories below hidden ones that the game may read; missing ones are skipped
	Hide []string // directories and files to hide, in addition to those that are hidden from every game
}

// shim is the state of one shim process.
type shim struct {
	Config
	root     *overlayfs.Root
	own      bool            // this shim mounted the stack, in its own namespace
	gameRoot *overlayfs.Root // the root in the game's view; set if own
	env      instance.Env
	logs     *os.File
	console  *console
	board    *board
	socket   *socketServer
	launcher launcher
	notify   notifier

	stop    context.CancelFunc // starts the stop sequence
	close   context.CancelFunc // ends the goroutines that serve the game and its clients
	serving sync.WaitGroup

	game      atomic.Pointer[game] // the running game, or nil
	ready     bool                 // the server was ready at least once
	runs      []run                // the last runs that ended without a stop request
	trimmedAt time.Time
}

// Run runs a server until it is stopped or fails permanently. The stop sequence begins when ctx ends,
// or when a client enters quit or exit. Errors are meant for the user who requested the start
// (left4me.Conflict if the port is in use or the server already has a shim, left4me.Unavailable), and
// are stored for [LastFailure].
//
// If the server's stack isn't mounted and there is no systemd that could have mounted it, Run must have
// been started by a command prepared with [Isolate]. Otherwise it re-executes this program with such a
// command and waits for it.
func Run(ctx context.Context, cfg Config) error {
	if !cfg.Name.Valid() {
		return left4me.NewError(left4me.Invalid, "name.not_a_name", "name", cfg.Name).InField("name")
	}
	if cfg.Policy.Limit == 0 {
		cfg.Policy = defaultPolicy
	}
	root, err := overlayfs.OpenRoot(string(cfg.Root))
	if err != nil {
		return err
	}
	defer root.Close()
	mounted, err := root.Mounted(cfg.Name)
	if err != nil {
		return fmt.Errorf("run %s: %w", cfg.Name, err)
	}
	own := !mounted && cfg.Notify == ""
	if own && !Isolated() {
		return runIsolated(ctx, cfg)
	}
	if own {
		if err := writableOnly(cfg.Root, cfg.Run); err != nil {
			return err
		}
		if root, err = overlayfs.OpenRoot(string(cfg.Root)); err != nil {
			return err
		}
		defer root.Close()
	}
	lock, err := Hold(cfg.Run, cfg.Name)
	if err != nil {
		return err
	}
	defer lock.Close()
	s := &shim{Config: cfg, root: root, own: own, notify: notifier{cfg.Notify}}
	ctx, s.stop = context.WithCancel(ctx)
	defer s.stop()
	if err = s.prepare(mounted); err == nil {
		err = s.runGames(ctx)
	}
	s.finish(err, lock)
	return err
}

// Clear prepares for a shim in namespaces of its own, see [Isolate]: from inside, that shim can see
// neither what a killed shim left running nor which process has its port. Errors: ErrSecond;
// left4me.Conflict if the port is in use.
func Clear(root instance.Root, run string, n left4me.Name) error {
	if err := Forget(root, run, n); err != nil {
		return err
	}
	env, err := root.ReadEnv(n)
	if err != nil {
		return err
	}
	return PortFree(root, env.Port)
}

// runIsolated re-executes this program in a mount namespace of its own and waits for it.
func runIsolated(ctx context.Context, cfg Config) error {
	if err := Clear(cfg.Root, cfg.Run, cfg.Name); err != nil {
		return err
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = os.Environ()
	if err := Isolate(cmd); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return NotIsolated(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(unix.SIGTERM) })
	defer stop()
	err := cmd.Wait()
	if f, ok := LastFailure(cfg.Run, cfg.Name); ok && err != nil {
		return &f.Error
	}
	return err
}

// prepare takes all steps that precede the first start of the game.
func (s *shim) prepare(mounted bool) error {
	_ = os.Remove(failurePath(s.Run, s.Name))
	var err error
	if s.env, err = s.Root.ReadEnv(s.Name); err != nil {
		return err
	}
	if err := PortFree(s.Root, s.env.Port); err != nil {
		return err
	}
	switch {
	case s.own:
		if err = mount(s.root, s.Name); err == nil {
			err = s.enclose()
		}
	case !mounted:
		err = left4me.NewError(left4me.Unavailable, "server.not_mounted", "dir", s.Root.Merged(s.Name), "server", s.Name)
	}
	if err != nil {
		return err
	}
	s.launcher, err = s.open()
	return err
}

// open opens the console log and the socket, and starts the goroutines that serve the game and its
// clients.
func (s *shim) open() (launcher, error) {
	var err error
	if s.logs, err = openLogs(s.Root.Logs(s.Name)); err != nil {
		return nil, err
	}
	dir, err := gameuser.OpenAt(s.logs, ".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	log, err := openLog(dir, logLimit, keepLogs)
	if err != nil {
		dir.Close()
		return nil, err
	}
	s.console = newConsole(log, ringSize)
	s.board = newBoard(Status{
		Name: s.Name, State: left4me.Starting, ShimPID: os.Getpid(), Want: s.env.Port, SpecHash: s.env.SpecHash, Since: now(),
	})
	if s.socket, err = openSocket(s); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.close = cancel
	s.serving.Go(func() { s.console.run(ctx) })
	s.serving.Go(func() { s.socket.run(ctx) })
	return newLauncher(ctx)
}

// finish shuts down in an order in which no observer sees a server that is neither running nor stopped:
// once the lock is free, only the recorded failure is left. err is why the server failed, or nil.
func (s *shim) finish(err error, lock *os.File) {
	if s.console != nil {
		s.console.flush()
	}
	if s.own {
		// If unmounting fails, the mount lasts until this process and its namespace end.
		s.unmount()
	}
	if err != nil {
		rememberFailure(s.Run, s.Name, err)
		s.notify.send("STATUS=failed: " + err.Error())
	}
	if s.board != nil {
		s.board.set(func(st *Status) {
			st.PID, st.State = 0, left4me.Stopped
			st.explain(nil)
			if err != nil {
				st.State = left4me.Failed
				st.explain(shown(err))
			}
		})
	}
	_ = os.Remove(Socket(s.Run, s.Name))
	Unlock(lock)
	if s.close != nil {
		s.close()
		s.serving.Wait()
	}
	if s.console != nil {
		s.console.close()
	}
	if s.logs != nil {
		s.logs.Close()
	}
}

// say adds a message of left4me to the console.
func (s *shim) say(format string, args ...any) {
	s.console.add(fmt.Appendf(nil, "left4me: "+format+"\n", args...))
}

// write enters a line on the game's console. If the line contains quit or exit, write enters only the
// part before it and starts the stop sequence. Otherwise the shim would restart the game, since left4me
// didn't request its exit.
func (s *shim) write(line string) error {
	line, quits := left4me.CutQuit(line)
	if line != "" {
		g := s.game.Load()
		if g == nil {
			return left4me.NewError(left4me.Conflict, "server.not_running_now", "server", s.Name)
		}
		if err := g.write(line); err != nil {
			return err
		}
	}
	if quits {
		s.stop()
	}
	return nil
}
