package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/cli/apiclient"
	"github.com/left4me/left4me/internal/cli/output"
)

// console serves the console of a server. The output of a command is the command itself.
func console(t *testing.T) apiclient.Target {
	t.Helper()
	target := serveAPI(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/tail"):
			fmt.Fprint(w, `{"text":"one\ntwo\n","position":8}`)
		case r.Method == http.MethodPost:
			var in struct{ Command string }
			_ = json.NewDecoder(r.Body).Decode(&in)
			if in.Command == "bad" {
				refuse(w, 422, `{"detail":"it is bad"}`)
				return
			}
			_ = json.NewEncoder(w).Encode(map[string]string{"output": "ran " + in.Command + "\x1b[m"})
		default:
			if id := r.Header.Get("Last-Event-ID"); id != "8" {
				t.Errorf("the stream resumes after %q", id)
			}
			send(w, "id: 14\nevent: console\ndata: {\"text\":\"\\u001b[2Jthree\\n\",\"lost\":0}\n\n")
			<-r.Context().Done()
		}
	})
	return target
}

func TestConsoleStopsAtFirstFailingCommand(t *testing.T) {
	name := t.TempDir() + "/commands"
	if err := os.WriteFile(name, []byte("status\n\nusers\r\nbad\nnever\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, _, err := execute(t.Context(), console(t), in, "server", "console", "alpha")
	if out != "ran status\uFFFD[m\nran users\uFFFD[m\n" || output.ExitCode(err) != output.ExitUsage {
		t.Errorf("got %q, error %v", out, err)
	}
}

func TestLogsFollowUntilInterrupted(t *testing.T) {
	target := console(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out syncBuffer
	root := New(Config{Target: target, Out: &out, Err: &out})
	root.SetArgs([]string{"server", "logs", "alpha", "-f", "-n", "1"})
	done := make(chan error, 1)
	go func() { done <- root.ExecuteContext(ctx) }()
	out.await(t, "three\n")
	cancel()
	if err := <-done; err != nil {
		t.Errorf("interrupting returned an error: %v", err)
	}
	if got := out.String(); got != "two\n\uFFFD[2Jthree\n" {
		t.Errorf("got %q", got)
	}
}

func TestConsoleWorksOnTerminal(t *testing.T) {
	master, slave := terminalPair(t)
	var screen syncBuffer
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := master.Read(b)
			if err != nil {
				return
			}
			screen.Write(b[:n])
		}
	}()
	before, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	root := New(Config{Target: console(t), In: slave, Out: slave, Err: slave})
	root.SetArgs([]string{"server", "console", "alpha"})
	done := make(chan error, 1)
	go func() { done <- root.ExecuteContext(t.Context()) }()
	screen.await(t, "three\r\n")
	screen.await(t, "alpha> ")
	for _, step := range [][2]string{{"status\r", "ran status\uFFFD[m\r\n"}, {"bad\r", "left4me: it is bad\r\n"}} {
		if _, err := master.WriteString(step[0]); err != nil {
			t.Fatal(err)
		}
		screen.await(t, step[1])
	}
	if got := screen.String(); !strings.Contains(got, "one\r\n") || strings.Contains(got, "\x1b[2J") {
		t.Errorf("got %q", got)
	}
	if _, err := master.WriteString("\x04"); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Ctrl-D does not end the console")
	}
	after, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil || *after != *before {
		t.Errorf("the terminal was not restored: %v, %v", after, err)
	}
}

func TestLastLines(t *testing.T) {
	for n, want := range map[int]string{0: "", 1: "c\n", 2: "b\nc\n", 3: "a\nb\nc\n", 9: "a\nb\nc\n"} {
		if got := lastLines("a\nb\nc\n", n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	if got := lastLines(strings.Repeat("\n", 3), 2); got != "\n\n" {
		t.Errorf("got %q", got)
	}
	if got := lastLines("a\nb", 1); got != "b" {
		t.Errorf("got %q", got)
	}
}
