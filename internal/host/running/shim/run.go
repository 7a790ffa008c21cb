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
	logLimit = 16 << 20 // of one piece of the console log
	keepLogs = 8        // older pieces
)

// Config says which server a shim is for, and where it is.
type Config struct {
	Root   instance.Root
	Run    string // directory of sockets and locks
	Name   left4me.Name
	Notify string // systemd's socket (NOTIFY_SOCKET), empty without systemd
	Policy Policy // of starts after crashes and clean ends; a zero Limit means the usual one

	// QuitTime is how long a game that has answered has to end after quit, before
	// SIGINT; 0 means 10 s.
	QuitTime time.Duration
	// InterruptTime is how long it has to end after SIGINT, before SIGKILL; 0 means 5 s.
	InterruptTime time.Duration

	// For a shim that mounts the stack itself, and so makes what the game sees:
	Show []string // directories that the game may read though they are in hidden ones; those that aren't there are left out
	Hide []string // directories and files that it may not, beside those that no game may
}

// shim is one life of a server's shim.
type shim struct {
	Config
	root    *overlayfs.Root
	own     bool            // the mount is ours, in our own namespace
	seen    *overlayfs.Root // the root as the game sees it, if the mount is ours
	env     instance.Env
	logs    *os.File
	console *console
	board   *board
	socket  *socketServer
	keeper  keeper
	notify  notifier

	stop    context.CancelFunc // begins the stop sequence
	close   context.CancelFunc // ends what serves the game and its clients
	serving sync.WaitGroup

	game    atomic.Pointer[game] // the one that runs, or nil
	ready   bool                 // the server was, at least once
	runs    []run                // the last that nobody asked to end
	slimmed time.Time
}

// Run runs a server until it was stopped or failed for good. The end of ctx begins
// the stop sequence, and so does quit or exit that a client types. Errors are for the person who asked
// for the start (left4me.Conflict when the port is taken or there is a shim
// already, left4me.Unavailable), and are kept for [LastFailure].
//
// Where the server's stack isn't mounted, and there is no systemd to have done
// it, Run wants to have been started by a command of [Isolate]. If it wasn't it
// starts this program anew so, and waits for that.
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

// Clear makes way for a shim that [Isolate] is about to enclose: from in there it
// can't see what one that was killed left, or who has its port. Errors: ErrSecond,
// left4me.Conflict when the port is taken.
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

// runIsolated starts this program once more, in a mount namespace of its own,
// and waits for it.
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

// prepare does what comes before the first game.
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
	s.keeper, err = s.open()
	return err
}

// open opens what serves the game and its clients, and lets it run.
func (s *shim) open() (keeper, error) {
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
	return newKeeper(ctx)
}

// finish ends everything in an order in which nobody sees a server that is
// neither up nor down: when the lock is free nothing of it is left but the
// reason for its end. err is how it failed, if it did.
func (s *shim) finish(err error, lock *os.File) {
	if s.console != nil {
		s.console.flush()
	}
	if s.own {
		// With an error it stays until this process ends, and the namespace with it.
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

// say puts a line of our own on the console.
func (s *shim) say(format string, args ...any) {
	s.console.add(fmt.Appendf(nil, "left4me: "+format+"\n", args...))
}

// write types a line on the console of the game. Of one that holds quit or exit
// it types what is before that, and begins the stop sequence: the game would be
// started again after an end that nobody asked left4me for.
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
