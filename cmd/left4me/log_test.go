package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestLeft4meSurvivesClosedLog closes the reader of standard error, as happens when journald
// stops.
func TestLeft4meSurvivesClosedLog(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"serve", "run alpha", "install-game", "build alpha"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			dir, err := os.MkdirTemp("", "l4m-")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(dir) })
			r, stderr, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			path, err := exec.LookPath("left4me")
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), path, strings.Fields(command)...)
			cmd.Env = append(os.Environ(), "LEFT4ME_ROOT="+filepath.Join(dir, "root"), "LEFT4ME_RUN="+dir, "LEFT4ME_LISTEN=127.0.0.1:0",
				"LEFT4ME_SUPERVISOR=process", "LEFT4ME_SECRET_KEY="+testSecret)
			cmd.Stderr = stderr
			if command != "serve" { // the others print an error and exit
				r.Close()
			}
			err = cmd.Start()
			stderr.Close()
			if err != nil {
				t.Fatal(err)
			}
			if command == "serve" {
				servesUntilItIsAsked(t, cmd, r)
			}
			_ = cmd.Wait()
			if ws := cmd.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() || (command == "serve") != cmd.ProcessState.Success() {
				t.Errorf("got exit state %s", cmd.ProcessState)
			}
		})
	}
}

func servesUntilItIsAsked(t *testing.T, cmd *exec.Cmd, log *os.File) {
	t.Helper()
	for lines := bufio.NewReader(log); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if servesLine.MatchString(line) {
			break
		}
	}
	status, err := os.Open(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	defer status.Close()
	b, err := io.ReadAll(status)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "SigIgn:\t")
	var ignored uint64
	if _, err := fmt.Sscanf(rest, "%x", &ignored); err != nil || ignored&(1<<(syscall.SIGPIPE-1)) != 0 {
		t.Errorf("child processes would ignore SIGPIPE: %v, %.16s", err, rest)
	}
	log.Close()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil { // it logs that it ends
		t.Fatal(err)
	}
}
