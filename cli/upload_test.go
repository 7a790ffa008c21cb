package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/left4me/left4me"
)

// takes is a left4me whose connections are cut after so many bytes.
type takes struct {
	cut  int64
	mu   sync.Mutex
	data []byte
	asks int
}

func (s *takes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodGet {
		_ = json.NewEncoder(w).Encode(map[string]any{"id": "u", "files": []map[string]any{{"path": "a b.tar", "have": len(s.data)}}})
		return
	}
	s.asks++
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	if r.URL.Query().Get("path") != "a b.tar" || offset != len(s.data) {
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	b, _ := io.ReadAll(io.LimitReader(r.Body, s.cut))
	if s.data = append(s.data, b...); int64(len(b)) == s.cut {
		panic(http.ErrAbortHandler)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{})
}

func TestAnUploadGoesOnWhereItWasCut(t *testing.T) {
	s := &takes{cut: 300_000}
	web := httptest.NewServer(s)
	defer web.Close()
	c, err := NewClient(Target{URL: web.URL})
	if err != nil {
		t.Fatal(err)
	}
	data := bytes.Repeat([]byte("0123456789"), 70_000)
	a := &app{Config: Config{Err: io.Discard}}
	f := sent{name: "a b.tar", size: int64(len(data)), from: func(offset int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data[offset:])), nil
	}}
	began := time.Now()
	if err := a.sendFile(t.Context(), c, "u", f, func(int64) {}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(s.data, data) || s.asks != 3 {
		t.Errorf("%d bytes in %d pieces, %s", len(s.data), s.asks, time.Since(began))
	}
	// What can't be read here is not tried for minutes.
	f.from = func(int64) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(bytes.NewReader(data[:10]), broken{})), nil
	}
	s.data = nil
	if err := a.sendFile(t.Context(), c, "u", f, func(int64) {}); !errors.Is(err, left4me.Conflict) {
		t.Errorf("%v", err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, left4me.Errorf(left4me.Conflict, "it changed", "") }
