//go:build bench

package bench

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/left4me/left4me/test/stage"
)

const (
	connections = 8
	requests    = 40_000
)

// TestListRequest compares the list of ten servers with a bare net/http handler that sends the same
// body.
func TestListRequest(t *testing.T) {
	s := stage.New(t, 28700, "SIM_PLAYERS=4", "SIM_MAP_LOAD=100ms")
	s.Serve(t)
	for i := range 10 {
		name := fmt.Sprintf("s%02d", i)
		s.Create(t, name, map[string]any{"hostname": "Server " + name})
		s.Done(t, "start", name)
	}
	var user, token struct{ Token string }
	s.Must(t, "POST", "/users", map[string]any{"name": "bench", "password": "correct horse battery", "admin": true}, &user)
	s.Must(t, "POST", "/tokens", map[string]any{"label": "bench", "user": "bench"}, &token)
	url := "http://" + s.Address + "/api/v1/servers"
	body := get(t, url, token.Token)

	bare := exec.Command(os.Args[0])
	bare.Env = append(os.Environ(), "BENCH_BARE="+base64.StdEncoding.EncodeToString(body))
	out, err := bare.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := bare.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bare.Process.Kill(); _ = bare.Wait() }()
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\nA body of %d bytes, %d requests over %d connections.\n\n", len(body), requests, connections)
	fmt.Println("| | CPU for each request | p50 | p99 |\n| --- | --- | --- | --- |")
	for range 2 {
		load(t, "left4me, GET /api/v1/servers", s.PID(), url, token.Token)
		load(t, "bare net/http", bare.Process.Pid, "http://"+strings.TrimSpace(address)+"/", "")
	}
	for i := range 10 {
		s.Done(t, "delete", fmt.Sprintf("s%02d", i))
	}
}

func get(t *testing.T, url, token string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != 200 {
		t.Fatalf("%s: %d %v %s", url, a.StatusCode, err, b)
	}
	return b
}

// load sends requests over several connections, one after the other on each, and prints the
// throughput.
func load(t *testing.T, what string, pid int, url, token string) {
	t.Helper()
	before := cpu(t, pid)
	var mu sync.Mutex
	var all []time.Duration
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1, DisableCompression: true}}
			defer client.CloseIdleConnections()
			took := make([]time.Duration, 0, requests/connections)
			for range requests / connections {
				r, _ := http.NewRequest("GET", url, nil)
				if token != "" {
					r.Header.Set("Authorization", "Bearer "+token)
				}
				begin := time.Now()
				a, err := client.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, a.Body)
				a.Body.Close()
				took = append(took, time.Since(begin))
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
		})
	}
	wg.Wait()
	used := cpu(t, pid) - before
	slices.Sort(all)
	row(what, used/time.Duration(max(1, len(all))), all[len(all)/2], all[len(all)*99/100])
}

// bareServer serves the content of BENCH_BARE on every path.
func bareServer() {
	body, err := base64.StdEncoding.DecodeString(os.Getenv("BENCH_BARE"))
	if err != nil {
		panic(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	panic(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	})))
}

var assets = regexp.MustCompile(`(?:href|src)="(/[^"]+\.(?:css|js|svg|woff2|png|ico)[^"]*)"`)

// TestFirstPage measures the bytes on the wire for the first page and everything that it
// references.
func TestFirstPage(t *testing.T) {
	s := stage.New(t, 28800)
	s.Serve(t)
	fmt.Println("\n| first page | bytes on the wire | cached for |\n| --- | --- | --- |")
	total := 0
	fetch := func(path string) string {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.Address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", "gzip")
		a, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		b, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		total += len(b)
		row(path, len(b), a.Header.Get("Cache-Control"))
		if a.Header.Get("Content-Encoding") == "gzip" {
			b = gunzip(t, b)
		}
		return string(b)
	}
	page := fetch("/login")
	seen := map[string]bool{}
	for _, m := range assets.FindAllStringSubmatch(page, -1) {
		if !seen[m[1]] {
			seen[m[1]] = true
			fetch(m[1])
		}
	}
	row("in all", total, "")
}
