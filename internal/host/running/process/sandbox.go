package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/content/sandbox"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
)

// The stages of `left4me build ID` that come before it runs a script, where no
// unit does that for it: one that watches, and one that makes the sandbox from
// inside.
const (
	WatchStage = "watch"
	EnterStage = "enter"
)

const (
	buildTime  = time.Hour       // RuntimeMaxSec= of the unit
	buildGrace = 4 * time.Second // for the script to end, and the sandbox with it
	lifeline   = 3               // descriptor
)

// WatchBuild runs a build in namespaces of its own and waits for its end, which
// it writes down if the build can't. All of it ends with this process.
func WatchBuild(ctx context.Context, root, run string, id left4me.Name) error {
	lock, err := shim.Hold(builds(run), id)
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(lock) // the end of this process lets it go
	life, ours, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ours.Close()
	ctx, cancel := context.WithTimeoutCause(ctx, buildTime,
		left4me.NewError(left4me.Unavailable, "script.timeout"))
	defer cancel()
	var words limited
	cmd := exec.CommandContext(ctx, "/proc/self/exe", "build", "--stage="+EnterStage, string(id))
	cmd.Args[0] = "left4me" // in lists of processes
	cmd.Env, cmd.Stderr, cmd.ExtraFiles = os.Environ(), &words, []*os.File{life}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = buildGrace
	cmd.SysProcAttr = namespaces()
	dir := sandbox.Dir(root, id)
	if err := cmd.Start(); err != nil {
		return leave(dir, shim.NotIsolated(err))
	}
	life.Close()
	err = cmd.Wait()
	if e, _ := sandbox.ReadEnd(dir); e != nil && context.Cause(ctx) == nil {
		return nil
	}
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case len(words.b) > 0:
		err = errors.New(string(bytes.TrimSpace(words.b)))
	case err == nil:
		err = errors.New("it ended without a word")
	}
	return leave(dir, err)
}

// leave writes down that a build came to no end of its own.
func leave(dir string, err error) error {
	return sandbox.WriteEnd(dir, sandbox.End{Status: 1, Error: left4me.Crossing(err)})
}

// namespaces are what a script lives in: who it is, what it sees of files,
// processes and their means to talk. Not the network: without privileges there
// is the one that everybody has, or none.
func namespaces() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SYS_RESOURCE, unix.CAP_DAC_OVERRIDE},
	}
	id := func(n int) syscall.SysProcIDMap { return syscall.SysProcIDMap{ContainerID: n, HostID: n, Size: 1} }
	attr.UidMappings = []syscall.SysProcIDMap{id(os.Geteuid())}
	attr.GidMappings = []syscall.SysProcIDMap{id(os.Getegid())}
	if uid, gid := builder(); uid != os.Geteuid() {
		attr.UidMappings = append(attr.UidMappings, id(uid))
		attr.GidMappings = append(attr.GidMappings, id(gid))
		attr.GidMappingsEnableSetgroups = true
		attr.AmbientCaps = nil // root has them
	}
	return attr
}

// EnterBuild makes the sandbox from inside: it is the first process of the
// namespaces, and becomes the one that runs the script. It returns only with an
// error.
func EnterBuild(root instance.Root, run string, id left4me.Name) error {
	uid, gid := builder()
	if os.Getpid() != 1 {
		return errors.New("this is no sandbox")
	}
	dir := sandbox.Dir(string(root), id)
	if err := enclose(string(root), run, dir); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	if err := limit(); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	if uid != os.Geteuid() {
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setresgid(gid, gid, gid), syscall.Setresuid(uid, uid, uid)); err != nil {
			return fmt.Errorf("sandbox: %w", err)
		}
	}
	// Executing takes over what this thread gave up for all of the process.
	if err := shim.DropPrivileges(); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	env := []string{"LEFT4ME_ROOT=" + string(root), "LEFT4ME_RUN=" + run}
	err := syscall.Exec("/proc/self/exe", []string{"left4me", "build", "--stage=" + RunStage, string(id)}, env)
	return fmt.Errorf("sandbox: %w", err)
}

// RunStage is the last one: the script runs.
const RunStage = "run"

// EndWithWatcher ends this process, the first of a sandbox, when the one that
// watches it ends.
func EndWithWatcher() {
	syscall.CloseOnExec(lifeline)
	go func() {
		var b [1]byte
		for {
			n, err := syscall.Read(lifeline, b[:])
			if n == 0 || err != nil && err != syscall.EINTR { //nolint:errorlint // it is a number
				os.Exit(1)
			}
		}
	}()
}

// limit sets what the unit has as limits, but for the number of processes. Memory
// is that of each process; what all have together is watched.
func limit() error {
	for what, n := range map[int]uint64{
		unix.RLIMIT_NOFILE: 4096, unix.RLIMIT_CORE: 0, unix.RLIMIT_FSIZE: 16 << 30, unix.RLIMIT_DATA: 2 << 30,
	} {
		var now unix.Rlimit
		err := unix.Getrlimit(what, &now)
		if n = min(n, now.Max); err == nil {
			err = unix.Setrlimit(what, &unix.Rlimit{Cur: n, Max: n})
		}
		if err != nil {
			return fmt.Errorf("limit %d: %w", what, err)
		}
	}
	return nil
}

// limited keeps the beginning of what is written to it.
type limited struct{ b []byte }

func (l *limited) Write(p []byte) (int, error) {
	l.b = append(l.b, p[:min(len(p), maxWords-len(l.b))]...)
	return len(p), nil
}
