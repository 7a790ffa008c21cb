package shim

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// asGame runs a shell script on the thread that starts games and returns its exit state.
func asGame(t *testing.T, dir, script string) *os.ProcessState {
	t.Helper()
	k, err := newLauncher(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var proc *os.Process
	started := make(chan error)
	k <- func() {
		var err error
		proc, err = os.StartProcess("/bin/sh", []string{"sh", "-c", script}, &os.ProcAttr{Dir: dir, Files: []*os.File{nil, nil, os.Stderr}})
		started <- err
	}
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	state, err := proc.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func TestGameCannotAccessOtherProcessesOfItsUser(t *testing.T) {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 || version < landlockScope {
		t.Skipf("this kernel's Landlock has version %d, %v", int(version), errno)
	}
	other := exec.Command("sleep", "60")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = other.Process.Kill()
		_ = other.Wait()
	})
	pid := strconv.Itoa(other.Process.Pid)
	for _, try := range []string{
		"kill -0 " + pid, "ls /proc/" + pid + "/root/", "cat /proc/" + pid + "/environ",
		"readlink /proc/" + pid + "/fd/0",
	} {
		try = "exec >/dev/null 2>&1; " + try
		if err := exec.Command("sh", "-c", try).Run(); err != nil {
			t.Fatalf("unconfined process: %s: %v", try, err)
		}
		if asGame(t, "/", try).Success() {
			t.Errorf("the game can run: %s", try)
		}
	}
}

func TestConfinedGameKeepsRequiredPermissions(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "from"), 0o700); err != nil {
		t.Fatal(err)
	}
	script := `set -e
		echo x >from/file; mkdir to; mv from/file to/file; ln to/file from/again
		sleep 60 & kill -0 $!; ls /proc/$!/root/ >/dev/null; kill -9 $!`
	if state := asGame(t, dir, script); !state.Success() {
		t.Errorf("script of allowed operations: %v", state)
	}
}
