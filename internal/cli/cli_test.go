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

	"github.com/left4me/left4me/internal/cli/apiclient"
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
