package api_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/left4me/left4me/api"
)

// peers serves the API on a unix socket that everybody can reach, and gives a
// function that creates a server over it without a token.
func (s *site) peers(t *testing.T) (create func(name string, dial func(path string) (net.Conn, error)) int) {
	t.Helper()
	dir := must(os.MkdirTemp("", "api"))(t) // t.TempDir is for its owner only
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "api.sock")
	l := must(net.Listen("unix", path))(t)
	for _, p := range []string{dir, path} {
		if err := os.Chmod(p, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	srv := &http.Server{Handler: s.handler, ConnContext: api.PeerContext}
	go srv.Serve(l) //nolint:errcheck // it ends with Close
	t.Cleanup(func() { srv.Close() })
	return func(name string, dial func(path string) (net.Conn, error)) int {
		t.Helper()
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return dial(path) }}
		defer transport.CloseIdleConnections()
		client := http.Client{Transport: transport}
		r := must(http.NewRequestWithContext(t.Context(), "POST", "http://left4me/api/v1/servers", strings.NewReader(`{"name":"`+name+`"}`)))(t)
		r.Header.Set("Content-Type", "application/json")
		resp := must(client.Do(r))(t)
		resp.Body.Close()
		return resp.StatusCode
	}
}

func TestOurOwnUserNeedsNoTokenOnTheSocket(t *testing.T) {
	s := newSite(t)
	create := s.peers(t)
	if status := create("alpha", func(path string) (net.Conn, error) { return net.Dial("unix", path) }); status != http.StatusCreated {
		t.Errorf("%d", status)
	}
}

func TestAnotherUserNeedsATokenOnTheSocketToo(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can connect as somebody else")
	}
	s := newSite(t)
	create := s.peers(t)
	const nobody = 65534
	status := create("alpha", func(path string) (net.Conn, error) {
		// The kernel tells who connects by the thread that does it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := become(nobody); err != nil {
			return nil, err
		}
		c, err := net.Dial("unix", path)
		if back := become(0); back != nil {
			panic(back)
		}
		return c, err
	})
	if status != http.StatusUnauthorized {
		t.Errorf("%d", status)
	}
}

// become changes the effective user of this thread only.
func become(uid int) error {
	const keep = ^uintptr(0)
	if _, _, e := syscall.RawSyscall(syscall.SYS_SETRESUID, keep, uintptr(uid), keep); e != 0 {
		return e
	}
	return nil
}

// Whoever says who they are over TCP is not believed.
func TestAConnectionThatIsNoSocketNeedsAToken(t *testing.T) {
	s := newSite(t)
	ctx := api.PeerContext(t.Context(), must(net.Dial("tcp", strings.TrimPrefix(s.url, "http://")))(t))
	if ctx != t.Context() {
		t.Error("a TCP peer became somebody")
	}
}
