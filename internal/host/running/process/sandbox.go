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

// The stages of `left4me build ID` that precede running the script on hosts without systemd: one
// watches the build, one sets up the sandbox from inside.
const (
	WatchStage = "watch"
	EnterStage = "enter"
)

const (
	buildTime  = time.Hour       // equals RuntimeMaxSec= of the unit
	buildGrace = 4 * time.Second // for the script and the sandbox to end
	lifeline   = 3               // descriptor number
)

// WatchBuild runs a build in its own namespaces and waits for it. If the build ends without a result,
// WatchBuild writes one. The whole build ends with this process.
func WatchBuild(ctx context.Context, root, run string, id left4me.Name) error {
	lock, err := shim.Hold(builds(run), id)
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(lock) // held until this process ends
	life, ours, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ours.Close()
	ctx, cancel := context.WithTimeoutCause(ctx, buildTime,
		left4me.NewError(left4me.Unavailable, "script.timeout"))
	defer cancel()
	var output limited
	cmd := exec.CommandContext(ctx, "/proc/self/exe", "build", "--stage="+EnterStage, string(id))
	cmd.Args[0] = "left4me" // shown in process lists
	cmd.Env, cmd.Stderr, cmd.ExtraFiles = os.Environ(), &output, []*os.File{life}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = buildGrace
	cmd.SysProcAttr = namespaces()
	dir := sandbox.Dir(root, id)
	if err := cmd.Start(); err != nil {
		return writeEnd(dir, shim.NotIsolated(err))
	}
	life.Close()
	err = cmd.Wait()
	if e, _ := sandbox.ReadEnd(dir); e != nil && context.Cause(ctx) == nil {
		return nil
	}
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case len(output.b) > 0:
		err = errors.New(string(bytes.TrimSpace(output.b)))
	case err == nil:
		err = errors.New("it ended without a word")
	}
	return writeEnd(dir, err)
}

// writeEnd writes the result of a build that ended without one.
func writeEnd(dir string, err error) error {
	return sandbox.WriteEnd(dir, sandbox.End{Status: 1, Error: left4me.Crossing(err)})
}

// namespaces returns the attributes that give a script its own users, mounts, processes, IPC and host
// name. The network is shared: without privileges, the only alternative is no network at all.
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
		attr.AmbientCaps = nil // root has them already
	}
	return attr
}

// EnterBuild sets up the sandbox from inside. It runs as the first process of the namespaces and then
// executes the script runner. It returns only on error.
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
	// After exec, the dropped privileges of this thread apply to the whole process.
	if err := shim.DropPrivileges(); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	env := []string{"LEFT4ME_ROOT=" + string(root), "LEFT4ME_RUN=" + run}
	err := syscall.Exec("/proc/self/exe", []string{"left4me", "build", "--stage=" + RunStage, string(id)}, env)
	return fmt.Errorf("sandbox: %w", err)
}

// RunStage is the last stage, which runs the script.
const RunStage = "run"

// EndWithWatcher ends this process, the first of a sandbox, when its watcher ends.
func EndWithWatcher() {
	syscall.CloseOnExec(lifeline)
	go func() {
		var b [1]byte
		for {
			n, err := syscall.Read(lifeline, b[:])
			if n == 0 || err != nil && err != syscall.EINTR { //nolint:errorlint // read returns a plain Errno
				os.Exit(1)
			}
		}
	}()
}

// limit sets the same resource limits as the unit, except for the number of processes. The memory limit
// applies to each process; the runner watches the total.
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

// limited stores the first maxOutput bytes written to it.
type limited struct{ b []byte }

func (l *limited) Write(p []byte) (int, error) {
	l.b = append(l.b, p[:min(len(p), maxOutput-len(l.b))]...)
	return len(p), nil
}
