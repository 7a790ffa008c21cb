package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/content/sandbox"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
)

// builds is the directory for the locks of builds. Its name is not a valid server name.
func builds(run string) string { return filepath.Join(run, ".builds") }

func (s *Supervisor) buildDir(id left4me.Name) string { return sandbox.Dir(string(s.cfg.Root), id) }

// StartBuild starts `left4me build ID` detached, and returns when it holds its lock or has ended. If it
// already runs, that is a success.
func (s *Supervisor) StartBuild(ctx context.Context, id left4me.Name) error {
	if !id.Valid() {
		return invalid(id)
	}
	if _, up := shim.Shim(builds(s.cfg.Run), id); up {
		return nil
	}
	dir := s.buildDir(id)
	if err := errors.Join(os.MkdirAll(builds(s.cfg.Run), 0o700), giveBuild(dir)); err != nil {
		return fmt.Errorf("build %s: %w", id, err)
	}
	output, err := os.OpenFile(s.buildOutputPath(id), os.O_CREATE|os.O_RDWR|os.O_TRUNC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer output.Close()
	cmd := exec.Command(s.cfg.Exe, "build", "--stage="+WatchStage, string(id))
	cmd.Env = append(s.environment(nil), s.cfg.Env...)
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { // waits for its whole life, so that no zombie remains
		defer close(ended)
		_ = cmd.Wait()
	}()
	held := func() bool {
		select {
		case <-ended: // the result is in its directory or in its output
			return true
		default:
		}
		pid, up := shim.Shim(builds(s.cfg.Run), id)
		return up && pid == cmd.Process.Pid
	}
	if err := poll(ctx, held); err != nil {
		return errors.Join(err, cmd.Process.Kill())
	}
	return nil
}

// nobody is the user for scripts if root runs left4me and there is no user left4me-build.
const nobody = 65534

// builder returns the user that scripts run as.
func builder() (uid, gid int) {
	if os.Geteuid() != 0 {
		return os.Geteuid(), os.Getegid()
	}
	if u, err := user.Lookup("left4me-build"); err == nil {
		uid, errU := strconv.Atoi(u.Uid)
		gid, errG := strconv.Atoi(u.Gid)
		if errU == nil && errG == nil {
			return uid, gid
		}
	}
	return nobody, nobody
}

// giveBuild makes a build's directory usable for its script: the script owns the files that it writes,
// and has a directory for temporary files.
func giveBuild(dir string) error {
	tmp := filepath.Join(dir, tmpName)
	if err := os.Mkdir(tmp, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	err := os.Chmod(tmp, 0o777|fs.ModeSticky)
	if uid, gid := builder(); uid != os.Geteuid() {
		for _, name := range []string{".", sandbox.ScriptName, sandbox.EnvName} {
			err = errors.Join(err, os.Lchown(filepath.Join(dir, name), -1, gid))
		}
		for _, name := range []string{sandbox.OutName, sandbox.LogName, sandbox.EndName, tmpName} {
			err = errors.Join(err, os.Lchown(filepath.Join(dir, name), uid, gid))
		}
	}
	return err
}

// BuildGroup returns -1, because the user for scripts is determined when one starts.
func (s *Supervisor) BuildGroup() (int, error) { return -1, nil }

func (s *Supervisor) buildOutputPath(id left4me.Name) string {
	return filepath.Join(builds(s.cfg.Run), string(id)+".out")
}

// Building reports whether a build runs. If not, none of its processes is left, and end describes the
// result; nil means that the build was interrupted.
func (s *Supervisor) Building(_ context.Context, id left4me.Name) (runs bool, end *sandbox.End, err error) {
	if !id.Valid() {
		return false, nil, invalid(id)
	}
	if _, up := shim.Shim(builds(s.cfg.Run), id); up {
		return true, nil, nil
	}
	if err := shim.KillNamespace(filepath.Join(s.buildDir(id), sandbox.OutName)); err != nil {
		return false, nil, err
	}
	end, err = sandbox.ReadEnd(s.buildDir(id))
	if end != nil || err != nil {
		return false, end, err
	}
	b, err := os.ReadFile(s.buildOutputPath(id))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil, nil
	}
	if output := strings.ToValidUTF8(strings.TrimSpace(string(b[:min(len(b), maxOutput)])), "?"); output != "" {
		end = &sandbox.End{Status: 1, Error: left4me.Crossing(errors.New(output))}
	}
	return false, end, err
}

// StopBuild ends a build with all its processes and returns when they have ended. If it doesn't run,
// that is a success. It also deletes the lock and the output of the build.
func (s *Supervisor) StopBuild(ctx context.Context, id left4me.Name) error {
	if !id.Valid() {
		return invalid(id)
	}
	for {
		pid, up := shim.Shim(builds(s.cfg.Run), id)
		if !up {
			break
		}
		if err := endDetached(ctx, builds(s.cfg.Run), id, pid); err != nil {
			return fmt.Errorf("stop build %s: %w", id, err)
		}
	}
	err := shim.KillNamespace(filepath.Join(s.buildDir(id), sandbox.OutName))
	if e := os.Remove(s.buildOutputPath(id)); e != nil && !errors.Is(e, fs.ErrNotExist) {
		err = errors.Join(err, e)
	}
	if err == nil {
		err = s.forget(builds(s.cfg.Run), id)
	}
	return err
}
