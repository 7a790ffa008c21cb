package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/left4me/left4me/internal/cli/apiclient"
	"github.com/left4me/left4me/internal/left4me"
)

// serveAPI serves an API for the duration of a test.
func serveAPI(t *testing.T, h http.HandlerFunc) apiclient.Target {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return apiclient.Target{URL: s.URL}
}

// refuse answers with a problem document (RFC 9457).
func refuse(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	io.WriteString(w, body)
}

// send writes to a stream and flushes it.
func send(w http.ResponseWriter, format string, args ...any) {
	fmt.Fprintf(w, format, args...)
	w.(http.Flusher).Flush()
}

// execute runs a command line and returns its standard output and standard error.
func execute(ctx context.Context, target apiclient.Target, in *os.File, args ...string) (out, said string, err error) {
	var stdout, stderr bytes.Buffer
	root := New(Config{Target: target, In: in, Out: &stdout, Err: &stderr})
	root.SetArgs(args)
	err = root.ExecuteContext(ctx)
	return stdout.String(), stderr.String(), err
}

// syncBuffer is a buffer for one writing and one waiting goroutine.
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
			t.Fatalf("timeout waiting for %q: %q", text, s.String())
		}
	}
}

func TestSettingFlagsAcceptLabels(t *testing.T) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	c := &cobra.Command{}
	all := addSettings(c)
	flags.AddFlagSet(c.Flags())
	if err := flags.Parse([]string{"--difficulty", "expert", "--mode", "Realism Versus", "--region", "us east"}); err != nil {
		t.Fatal(err)
	}
	var s left4me.Settings
	if err := all.apply(flags, &s); err != nil || s.Difficulty != "Impossible" || s.Mode != "mutation12" || s.Region != "us-east" {
		t.Errorf("got %+v, error %v", s, err)
	}
	const listed = "One of: Easy, Normal, Hard (Advanced), Impossible (Expert)."
	if help := c.Flags().Lookup("difficulty").Usage; !strings.Contains(help, listed) {
		t.Errorf("got help %q", help)
	}
}

func TestHelpOfUnknownCommandSaysSo(t *testing.T) {
	_, said, _ := execute(t.Context(), apiclient.Target{}, nil, "server", "resart", "--help")
	if !strings.Contains(said, `there is no command "resart"`) {
		t.Errorf("got %q", said)
	}
}

func TestStopSaysWhoIsPlaying(t *testing.T) {
	target := serveAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			fmt.Fprint(w, `{"name":"alpha","state":"running","players":3}`)
			return
		}
		fmt.Fprint(w, `{"id":"j1","kind":"server.stop","target":"alpha","state":"queued","steps":[],"error":null}`)
	})
	out, said, err := execute(t.Context(), target, nil, "server", "stop", "alpha")
	if err != nil || out != "stop alpha: job j1 is queued\n" || !strings.Contains(said, "disconnects 3 players") ||
		!strings.Contains(said, "left4me job show j1") {
		t.Errorf("got %q, %q, error %v", out, said, err)
	}
}
