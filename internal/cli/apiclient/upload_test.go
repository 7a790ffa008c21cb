package apiclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// takes is a server that closes connections after a number of bytes. A piece ahead of the received
// bytes waits for the pieces before it.
type takes struct {
	cut  int64
	mu   sync.Mutex
	came sync.Cond
	data []byte
	asks int
}

func (s *takes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.came.L = &s.mu
	defer s.came.Broadcast()
	if r.Method == http.MethodGet {
		_ = json.NewEncoder(w).Encode(map[string]any{"id": "u", "files": []map[string]any{{"path": "a b.tar", "have": len(s.data)}}})
		return
	}
	s.asks++
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	defer context.AfterFunc(r.Context(), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.came.Broadcast()
	})()
	for offset > len(s.data) && r.Context().Err() == nil {
		s.came.Wait()
	}
	switch {
	case r.URL.Query().Get("path") != "a b.tar":
		http.Error(w, "no", http.StatusBadRequest)
		return
	case offset != len(s.data): // a piece of an abandoned request arrived in the meantime
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"detail": "another piece came"}`)
		return
	}
	b, _ := io.ReadAll(io.LimitReader(r.Body, s.cut))
	if s.data = append(s.data, b...); int64(len(b)) == s.cut {
		panic(http.ErrAbortHandler)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"have": len(s.data)})
}

func TestInterruptedUploadResumes(t *testing.T) {
	s := &takes{cut: 300_000}
	web := httptest.NewServer(s)
	defer web.Close()
	c, err := New(Target{URL: web.URL})
	if err != nil {
		t.Fatal(err)
	}
	data := bytes.Repeat([]byte("0123456789"), 70_000)
	f := Source{Name: "a b.tar", Size: int64(len(data)), From: func(offset int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data[offset:])), nil
	}}
	began := time.Now()
	if err := c.SendFile(t.Context(), "u", f, func(int64) {}, func(string) {}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(s.data, data) || s.asks != 3 {
		t.Errorf("%d bytes in %d pieces, %s", len(s.data), s.asks, time.Since(began))
	}
	// A local read error must not be retried for minutes.
	f.From = func(int64) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(bytes.NewReader(data[:10]), broken{})), nil
	}
	s.data = nil
	if err := c.SendFile(t.Context(), "u", f, func(int64) {}, func(string) {}); !errors.Is(err, left4me.Conflict) {
		t.Errorf("got error %v", err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) {
	return 0, &left4me.Error{Kind: left4me.Conflict, Text: "it changed"}
}

// proxied is left4me behind a proxy that accepts bodies of at most limit bytes, and that answers
// with an error page of its own for some pieces.
type proxied struct {
	limit int64
	takes
	seen  sync.Mutex
	sizes []int64
	page  int // HTTP status
	pages int // number of error pages
	from  int // index of the first piece that gets the error page

	together int           // number of pieces that must arrive before any of them is forwarded
	all      chan struct{} // closed once the pieces have arrived
}

func (s *proxied) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut {
		s.seen.Lock()
		n := len(s.sizes)
		s.sizes = append(s.sizes, r.ContentLength)
		paged := n >= s.from && s.pages > 0
		if paged {
			s.pages--
		}
		s.seen.Unlock()
		switch {
		case paged:
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(s.page)
			_, _ = io.WriteString(w, "<html><h1>A page of the proxy's</h1></html>")
			return
		case r.ContentLength > s.limit:
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		if s.together > 0 && n >= s.from {
			if n == s.from+s.together-1 {
				close(s.all)
			}
			select {
			case <-s.all:
			case <-time.After(10 * time.Second):
				http.Error(w, "they do not come side by side", http.StatusBadRequest)
				return
			}
		}
	}
	s.takes.ServeHTTP(w, r)
}

// push sends n bytes through the proxy and returns the obstacles reported.
func (s *proxied) push(t *testing.T, n int) (said string, err error) {
	t.Helper()
	s.cut = math.MaxInt64
	web := httptest.NewServer(s)
	defer web.Close()
	c, err := New(Target{URL: web.URL})
	if err != nil {
		t.Fatal(err)
	}
	data := bytes.Repeat([]byte("0123456789abcdef"), n/16)
	opened := 0
	var out strings.Builder
	err = c.SendFile(t.Context(), "u", Source{Name: "a b.tar", Size: int64(len(data)), From: func(offset int64) (io.ReadCloser, error) {
		opened++
		return io.NopCloser(bytes.NewReader(data[offset:])), nil
	}}, func(int64) {}, func(reason string) { fmt.Fprintln(&out, reason) })
	if err == nil && (!bytes.Equal(s.data, data) || opened > 10) {
		t.Errorf("received %d bytes; the file was opened %d times", len(s.data), opened)
	}
	return out.String(), err
}

func TestPiecesGrowWhileAccepted(t *testing.T) {
	s := &proxied{limit: math.MaxInt64}
	if said, err := s.push(t, 48<<20); err != nil || said != "" {
		t.Fatal(said, err)
	}
	if want := []int64{512 << 10, 1 << 20, 2 << 20, 4 << 20, 8 << 20, 16 << 20, 16 << 20, 512 << 10}; !slices.Equal(s.sizes, want) {
		t.Errorf("%d, want %d", s.sizes, want)
	}
}

// nginx accepts 1 MiB by default.
func TestRefusedPiecesAreHalvedPermanently(t *testing.T) {
	for _, c := range []struct {
		limit int64
		want  []int64 // followed by pieces of the last size
	}{
		{1 << 20, []int64{512 << 10, 1 << 20, 2 << 20, 1 << 20}},
		{100_000, []int64{512 << 10, 256 << 10, 128 << 10, 64 << 10}},
	} {
		s := &proxied{limit: c.limit}
		if said, err := s.push(t, 4<<20); err != nil || said != "" {
			t.Error(said, err)
			continue
		}
		n := len(c.want)
		if !slices.Equal(s.sizes[:n], c.want) || slices.Max(s.sizes[n:]) != c.want[n-1] {
			t.Errorf("%d, want %d", s.sizes, c.want)
		}
	}
}

// With a low body limit there may be a thousand pieces, so they must not wait for each other's
// round trip.
func TestLimitedPiecesAreSentInParallel(t *testing.T) {
	// Two pieces grow, one is refused, one is sent alone, and then four in parallel.
	s := &proxied{limit: 1 << 20, from: 4, together: 4, all: make(chan struct{})}
	if said, err := s.push(t, 9<<20); err != nil || said != "" {
		t.Fatal(said, err)
	}
	// A failed piece is sent again; no piece is sent twice or in the wrong order.
	s = &proxied{limit: 1 << 20, page: http.StatusBadGateway, pages: 1, from: 7}
	if said, err := s.push(t, 9<<20); err != nil || !strings.Contains(said, "(status 502 Bad Gateway)") {
		t.Fatal(said, err)
	}
}
