package apiclient

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

var hasty = patience{silent: 2 * time.Second, giveUp: 300 * time.Millisecond, pause: time.Millisecond}

// send writes to a stream and flushes it.
func send(w http.ResponseWriter, format string, args ...any) {
	fmt.Fprintf(w, format, args...)
	w.(http.Flusher).Flush()
}

func TestStreamResumesAfterLastEvent(t *testing.T) {
	var turn atomic.Int32
	c := serving(t, "", func(w http.ResponseWriter, r *http.Request) {
		switch turn.Add(1) {
		case 1:
			send(w, ": hello\n\nid: 7\nevent: console\ndata: {\"text\":\"one\"}\n\nid: 8\nevent: cons") // an incomplete event
			panic(http.ErrAbortHandler)
		case 2:
			w.WriteHeader(http.StatusBadGateway) // from a proxy while left4me restarts
		case 3:
			if id := r.Header.Get("Last-Event-ID"); id != "7" {
				t.Errorf("reconnected with id %q", id)
			}
			send(w, "id:9\nevent:console\ndata:{\"text\":\"two\"}\n\n")
			<-r.Context().Done()
		}
	})
	var got []string
	for e, err := range c.follow(t.Context(), "/x", "", hasty) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.ID+string(e.Data))
		if len(got) == 2 {
			break
		}
	}
	if strings.Join(got, " ") != `7{"text":"one"} 9{"text":"two"}` {
		t.Errorf("got %q", got)
	}
}

// last follows a stream to its end.
func last(ctx context.Context, c *Client, p patience) (n int, err error) {
	for e, err := range c.follow(ctx, "/x", "", p) {
		if err != nil {
			return n, err
		}
		_ = e
		n++
	}
	return n, nil
}

func TestStreamIsNotRetriedWhenRefused(t *testing.T) {
	for status, want := range map[int]left4me.Kind{404: left4me.NotFound, 401: left4me.Denied, 422: left4me.Invalid} {
		var calls atomic.Int32
		c := serving(t, "", func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			problemHandler(status, `{"detail":"no"}`)(w, r)
		})
		if _, err := last(t.Context(), c, hasty); !errors.Is(err, want) || calls.Load() != 1 {
			t.Errorf("status %d: %v after %d calls", status, err, calls.Load())
		}
	}
}

func TestErrorEventEndsStream(t *testing.T) {
	c := serving(t, "", func(w http.ResponseWriter, _ *http.Request) {
		send(w, "event: job\ndata: {}\n\nevent: error\ndata: {\"status\":404,\"detail\":\"the server is gone\"}\n\n")
	})
	n, err := last(t.Context(), c, hasty)
	if n != 1 || !errors.Is(err, left4me.NotFound) || err.Error() != "the server is gone" {
		t.Errorf("%d events, %v", n, err)
	}
}

func TestStreamGivesUpAfterTimeLimit(t *testing.T) {
	var turn atomic.Int32
	c := serving(t, "", func(w http.ResponseWriter, _ *http.Request) {
		if turn.Add(1) == 1 {
			send(w, "event: job\ndata: {}\n\n")
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	if n, err := last(t.Context(), c, hasty); n != 1 || !errors.Is(err, left4me.Unavailable) || turn.Load() < 3 {
		t.Errorf("%d events, %v after %d calls", n, err, turn.Load())
	}
}

func TestSilentStreamReconnects(t *testing.T) {
	var turn atomic.Int32
	c := serving(t, "", func(w http.ResponseWriter, r *http.Request) {
		if turn.Add(1) == 1 {
			send(w, ": hello\n\n")
			<-r.Context().Done() // silent from now on
			return
		}
		send(w, "event: job\ndata: {}\n\n")
		<-r.Context().Done()
	})
	p := hasty
	p.silent, p.giveUp = 50*time.Millisecond, time.Minute
	for _, err := range c.follow(t.Context(), "/x", "", p) {
		if err != nil {
			t.Fatal(err)
		}
		return
	}
}

func TestStreamWithoutAnswerTimesOut(t *testing.T) {
	c := serving(t, "", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	p := hasty
	p.silent = 50 * time.Millisecond
	if n, err := last(t.Context(), c, p); n != 0 || !errors.Is(err, left4me.Unavailable) {
		t.Errorf("%d events, %v", n, err)
	}
}

func TestHeartbeatsKeepStreamOpen(t *testing.T) {
	var turn atomic.Int32
	c := serving(t, "", func(w http.ResponseWriter, r *http.Request) {
		turn.Add(1)
		beat := time.NewTicker(50 * time.Millisecond)
		defer beat.Stop()
		for range 16 {
			send(w, ": still here\n\n")
			select {
			case <-beat.C:
			case <-r.Context().Done():
				return
			}
		}
		send(w, "event: job\ndata: {}\n\n")
		<-r.Context().Done()
	})
	p := hasty
	p.silent, p.giveUp = 600*time.Millisecond, time.Minute
	for _, err := range c.follow(t.Context(), "/x", "", p) {
		if err != nil || turn.Load() != 1 {
			t.Errorf("%v after %d connections", err, turn.Load())
		}
		return
	}
}

func TestOversizedEventIsRejected(t *testing.T) {
	c := serving(t, "", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "data: ")
		block := strings.Repeat("x", 1<<20)
		for {
			if _, err := io.WriteString(w, block); err != nil {
				return
			}
		}
	})
	if n, err := last(t.Context(), c, hasty); n != 0 || err == nil {
		t.Errorf("%d events, %v", n, err)
	}
}

func TestStreamEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := serving(t, "", func(w http.ResponseWriter, r *http.Request) {
		send(w, "event: job\ndata: {}\n\n")
		cancel()
		<-r.Context().Done()
	})
	if _, err := last(ctx, c, hasty); err != nil {
		t.Errorf("got error %v", err)
	}
}

func FuzzNextEvent(f *testing.F) {
	f.Add("id: 1\nevent: console\ndata: {}\n\n")
	f.Add(": comment\n\ndata:x\r\n\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		lines := bufio.NewScanner(strings.NewReader(s))
		for range len(s) + 1 {
			if _, err := nextEvent(lines); err != nil {
				return
			}
		}
		t.Error("reading events did not end")
	})
}
