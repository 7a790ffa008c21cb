package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/left4me/left4me/internal/control/servers"
)

// left4meGoroutines returns the goroutines that execute left4me code, except the calling one.
func left4meGoroutines() (found []string) {
	buf := make([]byte, 4<<20)
	all := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
	for _, g := range all[1:] {
		g, _, _ = strings.Cut(g, "created by")
		if strings.Contains(g, "github.com/left4me/left4me/") && !strings.Contains(g, "left4me/cmd/left4me.Test") {
			found = append(found, g)
		}
	}
	return found
}

// All work in progress must have ended before the bus and the store are closed, and no goroutine may
// remain when serve returns.
func TestServeLeavesNoGoroutine(t *testing.T) {
	before := goleak.IgnoreCurrent()
	asked := make(chan struct{}, 64)
	steam := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done() // a hanging Steam
	}))
	root, err := os.MkdirTemp("", "l4m-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(root)
	s := settings{
		root: root, run: filepath.Join(root, "run"), listen: "127.0.0.1:0", secretKey: testSecret, supervisor: "process",
		ports: servers.PortRange{Low: firstPort - perStory, High: firstPort - 1}, publicAddress: "127.0.0.1", steamAPI: steam.URL,
		steamcmdURL: steam.URL,
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	var left []string
	s.ended = func() {
		// A goroutine that has reported its end, for example by WaitGroup.Done, may still be running.
		for end := time.Now().Add(100 * time.Millisecond); ; runtime.Gosched() {
			if left = left4meGoroutines(); len(left) == 0 || time.Now().After(end) {
				return
			}
		}
	}
	go func() {
		ended <- serve(ctx, s)
	}()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", filepath.Join(s.run, socketName))
	}}
	call := func(method, path, body string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(context.WithoutCancel(ctx), method, "http://left4me"+path, strings.NewReader(body))
		if err != nil {
			return nil, err
		}
		r.Header.Set("Content-Type", "application/json")
		return transport.RoundTrip(r)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if r, err := call("GET", "/readyz", ""); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("left4me does not become ready")
		}
	}
	for _, c := range [][3]string{
		{"POST", "/api/v1/servers", `{"name":"alpha"}`},
		{"POST", "/api/v1/servers/alpha/start", ""}, // no game is installed
		{"POST", "/api/v1/hosts/local/game/check", ""},
	} {
		r, err := call(c[0], c[1], c[2])
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := io.ReadAll(r.Body); r.StatusCode >= 300 {
			t.Fatalf("%s: %d %s", c[1], r.StatusCode, b)
		}
		r.Body.Close()
	}
	// Open a stream, and a request that checks the machine and queries Steam.
	for _, path := range []string{"/api/v1/events", "/api/v1/hosts/local/doctor"} {
		go func() {
			if r, err := call("GET", path, ""); err == nil {
				_, _ = io.Copy(io.Discard, r.Body)
				r.Body.Close()
			}
		}()
	}
	select {
	case <-asked:
	case <-time.After(patience):
		t.Fatal("Steam received no request")
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("serve does not return")
	}
	if len(left) > 0 {
		t.Errorf("goroutines before the bus and the store are closed:\n%s", strings.Join(left, "\n\n"))
	}
	transport.CloseIdleConnections()
	steam.Close()
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
}

// pipes is a listener with a single connection in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// A request that ignores its context must end before the bus and the store are closed, even if serve
// ends because its listener failed.
func TestServeHTTPWaitsForRequests(t *testing.T) {
	for name, broken := range map[string]bool{"context ends": false, "listener fails": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				l := &pipes{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
				client, theirs := net.Pipe()
				l.conns <- theirs
				var answered atomic.Bool
				slow := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					if broken {
						l.Close()
					} else {
						cancel()
					}
					<-r.Context().Done()
					time.Sleep(2 * shutdownWithin) // virtual time
					answered.Store(true)
				})
				go func() {
					_, _ = io.WriteString(client, "GET / HTTP/1.1\r\nHost: left4me\r\n\r\n")
					_, _ = io.Copy(io.Discard, client)
					client.Close()
				}()
				if err := serveHTTP(ctx, l, slow, nil, slog.New(slog.DiscardHandler)); (err != nil) != broken {
					t.Error(err)
				}
				if !answered.Load() {
					t.Error("serveHTTP returned during a request")
				}
			})
		})
	}
}
