package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/sleep"
)

// maxOutput limits how much of a failed shim's output is shown, in bytes.
const maxOutput = 1 << 10

// Start starts a server and returns when its shim answers, which is before the server is ready. If the
// server is already up, that is a success. If it is stopping, Start waits and then starts it. Errors
// are those of [shim.Run].
func (s *Supervisor) Start(ctx context.Context, n left4me.Name) error {
	for {
		state, _, err := s.State(ctx, n)
		if err == nil && state.Up() && state != left4me.Stopping {
			return nil
		}
		if err == nil && !state.Up() {
			err = s.launch(ctx, n)
			if _, up := shim.Shim(s.cfg.Run, n); err == nil || up { // a concurrent start succeeded
				return nil
			}
		}
		if err != nil && !errors.Is(err, shim.ErrSecond) { // ErrSecond: a concurrent start is in progress
			return fmt.Errorf("start %s: %w", n, err)
		}
		if sleep.For(ctx, pollTime) != nil {
			return fmt.Errorf("start %s: %w", n, left4me.NewError(left4me.Unavailable, "server.does_not_end").Because(ctx.Err()))
		}
	}
}

// launch starts a shim and waits until it answers or has failed.
func (s *Supervisor) launch(ctx context.Context, n left4me.Name) error {
	if err := os.MkdirAll(s.cfg.Run, 0o700); err != nil {
		return err
	}
	if err := shim.Clear(s.cfg.Root, s.cfg.Run, n); err != nil {
		return err
	}
	// Use a file: a pipe would close when this process ends, and the shim would die at its next write.
	// The shim prints only if it panics or fails before it can record its failure.
	output, err := os.OpenFile(s.outputPath(n), os.O_CREATE|os.O_RDWR|os.O_TRUNC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer output.Close()
	cmd := exec.Command(s.cfg.Exe, "run", string(n))
	cmd.Env = append(s.environment(os.Environ()), s.cfg.Env...)
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
		case err := <-ended:
			return s.failure(n, output, err)
		case <-tick.C:
			if st, err := s.status(ctx, n); err == nil && st.ShimPID == cmd.Process.Pid {
				return nil
			}
		case <-ctx.Done():
			s.abandon(n, cmd.Process, ended)
			return left4me.NewError(left4me.Unavailable, "shim.no_answer_at_start").Because(ctx.Err())
		}
	}
}

// abandon kills a shim that hasn't answered and that no caller waits for any more. It may not hold its
// lock yet: Stop would then not find it, and the server would come up later.
func (s *Supervisor) abandon(n left4me.Name, shim *os.Process, ended <-chan error) {
	_ = shim.Kill() // the kernel then kills the game
	select {
	case <-ended:
		_ = s.removeLeftovers(n) // the next start or stop handles leftovers
	case <-time.After(forceTime):
	}
}

// outputPath is the file that a shim's output goes to.
func (s *Supervisor) outputPath(n left4me.Name) string {
	return filepath.Join(s.cfg.Run, string(n)+".out")
}

// failure returns why a shim ended during the start.
func (s *Supervisor) failure(n left4me.Name, output *os.File, err error) error {
	if f, ok := shim.LastFailure(s.cfg.Run, n); ok {
		return &f.Error
	}
	if err == nil {
		return nil // it was stopped in the meantime
	}
	buf := make([]byte, maxOutput)
	k, _ := output.ReadAt(buf, 0)
	text := strings.ToValidUTF8(strings.TrimSpace(string(buf[:k])), "?")
	if text == "" {
		return left4me.NewError(left4me.Unavailable, "shim.ended", "reason", err).Because(err)
	}
	return left4me.NewError(left4me.Unavailable, "shim.said", "reason", text).Because(err)
}

// environment returns the variables that a shim inherits: neither secrets nor the sockets of a service
// manager.
func (s *Supervisor) environment(ours []string) []string {
	env := []string{"LEFT4ME_ROOT=" + string(s.cfg.Root), "LEFT4ME_RUN=" + s.cfg.Run}
	for _, v := range ours {
		key, _, _ := strings.Cut(v, "=")
		switch key {
		case "PATH", "HOME", "LANG", "USER", "LOGNAME", "TMPDIR":
			env = append(env, v)
		default:
			if strings.HasPrefix(key, "SIM_") { // for a simulated server
				env = append(env, v)
			}
		}
	}
	return env
}
