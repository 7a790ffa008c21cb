package agent

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/host/running/shim/shimtest"
)

func TestMain(m *testing.M) { os.Exit(shimtest.Main(m)) }

// console reads the console of a server in chunks, as the panel does.
type console struct {
	t        *testing.T
	consoles *consoles
	root     *shimtest.Root
	at       int64
}

// upTo reads until the end of the line that contains text.
func (c *console) upTo(text string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), shimtest.Patience)
	defer cancel()
	for {
		k, err := c.consoles.chunk(ctx, bus.ConsoleRequest{Server: c.root.Name, After: c.at, Wait: shim.MaxWait, Max: shim.MaxChunk})
		if err != nil {
			c.t.Fatalf("until %q: %v", text, err)
		}
		if k.After != c.at || k.Lost != 0 {
			c.t.Fatalf("chunk after %d starts at %d with %d bytes lost", c.at, k.After, k.Lost)
		}
		// Stop after this line; the rest belongs to the next call.
		before, after, found := strings.Cut(k.Lines, text)
		if found {
			rest, _, _ := strings.Cut(after, "\n")
			c.at += int64(len(before) + len(text) + len(rest) + 1)
			return
		}
		c.at = k.Position
	}
}

// run starts the server's shim and returns a function that stops it.
func (c *console) run() (stop func()) {
	c.t.Helper()
	cmd := exec.Command(shimtest.Exe(), "run", string(c.root.Name))
	cmd.Env = c.root.Environ()
	if err := shim.Isolate(cmd); err != nil {
		c.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}
	c.t.Cleanup(stop)
	return stop
}

func newTestConsole(t *testing.T) *console {
	r := shimtest.NewRoot(t)
	return &console{t: t, root: r, consoles: &consoles{core: &core{Config: Config{Files: r.Files, Sockets: r.Run}}}}
}

func TestConsoleHasNoGapAcrossRestart(t *testing.T) {
	t.Parallel()
	c := newTestConsole(t)
	for range 2 {
		stop := c.run()
		c.upTo("left4me: ready")
		stop()
		c.upTo("left4me: stops: quit")
	}
	newest, err := c.consoles.chunk(t.Context(), bus.ConsoleRequest{Server: c.root.Name, After: -1, Max: shim.MaxChunk})
	if err != nil || newest.Position != c.at || strings.Count(newest.Lines, "left4me: ready") != 2 {
		t.Errorf("newest chunk from %d to %d, %v, want its end at the last position and two starts", newest.After, newest.Position, err)
	}
}

func TestConsoleReturnsOutputSoonAfterServerStarts(t *testing.T) {
	c := newTestConsole(t)
	got := make(chan time.Time)
	go func() {
		_, _ = c.consoles.chunk(t.Context(), bus.ConsoleRequest{Server: c.root.Name, Wait: shim.MaxWait, Max: shim.MaxChunk})
		got <- time.Now()
	}()
	c.run()
	shimtest.Until(t, "the log has a line", func() bool {
		k, err := shim.ReadLog(c.root.Files.Root.Logs(c.root.Name), 0, 0)
		return err == nil && k.Lines != ""
	})
	printed := time.Now()
	if late := (<-got).Sub(printed); late > time.Second {
		t.Errorf("output was returned %v after it was printed, want at most 1 s", late)
	}
}

func TestConsoleOfNeverStartedServerIsEmpty(t *testing.T) {
	c := newTestConsole(t)
	begun := time.Now()
	k, err := c.consoles.chunk(t.Context(), bus.ConsoleRequest{Server: c.root.Name, After: -1, Wait: 300 * time.Millisecond})
	if err != nil || k.Lines != "" || k.Position != 0 {
		t.Errorf("got %+v, %v, want an empty chunk", k, err)
	}
	if waited := time.Since(begun); waited < 300*time.Millisecond {
		t.Errorf("returned after %v, want 300 ms", waited)
	}
}
