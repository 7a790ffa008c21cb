package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/host/running/terminal"
)

// bashCompletion is the file on which completion in bash depends.
const bashCompletion = "/usr/share/bash-completion/bash_completion"

// shells lists the shells to test, with what a user's own startup files would load.
var shells = []struct {
	program string
	args    []string
	setUp   string
}{
	{"bash", []string{"--norc", "--noprofile", "-i"}, ". " + bashCompletion + "; . <(left4me completion bash)"},
	{"zsh", []string{"-f", "-i"}, "autoload -U compinit; compinit -u -D; . <(left4me completion zsh); compdef _left4me left4me"},
	{"fish", []string{"--no-config", "-i"}, "left4me completion fish | source"},
}

// TestCompletionWorksInEachShell sends the tab key to real shells.
func TestCompletionWorksInEachShell(t *testing.T) {
	p := people(t)["the user of the tests"]
	root := filepath.Join(p.home, "left4me")
	for _, dir := range []string{"overlays/maps/1/left4dead2", "overlays/maps/12/left4dead2", "overlays/configs/1/left4dead2"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, dir, "x.cfg"), []byte(dir), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	env := "LEFT4ME_ROOT=" + root
	p.serve(t, hinted(t, p.fails(t, "left4me server list", env)), env)
	if out, err := p.command(t.Context(), "left4me server create marmalade", env).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, shell := range shells {
		t.Run(shell.program, func(t *testing.T) {
			path, err := exec.LookPath(shell.program)
			if _, missing := os.Stat(bashCompletion); err != nil || shell.program == "bash" && missing != nil {
				t.Skipf("%s or its completion is not installed: script/test does that", shell.program)
			}
			s := p.shell(t, path, shell.args, env)
			s.enter(t, shell.setUp+"; echo set''up-done", "setup-done")
			for typed, want := range map[string]string{
				"left4me server st\t":                               "left4me server st",
				"left4me server start marm\t":                       "left4me server start marmalade",
				"left4me server create x --overlay conf\t":          "left4me server create x --overlay configs",
				"left4me server create x --overlay configs@\t":      "left4me server create x --overlay configs@1",
				"left4me server create x --overlay maps@12\t":       "left4me server create x --overlay maps@12",
				"left4me blueprint set default --overlay=maps@12\t": "left4me blueprint set default --overlay=maps@12",
				"left4me overlay use maps 12\t":                     "left4me overlay use maps 12",
			} {
				// Move to the beginning of the line and print the completed line.
				s.enter(t, typed+"\x01echo line''-is ", "line-is "+want)
			}
		})
	}
}

// typist types into a shell and reads its output.
type typist struct {
	keys *os.File
	seen chan []byte
	text bytes.Buffer
}

func (p *person) shell(t *testing.T, path string, args []string, env string) *typist {
	t.Helper()
	ours, theirs, err := terminal.Open()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), path, args...)
	c.Dir, c.Env = p.home, append(append([]string{}, p.env...), env, "TERM=xterm", "PS1=$ ", "HISTFILE=")
	c.Stdin, c.Stdout, c.Stderr = theirs, theirs, theirs
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	s := &typist{keys: ours, seen: make(chan []byte)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for b := make([]byte, 4096); ; {
			n, err := ours.Read(b)
			if err != nil {
				return
			}
			select {
			case s.seen <- bytes.Clone(b[:n]):
			case <-t.Context().Done():
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
		_ = c.Wait()
		ours.Close()
		<-ended
	})
	return s
}

// enter types a line and waits for a text in the output.
func (s *typist) enter(t *testing.T, line, want string) {
	t.Helper()
	s.text.Reset()
	if _, err := s.keys.WriteString(line + "\r"); err != nil {
		t.Fatal(err)
	}
	for limit := time.After(20 * time.Second); !strings.Contains(s.text.String(), want); {
		select {
		case b := <-s.seen:
			s.text.Write(b)
		case <-limit:
			t.Fatalf("typed %q, want %q, seen %q", line, want, &s.text)
		}
	}
}
