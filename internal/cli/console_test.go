package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// console is a server's console behind the API: a command answers with itself.
func console(t *testing.T) Target {
	t.Helper()
	c := serving(t, "", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/tail"):
			fmt.Fprint(w, `{"text":"one\ntwo\n","position":8}`)
		case r.Method == http.MethodPost:
			var in struct{ Command string }
			_ = json.NewDecoder(r.Body).Decode(&in)
			if in.Command == "bad" {
				problemHandler(422, `{"detail":"it is bad"}`)(w, r)
				return
			}
			_ = json.NewEncoder(w).Encode(map[string]string{"output": "ran " + in.Command + "\x1b[m"})
		default:
			if id := r.Header.Get("Last-Event-ID"); id != "8" {
				t.Errorf("the stream goes on behind %q", id)
			}
			send(w, "id: 14\nevent: console\ndata: {\"text\":\"\\u001b[2Jthree\\n\",\"lost\":0}\n\n")
			<-r.Context().Done()
		}
	})
	return Target{URL: c.where}
}

// execute runs a command line.
func execute(ctx context.Context, target Target, in *os.File, args ...string) (out, said string, err error) {
	var stdout, stderr bytes.Buffer
	root := New(Config{Target: target, In: in, Out: &stdout, Err: &stderr})
	root.SetArgs(args)
	err = root.ExecuteContext(ctx)
	return stdout.String(), stderr.String(), err
}

func TestCommandsFromAFileRunUpToTheFirstThatFails(t *testing.T) {
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
	if out != "ran status\uFFFD[m\nran users\uFFFD[m\n" || ExitCode(err) != exitUsage {
		t.Errorf("%q, %v", out, err)
	}
}

func TestLogsFollowBehindTheHistoryUntilInterrupted(t *testing.T) {
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
		t.Errorf("leaving is an error: %v", err)
	}
	if got := out.String(); got != "two\n\uFFFD[2Jthree\n" {
		t.Errorf("%q", got)
	}
}

func TestConsoleAtATerminal(t *testing.T) {
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
		t.Errorf("%q", got)
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
		t.Fatal("Ctrl-D does not leave")
	}
	after, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil || *after != *before {
		t.Errorf("the terminal is left in another state: %v, %v", after, err)
	}
}

func TestPasswordIsNotShownAsItIsTyped(t *testing.T) {
	master, slave := terminalPair(t)
	type result struct {
		password string
		err      error
	}
	done := make(chan result, 1)
	go func() {
		a := &app{Config: Config{In: slave, Err: slave}}
		p, err := a.password(t.Context(), false, false)
		done <- result{p, err}
	}()
	for range 2 {
		// Only what is typed while the terminal is quiet stays hidden.
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			mode, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
			if err == nil && mode.Lflag&unix.ECHO == 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the terminal is not quiet")
			}
		}
		if _, err := master.WriteString("secretive words\n"); err != nil {
			t.Fatal(err)
		}
	}
	r := <-done
	shown := make([]byte, 4096)
	n, _ := master.Read(shown)
	if r.err != nil || r.password != "secretive words" || strings.Contains(string(shown[:n]), "secretive") {
		t.Errorf("%q, %v, shown %q", r.password, r.err, shown[:n])
	}
}

// terminalPair makes a pseudo-terminal (pty(7)).
func terminalPair(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here: ", err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

// syncBuffer is a buffer that one goroutine writes and another waits for.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// await waits until text was written.
func (s *syncBuffer) await(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(s.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%q did not come: %q", text, s.String())
		}
	}
}

// jobs is an API that takes a start, whose job ends as it is told.
func jobs(t *testing.T, end string) (Target, *atomic.Int32) {
	t.Helper()
	var streams atomic.Int32
	c := serving(t, "", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			fmt.Fprint(w, `{"id":"j1","kind":"server.start","target":"alpha","state":"queued","steps":[],"error":null}`)
			return
		}
		if streams.Add(1) == 1 { // breaks in the middle
			send(w,
				"event: job\ndata: {\"id\":\"j1\",\"kind\":\"server.start\",\"target\":\"alpha\",\"state\":\"running\","+
					"\"steps\":[{\"label\":\"a\",\"state\":\"done\"}]}\n\n")
			return
		}
		send(w, "event: job\ndata: %s\n\n", end)
	})
	return Target{URL: c.where}, &streams
}

func TestWaitingEndsAsTheJobDoes(t *testing.T) {
	const failed = `{"id":"j1","kind":"server.start","target":"alpha","state":"failed",` +
		`"steps":[],"error":{"kind":"conflict","text":"port taken"}}`
	target, streams := jobs(t,
		`{"id":"j1","kind":"server.start","target":"alpha","state":"done","steps":[{"label":"a","state":"done"},`+
			`{"label":"b","state":"skipped","note":"not needed"}]}`)
	out, said, err := execute(t.Context(), target, nil, "server", "start", "alpha", "--wait")
	if err != nil || out != "start alpha: done\n" || said != "start alpha: a: done\nstart alpha: b: skipped (not needed)\n" ||
		streams.Load() != 2 {
		t.Errorf("%q, %q, %v, %d streams", out, said, err, streams.Load())
	}
	target, _ = jobs(t, failed)
	out, _, err = execute(t.Context(), target, nil, "server", "start", "alpha", "--wait", "--json")
	if ExitCode(err) != exitFailed || err.Error() != "start alpha: port taken" || out != failed+"\n" {
		t.Errorf("%q, %v", out, err)
	}
}
