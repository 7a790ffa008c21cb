// Package build runs the script of an overlay, in the sandbox that its unit
// left4me-build@ is. It is a runner and no more: what is built from, and what
// becomes of it, is decided by whoever wrote the script and looks at the result.
//
// A build is one directory. The agent makes it, for the group that the script
// runs as:
//
//	script  what to run, by bash
//	out     where it runs, and all that it may write
//	log     what it prints, an empty file at first
//
// When the script has ended, all in out can be read and removed by that group,
// whatever modes the script gave it.
package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me"
)

const (
	endWithin = 3 * time.Second // from SIGTERM to SIGKILL
	lookEvery = 200 * time.Millisecond
	reserve   = 20 // a part of this many of the disk stays free
)

// ErrFull says that the script was ended because the disk ran full.
var ErrFull = left4me.Errorf(left4me.Unavailable, "the disk is almost full", "free some space, or let the script write less")

// Run runs the script in dir and returns its exit status, as a shell would say
// it: 128 and the signal for one that was killed. The end of ctx ends it. Errors:
// ErrFull, and that it could not be run at all.
func Run(ctx context.Context, dir string) (status int, err error) {
	out := filepath.Join(dir, "out")
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_WRONLY|os.O_APPEND|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return 0, fmt.Errorf("build: %w", err)
	}
	defer log.Close()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	go watchDisk(ctx, out, end)
	cmd := exec.CommandContext(ctx, "/bin/bash", filepath.Join(dir, "script"))
	cmd.Dir, cmd.Stdout, cmd.Stderr = out, log, log
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = endWithin
	err = cmd.Run()
	if cmd.Process == nil {
		return 0, fmt.Errorf("build: %w", err)
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it left running
	if err := open(out); err != nil {
		return 0, fmt.Errorf("build: %w", err)
	}
	if errors.Is(context.Cause(ctx), ErrFull) {
		return 0, ErrFull
	}
	ws := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return ws.ExitStatus(), nil
}

// watchDisk ends a build before the disk is full: the servers' is the same.
func watchDisk(ctx context.Context, dir string, end context.CancelCauseFunc) {
	for look := time.NewTicker(lookEvery); ; {
		var st unix.Statfs_t
		if err := unix.Statfs(dir, &st); err == nil && (st.Bavail < st.Blocks/reserve || st.Files > 0 && st.Ffree < st.Files/reserve) {
			end(ErrFull)
		}
		select {
		case <-ctx.Done():
			look.Stop()
			return
		case <-look.C:
		}
	}
}

// open gives the group of a tree all that its owner may, and its owner what it
// takes to go through it. What isn't a file or a directory keeps its mode.
func open(dir string) error {
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
