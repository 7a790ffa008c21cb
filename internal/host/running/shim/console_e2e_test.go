package shim_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/host/running/shim/shimtest"
	"github.com/left4me/left4me/internal/left4me"
)

// reader follows a console and checks that it has no gaps.
type reader struct {
	t  testing.TB
	at int64
}

// upTo reads until the first line that contains text and returns everything up to the end of that line.
func (r *reader) upTo(text string, read func(after int64) (shim.Chunk, error)) string {
	r.t.Helper()
	var all strings.Builder
	for deadline := time.Now().Add(shimtest.Patience); time.Now().Before(deadline); {
		k, err := read(r.at)
		if err != nil {
			r.t.Fatalf("at %d: %v", r.at, err)
		}
		if k.After != r.at || k.Lost != 0 || k.Position-k.After != int64(len(k.Lines)) {
			r.t.Fatalf("read at %d: got %d to %d, %d bytes, %d lost", r.at, k.After, k.Position, len(k.Lines), k.Lost)
		}
		lines, found := through(k.Lines, text)
		r.at += int64(len(lines))
		all.WriteString(lines)
		if found {
			return all.String()
		}
	}
	r.t.Fatalf("%q not read within %v", text, shimtest.Patience)
	return ""
}

// through cuts lines after the first line that contains text.
func through(lines, text string) (string, bool) {
	before, after, found := strings.Cut(lines, text)
	if !found {
		return lines, false
	}
	rest, _, _ := strings.Cut(after, "\n")
	return lines[:len(before)+len(text)+len(rest)+1], true
}

func following(ctx context.Context, c *shim.Client) func(int64) (shim.Chunk, error) {
	return func(after int64) (shim.Chunk, error) { return c.Read(ctx, after, time.Second, shim.MaxChunk) }
}

// numbered counts the lines printed by sim_flood and checks their order.
func numbered(t testing.TB, text string) (n int) {
	t.Helper()
	for line := range strings.Lines(text) {
		var number int
		if _, err := fmt.Sscanf(line, "%07d all work", &number); err != nil {
			continue
		}
		if number != n {
			t.Fatalf("got line %d, want line %d", number, n)
		}
		n++
	}
	return n
}

func TestConsoleOf200000LinesIsCompleteForClientAndLog(t *testing.T) {
	t.Parallel()
	const lines = 200_000
	s, c := running(t)
	s.types(c, fmt.Sprintf("sim_flood %d 60", lines))
	attached := &reader{t: t}
	if n := numbered(t, attached.upTo("sim_flood done", following(t.Context(), c))); n != lines {
		t.Errorf("the client got %d lines, want 200000", n)
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.ended()
	logged := &reader{t: t}
	text := logged.upTo("left4me: stops: quit", func(after int64) (shim.Chunk, error) {
		return shim.ReadLog(s.Files.Root.Logs(s.Name), after, shim.MaxChunk)
	})
	if n := numbered(t, text); n != lines {
		t.Errorf("the log has %d lines, want 200000", n)
	}
}

func TestConsoleContinuesAcrossStopCrashAndKill(t *testing.T) {
	t.Parallel()
	r := shimtest.NewRoot(t)
	s := start(t, r, "SIM_CRASH_LIMIT=3")
	c := s.Dial(t)
	s.await(c, "the server runs", func(st shim.Status) bool { return st.State == left4me.Running })
	follow := &reader{t: t}
	follow.upTo("left4me: ready", following(t.Context(), c))

	s.types(c, "sim_crash")
	follow.upTo("left4me: it crashed", following(t.Context(), c))
	follow.upTo("left4me: ready", following(t.Context(), c))

	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.ended()
	follow.upTo("left4me: stops: quit", func(after int64) (shim.Chunk, error) { return shim.ReadLog(r.Files.Root.Logs(r.Name), after, 0) })

	s = start(t, r)
	follow.upTo("left4me: ready", following(t.Context(), c))
	// Kill the shim while the game prints.
	s.types(c, "sim_flood 20000 60")
	follow.upTo("0000100 all work", following(t.Context(), c))
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.done
	if err := shim.Forget(r.Root, r.Run, r.Name); err != nil {
		t.Fatal(err)
	}
	start(t, r)
	follow.upTo("left4me: ready", following(t.Context(), c))

	// Read the whole console from the beginning.
	var all strings.Builder
	for at := int64(0); at < follow.at; {
		k, err := c.Read(t.Context(), at, 0, shim.MaxChunk)
		if err != nil || k.After != at || k.Position == at {
			t.Fatalf("at %d: %+v, %v", at, k, err)
		}
		at = k.Position
		all.WriteString(k.Lines)
	}
	if n := strings.Count(all.String(), "left4me: ready after"); n != 4 {
		t.Errorf("the whole console has %d starts, want 4", n)
	}
}

func TestSlowConsoleReaderDoesNotBlockGame(t *testing.T) {
	t.Parallel()
	s, c := running(t)
	// This client requests all output repeatedly and reads none of it.
	slow, err := net.Dial("unix", shim.Socket(s.Run, s.Name))
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	s.types(c, "sim_flood 20000 100")
	s.says(c, "sim_flood done")
	for range 20 {
		if _, err := fmt.Fprintf(slow, `{"verb":"read","after":0,"max":%d}`+"\n", shim.MaxChunk); err != nil {
			t.Fatal(err)
		}
	}
	s.types(c, "sim_flood 100000 100")
	s.says(c, "0099999 all work")
	if st, err := c.Status(t.Context()); err != nil || st.State != left4me.Running {
		t.Errorf("status: %+v, %v", st, err)
	}
}

func TestServerSurvivesHostileClients(t *testing.T) {
	t.Parallel()
	s, c := running(t)
	path := shim.Socket(s.Run, s.Name)
	for _, words := range []string{
		"GET / HTTP/1.1\r\n\r\n", "\x00\xff\n", "{}\n", "[1,2]\n", `{"verb":"rm"}` + "\n", strings.Repeat("x", 1<<20),
		`{"verb":"read","after":9223372036854775807,"max":-5,"wait_ms":-1}` + "\n",
		`{"verb":"watch","rev":-9223372036854775808,"wait_ms":99999999999}` + "\n",
		`{"verb":"write","line":"a\nquit"}` + "\n", `{"verb":"write"}` + "\n",
	} {
		hostile, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = hostile.Write([]byte(words))
		_ = hostile.SetReadDeadline(time.Now().Add(shimtest.Patience))
		var answer [1 << 10]byte
		if n, err := hostile.Read(answer[:]); err == nil && !strings.HasPrefix(string(answer[:n]), "{") {
			t.Errorf("request %.20q: got answer %q", words, answer[:n])
		}
		hostile.Close()
	}
	st, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	crowd := make([]net.Conn, 200)
	for i := range crowd {
		if crowd[i], err = net.Dial("unix", path); err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintf(crowd[i], `{"verb":"watch","rev":%d,"wait_ms":30000}`+"\n", st.Rev)
	}
	// A client that is already connected still gets answers, and so does a new one once the crowd has
	// disconnected.
	if _, err := c.Status(t.Context()); err != nil {
		t.Errorf("status with 200 other connections: %v", err)
	}
	for _, one := range crowd {
		one.Close()
	}
	left := time.Now()
	fresh, err := shim.Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	shimtest.Until(t, "a new client gets an answer", func() bool {
		st, err := fresh.Status(t.Context())
		return err == nil && st.State == left4me.Running
	})
	if took := time.Since(left); took > 15*time.Second {
		t.Errorf("new client waited %v for disconnected ones", took)
	}
}

func TestSocketIsAccessibleOnlyToOwner(t *testing.T) {
	t.Parallel()
	s, _ := running(t)
	st, err := os.Lstat(shim.Socket(s.Run, s.Name))
	if err != nil {
		t.Fatal(err)
	}
	if st.Mode().Perm() != 0o600 {
		t.Errorf("socket mode = %v, want 0600", st.Mode())
	}
}
