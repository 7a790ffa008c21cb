// Package sandbox runs the script of an overlay inside a sandbox that its caller provides: the unit
// left4me-build@ or the process supervisor. It only runs the script; the agent decides which script to
// run and checks the result.
//
// A build is one directory. The agent creates it for the group that the script runs as:
//
//	script  the script, run by bash
//	env     additional variables, one per line
//	out     the working directory, and the only place the script may write to
//	log     the output, initially empty
//	end     the result, initially empty
//
// After the script has ended, none of its processes is left, and the group can read and remove
// everything in out, regardless of the modes that the script has set.
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
	endWithin = 3 * time.Second // between SIGTERM and SIGKILL
	// killWithin limits the wait for killed processes. As many processes as a script may have need some
	// time to end on a busy host.
	killWithin = 30 * time.Second
	pollEvery  = 200 * time.Millisecond
)

// Main implements `left4me build`: it runs the script in dir, writes the result there and returns it.
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

// Run runs the script in dir and returns its exit status in a shell's notation: 128 plus the signal
// number if it was killed. The end of ctx ends it. All descendants of this process are killed together
// with the script, so the process should do nothing else. Errors: ErrFull, ErrMemory, and errors that
// prevented the script from running.
func Run(ctx context.Context, dir string) (status int, err error) {
	out := filepath.Join(dir, OutName)
	env, err := environment(dir)
	if err != nil {
		return 0, fmt.Errorf("build: %w", err)
	}
	// Adopt orphaned descendants, so that they can be found and killed.
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
	if os.Getpid() == 1 { // no unit limits them; this process must stay able to create threads
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
	err = errors.Join(log.close(), ended, grantGroupAccess(out))
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

// start starts a command without the possibility to gain privileges and without access to other
// processes of its user, such as other builds. Both restrictions apply to the starting thread, which
// therefore ends afterwards.
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

// grantGroupAccess gives the group of a tree the permissions of its owner, and makes its directories accessible.
// Only files and directories are changed.
func grantGroupAccess(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".": // belongs to the agent
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
