// Package sandbox runs the script of an overlay, in the sandbox that its unit
// left4me-build@ is, or that the process supervisor makes. It is a runner and no
// more: what is built from, and what becomes of it, is decided by whoever wrote
// the script and inspects the result.
//
// A build is one directory. The agent makes it, for the group that the script
// runs as:
//
//	script  what to run, by bash
//	env     further variables, one a line
//	out     where it runs, and all that it may write
//	log     what it prints, an empty file at first
//	end     how it ended, an empty file at first
//
// When the script has ended, nothing that it started runs any more, and all in
// out can be read and removed by that group, whatever modes the script gave it.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	endWithin = 3 * time.Second // from SIGTERM to SIGKILL
	// killWithin is how long what was killed may take: as many processes as a script
	// may have, on a machine that has other work, take their time to end.
	killWithin = 30 * time.Second
	pollEvery  = 200 * time.Millisecond
)

// Main is `left4me build`: it runs the script in dir, leaves how it ended there,
// and returns it.
func Main(ctx context.Context, dir string) End {
	status, err := Run(ctx, dir)
	e := End{Status: status}
	if err != nil {
		e.Status, e.Error = 1, left4me.Crossing(err)
	}
	if err := WriteEnd(dir, e); err != nil && e.Error == nil {
		e = End{Status: 1, Error: left4me.Crossing(fmt.Errorf("write down how it ended: %w", err))}
	}
	return e
}

// Run runs the script in dir and returns its exit status, as a shell would say
// it: 128 and the signal for one that was killed. The end of ctx ends it. All
// that descends from this process ends with the script, so it should have
// nothing else to do. Errors: ErrFull, ErrMemory, and that it could not be run at
// all.
func Run(ctx context.Context, dir string) (status int, err error) {
	out := filepath.Join(dir, OutName)
	env, err := environment(dir)
	if err != nil {
		return 0, fmt.Errorf("build: %w", err)
	}
	// What loses its parent becomes a child of ours, and so does not get lost.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 0, fmt.Errorf("build: %w", err)
	}
	log, err := openLog(dir)
	if err != nil {
		return 0, fmt.Errorf("build: %w", err)
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	cmd := exec.CommandContext(ctx, "/bin/bash", filepath.Join(dir, ScriptName))
	if os.Getpid() == 1 { // no unit counts them; we have to be able to begin threads
		cmd.Args = []string{"bash", "-c", fmt.Sprintf(`ulimit -u %d && exec /bin/bash "$0"`, maxProcesses), filepath.Join(dir, ScriptName)}
	}
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = out, env, log.pipe, log.pipe
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = endWithin
	if err := start(cmd); err != nil {
		log.close()
		return 0, fmt.Errorf("build: %w", err)
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		watch(ctx, out, cmd.Process.Pid, end)
	}()
	_ = cmd.Wait()
	cause := context.Cause(ctx)
	end(nil)
	<-watched
	ended := endAll()
	err = errors.Join(log.close(), ended, loosen(out))
	switch {
	case errors.Is(cause, ErrFull) || errors.Is(cause, ErrMemory):
		return 0, cause
	case disk.IsFull(err):
		return 0, ErrFull
	case err != nil:
		return 0, fmt.Errorf("build: %w", err)
	}
	ws := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return ws.ExitStatus(), nil
}

// start starts a command that can get no privileges, and can't look into what
// else runs as its user: other builds do. Both hold for the thread that starts
// it, which therefore ends.
func start(cmd *exec.Cmd) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
		if err == nil {
			err = shim.Confine()
		}
		if err == nil {
			err = cmd.Start()
		}
		done <- err
	}()
	return <-done
}

// loosen gives the group of a tree all that its owner may, and its owner what it
// takes to go through it. What isn't a file or a directory keeps its mode.
func loosen(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".": // the agent's
			return nil
		case d.IsDir():
			return root.Chmod(name, 0o770|fs.ModeSetgid)
		case d.Type().IsRegular():
			st, err := d.Info()
			if err != nil {
				return err
			}
			return root.Chmod(name, 0o660|st.Mode().Perm()&0o100>>3|st.Mode().Perm()&0o100)
		}
		return nil
	})
}
