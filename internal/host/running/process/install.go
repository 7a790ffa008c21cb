package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
)

// endGrace is how long a program may take to end itself and its child, SteamCMD or a script.
const endGrace = 4 * time.Second

// StartInstall starts `left4me install-game` detached, and returns when it holds its lock or has ended.
// If it already runs, that is a success.
func (s *Supervisor) StartInstall(ctx context.Context) error {
	if _, up := shim.Shim(s.cfg.Run, left4me.InstallInstance); up {
		return nil
	}
	if err := os.MkdirAll(s.cfg.Run, 0o700); err != nil {
		return err
	}
	if err := s.clearInstall(); err != nil {
		return err
	}
	output, err := os.OpenFile(s.outputPath(left4me.InstallInstance), os.O_CREATE|os.O_RDWR|os.O_TRUNC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer output.Close()
	cmd := exec.Command(s.cfg.Exe, "install-game")
	cmd.Env = append(s.installEnvironment(os.Environ()), s.cfg.Env...)
	cmd.Dir = string(s.cfg.Root)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := shim.Isolate(cmd); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return shim.NotIsolated(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // waits for its whole life, so that no zombie remains
	tick := time.NewTicker(pollTime)
	defer tick.Stop()
	for {
		select {
		case <-ended: // the result is in its file or in its output
			return nil
		case <-tick.C:
			if pid, up := shim.Shim(s.cfg.Run, left4me.InstallInstance); up && pid == cmd.Process.Pid {
				return nil
			}
		case <-ctx.Done():
			return errors.Join(ctx.Err(), cmd.Process.Kill())
		}
	}
}

// installEnvironment returns the variables that the installer inherits: also the Steam account that
// owns the game, if set, but none of our secrets.
func (s *Supervisor) installEnvironment(ours []string) []string {
	env := s.environment(ours)
	for _, v := range ours {
		key, _, _ := strings.Cut(v, "=")
		if strings.HasPrefix(key, "LEFT4ME_STEAM_") && key != "LEFT4ME_STEAM_WEB_API_KEY" ||
			strings.HasSuffix(strings.ToLower(key), "_proxy") {
			env = append(env, v)
		}
	}
	return env
}

// Installing reports whether the installer runs. If not, none of its processes is left, and why
// contains its output if it could not report its error in any other way.
func (s *Supervisor) Installing(context.Context) (runs bool, why *left4me.Error, err error) {
	if _, up := shim.Shim(s.cfg.Run, left4me.InstallInstance); up {
		return true, nil, nil
	}
	if err := s.clearInstall(); err != nil {
		return false, nil, err
	}
	b, err := os.ReadFile(s.outputPath(left4me.InstallInstance))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, nil, err
	}
	text := strings.ToValidUTF8(strings.TrimSpace(string(b[:min(len(b), maxOutput)])), "?")
	if text == "" {
		return false, nil, nil
	}
	return false, left4me.NewError(left4me.Unavailable, "shim.said", "reason", text), nil
}

// StopInstall ends the installer and SteamCMD, and returns when both have ended. If they don't run,
// that is a success.
func (s *Supervisor) StopInstall(ctx context.Context) error {
	for {
		pid, up := shim.Shim(s.cfg.Run, left4me.InstallInstance)
		if !up {
			return s.clearInstall()
		}
		if err := endDetached(ctx, s.cfg.Run, left4me.InstallInstance, pid); err != nil {
			return fmt.Errorf("stop the installation: %w", err)
		}
	}
}

// endDetached ends a process that holds a lock in run, first with SIGTERM, then with SIGKILL.
func endDetached(ctx context.Context, run string, n left4me.Name, pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if p, up := shim.Shim(run, n); !up || p != pid {
		return nil
	}
	_ = unix.PidfdSendSignal(fd, unix.SIGTERM, nil, 0)
	patience, cancel := context.WithTimeout(ctx, endGrace)
	defer cancel()
	if poll(patience, func() bool { return exited(fd) }) == nil {
		return nil
	}
	_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	return poll(ctx, func() bool { return exited(fd) })
}

// clearInstall kills what a killed installer left; its mount disappears with it.
func (s *Supervisor) clearInstall() error {
	if err := shim.KillNamespace(s.cfg.Root.Merged(left4me.InstallInstance)); err != nil {
		return err
	}
	return s.forget(s.cfg.Run, left4me.InstallInstance)
}

// forget removes the lock of a process that has ended, and the files next to it.
func (s *Supervisor) forget(run string, n left4me.Name) error {
	// The lock of an ending process is released only after its descriptors are closed, which can take
	// more than a second on a busy host.
	for begun := time.Now(); ; time.Sleep(pollTime) {
		err := shim.Forget(s.cfg.Root, run, n)
		if !errors.Is(err, shim.ErrSecond) || time.Since(begun) > 10*time.Second {
			return err
		}
	}
}
