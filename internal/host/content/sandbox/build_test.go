package sandbox_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/content/sandbox"
)

// lay creates the directory of a build in the same way as the agent.
func lay(t *testing.T, dir, script string) string {
	t.Helper()
	err := errors.Join(
		os.WriteFile(filepath.Join(dir, "script"), []byte(script), 0o640),
		os.WriteFile(filepath.Join(dir, "log"), nil, 0o660),
		os.Mkdir(filepath.Join(dir, "out"), 0o770),
	)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func logOf(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRunReturnsExitStatusOfScript(t *testing.T) {
	for script, want := range map[string]int{"true": 0, "exit 3": 3, "kill -9 $$": 137, "no-such-program-anywhere": 127} {
		got, err := sandbox.Run(t.Context(), lay(t, t.TempDir(), script))
		if err != nil || got != want {
			t.Errorf("%q ended with %d, %v; want %d", script, got, err, want)
		}
	}
}

func TestScriptRunsInOutAndIsLogged(t *testing.T) {
	t.Setenv("LEFT4ME_SECRET_KEY", "not for scripts")
	dir := lay(t, t.TempDir(), `
		[[ $BASH_VERSION ]] && echo made >file
		echo said; echo complained >&2; pwd; env`)
	if status, err := sandbox.Run(t.Context(), dir); status != 0 || err != nil {
		t.Fatal(status, err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "out", "file")); err != nil || string(b) != "made\n" {
		t.Errorf("out/file = %q, %v", b, err)
	}
	log := logOf(t, dir)
	if !strings.HasPrefix(log, "said\ncomplained\n"+filepath.Join(dir, "out")+"\n") || strings.Contains(log, "SECRET") {
		t.Errorf("log = %s", log)
	}
}

func TestFilesOfScriptAreAccessibleToGroup(t *testing.T) {
	dir := lay(t, t.TempDir(), `
		umask 0777
		mkdir -m 0700 a; mkdir -m 0700 a/b; echo x >a/b/file; chmod 0500 a/b/file; echo x >a/plain
		ln -s /etc/passwd a/link; ln -s /etc a/etc; mkfifo a/fifo
		chmod 0000 a/b a`)
	passwd, _ := os.Stat("/etc/passwd")
	if status, err := sandbox.Run(t.Context(), dir); status != 0 || err != nil {
		t.Fatal(status, err, logOf(t, dir))
	}
	for name, want := range map[string]fs.FileMode{
		"a": fs.ModeDir | fs.ModeSetgid | 0o770, "a/b": fs.ModeDir | fs.ModeSetgid | 0o770, "a/b/file": 0o770, "a/plain": 0o660,
		"a/fifo": fs.ModeNamedPipe,
	} {
		st, err := os.Lstat(filepath.Join(dir, "out", name))
		if err != nil || st.Mode() != want {
			t.Errorf("mode of %s = %v, %v; want %v", name, st.Mode(), err, want)
		}
	}
	if now, _ := os.Stat("/etc/passwd"); now.Mode() != passwd.Mode() {
		t.Errorf("mode of /etc/passwd changed to %v", now.Mode())
	}
}

func TestCancelKillsScriptAndDescendants(t *testing.T) {
	dir := lay(t, t.TempDir(), `
		trap '' TERM
		sleep 1000 & echo $! >child
		echo begun
		wait`)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			if b, _ := os.ReadFile(filepath.Join(dir, "log")); string(b) == "begun\n" {
				cancel()
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	begun := time.Now()
	status, err := sandbox.Run(ctx, dir)
	if took := time.Since(begun); err != nil || status < 128 || took > 10*time.Second {
		t.Errorf("ended with %d, %v after %v", status, err, took)
	}
	b, _ := os.ReadFile(filepath.Join(dir, "out", "child"))
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(b)) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("process left: %s", stat)
		}
	}
}

func TestScriptEndsBeforeDiskIsFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a disk as small as this")
	}
	disk := t.TempDir()
	if err := unix.Mount("small", disk, "tmpfs", 0, "size=8m"); err != nil {
		t.Skip("no disk can be made here: ", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(disk, unix.MNT_DETACH) })
	dir := lay(t, disk, `head -c 8300000 /dev/zero >large; sleep 1000`)
	if _, err := sandbox.Run(t.Context(), dir); !errors.Is(err, sandbox.ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
}

func TestSymlinkedLogIsRefused(t *testing.T) {
	dir := lay(t, t.TempDir(), "echo said")
	log, other := filepath.Join(dir, "log"), filepath.Join(dir, "other")
	if err := errors.Join(os.Remove(log), os.WriteFile(other, nil, 0o660), os.Symlink(other, log)); err != nil {
		t.Fatal(err)
	}
	if _, err := sandbox.Run(t.Context(), dir); err == nil {
		t.Error("Run succeeded with a log that is a symbolic link")
	}
	if b, _ := os.ReadFile(other); len(b) > 0 {
		t.Errorf("the target of the link was written: %q", b)
	}
}
