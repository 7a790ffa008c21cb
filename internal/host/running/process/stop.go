package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/running/overlayfs"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
)

// stopTime is the default of Config.StopTime. It is longer than the stop sequence of a game.
const stopTime = 25 * time.Second

const (
	askTime   = time.Second // for a shim to confirm that the stop sequence has begun
	forceTime = time.Second // part of the caller's deadline reserved for SIGKILL
)

// Stop runs the stop sequence and returns when the server has ended and its stack is unmounted. If the
// server doesn't run, that is a success, and Stop deletes the recorded failure.
func (s *Supervisor) Stop(ctx context.Context, n left4me.Name) error {
	if !n.Valid() {
		return invalid(n)
	}
	for {
		pid, up := shim.Shim(s.cfg.Run, n)
		if up {
			if err := s.end(ctx, n, pid); err != nil {
				return fmt.Errorf("stop %s: %w", n, err)
			}
		}
		err := s.removeLeftovers(n)
		if errors.Is(err, shim.ErrSecond) {
			if up {
				return nil // a concurrent start has succeeded since
			}
			if err = ctx.Err(); err == nil { // a start was in progress
				time.Sleep(pollTime)
				continue
			}
		}
		if err != nil {
			return fmt.Errorf("stop %s: %w", n, err)
		}
		return nil
	}
}

// end ends the shim with process ID pid: by request, with SIGTERM if it doesn't answer, and finally
// with SIGKILL.
func (s *Supervisor) end(ctx context.Context, n left4me.Name, pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("shim: %w", err)
	}
	defer unix.Close(fd)
	// The descriptor refers to the process that has this ID now. It is the shim only if it still holds
	// the lock.
	if p, up := shim.Shim(s.cfg.Run, n); !up || p != pid {
		return nil
	}
	if s.ask(ctx, n) != nil {
		_ = unix.PidfdSendSignal(fd, unix.SIGTERM, nil, 0)
	}
	patience, cancel := context.WithTimeout(ctx, s.stopTimeout(ctx))
	defer cancel()
	if poll(patience, func() bool { return exited(fd) }) == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	return poll(ctx, func() bool { return exited(fd) })
}

// stopTimeout returns how long a shim may take for the stop sequence: StopTime, or less if the caller's
// deadline is earlier.
func (s *Supervisor) stopTimeout(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return s.cfg.StopTime
	}
	return min(s.cfg.StopTime, time.Until(deadline)-forceTime)
}

func (s *Supervisor) ask(ctx context.Context, n left4me.Name) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	c, err := shim.Dial(ctx, shim.Socket(s.cfg.Run, n))
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Stop(ctx)
}

// exited reports whether the process of a pidfd has ended, together with its mount namespace.
func exited(fd int) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	k, err := unix.Poll(fds, 0)
	return err == nil && k > 0
}

// removeLeftovers removes what a stopped server left: processes of a killed shim, the recorded failure, the
// socket, and the files of overlayfs in work.
func (s *Supervisor) removeLeftovers(n left4me.Name) error {
	if err := shim.Forget(s.cfg.Root, s.cfg.Run, n); err != nil {
		return err
	}
	_ = os.Remove(s.outputPath(n))
	root, err := overlayfs.OpenRoot(string(s.cfg.Root))
	if err != nil {
		return err
	}
	defer root.Close()
	return root.Unmount(n)
}
