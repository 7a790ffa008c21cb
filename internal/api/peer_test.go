package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/api"
)

// peers serves the API on a Unix socket that every user can connect to, and returns a function that
// creates a server through it without a token.
func (s *site) peers(t *testing.T) (create func(name string, dial func(path string) (net.Conn, error)) int) {
	t.Helper()
	path := s.listen(t)
	return func(name string, dial func(path string) (net.Conn, error)) int {
		t.Helper()
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return dial(path) }}
		defer transport.CloseIdleConnections()
		client := http.Client{Transport: transport}
		r := must(http.NewRequestWithContext(t.Context(), "POST", "http://left4me/api/v1/servers",
			strings.NewReader(`{"name":"`+name+`"}`)))(t)
		r.Header.Set("Content-Type", "application/json")
		resp := must(client.Do(r))(t)
		resp.Body.Close()
		return resp.StatusCode
	}
}

// listen serves the API on a Unix socket that every user can connect to.
func (s *site) listen(t *testing.T) (path string) {
	t.Helper()
	dir := must(os.MkdirTemp("", "api"))(t) // t.TempDir is accessible to its owner only
	t.Cleanup(func() { os.RemoveAll(dir) })
	path = filepath.Join(dir, "api.sock")
	l := must(net.Listen("unix", path))(t)
	for _, p := range []string{dir, path} {
		if err := os.Chmod(p, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	srv := &http.Server{Handler: s.handler, ConnContext: api.PeerContext}
	go srv.Serve(l) //nolint:errcheck // it ends with Close
	t.Cleanup(func() { srv.Close() })
	return path
}

func TestSocketNeedsNoTokenForOwnUser(t *testing.T) {
	s := newSite(t)
	create := s.peers(t)
	if status := create("alpha", func(path string) (net.Conn, error) { return net.Dial("unix", path) }); status != http.StatusCreated {
		t.Errorf("got %d", status)
	}
}

func TestSocketNeedsTokenForOtherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can connect as another user")
	}
	s := newSite(t)
	create := s.peers(t)
	const nobody = 65534
	status := create("alpha", func(path string) (net.Conn, error) {
		// The kernel reports the credentials of the thread that connects.
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
		t.Errorf("got %d", status)
	}
}

// become changes the effective user of the current thread only.
func become(uid int) error {
	const keep = ^uintptr(0)
	if _, _, e := syscall.RawSyscall(syscall.SYS_SETRESUID, keep, uintptr(uid), keep); e != 0 {
		return e
	}
	return nil
}

// A TCP connection must not get an identity from its peer.
func TestTCPConnectionNeedsToken(t *testing.T) {
	s := newSite(t)
	ctx := api.PeerContext(t.Context(), must(net.Dial("tcp", strings.TrimPrefix(s.url, "http://")))(t))
	if ctx != t.Context() {
		t.Error("a TCP peer got an identity")
	}
}

// Environment variables for the test binary when a test starts it in a role.
const (
	roleVar   = "PEER_ROLE" // connect, dial or serve
	socketVar = "PEER_SOCKET"
	moreVar   = "PEER_ISOLATE" // run the role in a process in its own user and mount namespace
)

// TestPeerRole is not a test: it runs the process at the other end of a socket.
func TestPeerRole(t *testing.T) {
	if os.Getenv(moreVar) != "" {
		cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
		cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = append(os.Environ(), moreVar+"="), os.Stdin, os.Stdout, os.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}},
		}
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		return
	}
	switch os.Getenv(roleVar) {
	case "connect": // uses the socket inherited as descriptor 3
		if err := unix.Connect(3, &unix.SockaddrUnix{Name: os.Getenv(socketVar)}); err != nil {
			t.Fatal(err)
		}
	case "dial":
		client := http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			return net.Dial("unix", os.Getenv(socketVar))
		}}}
		resp := must(client.Get("http://left4me/api/v1/servers"))(t)
		fmt.Printf("status %d %s\n", resp.StatusCode, must(io.ReadAll(resp.Body))(t))
		resp.Body.Close()
		client.CloseIdleConnections()
	case "serve":
		_ = os.Remove(os.Getenv(socketVar))
		l := must(net.Listen("unix", os.Getenv(socketVar)))(t)
		if err := os.Chmod(os.Getenv(socketVar), 0o777); err != nil {
			t.Fatal(err)
		}
		srv := &http.Server{Handler: newSite(t).handler, ConnContext: api.PeerContext}
		go srv.Serve(l) //nolint:errcheck // it ends with this process
		fmt.Println("serves")
		_, _ = io.Copy(io.Discard, os.Stdin)
		srv.Close()
	}
}

// role starts the test binary in a role, as the user uid and in additional namespaces.
func role(t *testing.T, what, socket string, uid int, isolate bool, namespaces uintptr) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestPeerRole$", "-test.count=1")
	cmd.Env = append(os.Environ(), roleVar+"="+what, socketVar+"="+socket)
	if isolate {
		cmd.Env = append(cmd.Env, moreVar+"=1")
	}
	cmd.Dir, cmd.Stderr = "/", os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
	if uid != os.Geteuid() {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
	}
	return cmd
}

func TestSocketNeedsTokenForSandboxedProcess(t *testing.T) {
	s := newSite(t)
	path := s.listen(t)
	own := os.Geteuid()
	ask := func(isolate bool, namespaces uintptr) string {
		t.Helper()
		out, err := role(t, "dial", path, own, isolate, namespaces).Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	if out := ask(false, 0); !strings.Contains(out, "status 200") {
		t.Errorf("a process without a sandbox: %s", out)
	}
	if out := ask(true, 0); !strings.Contains(out, "status 401") || !strings.Contains(out, "sandbox") {
		t.Errorf("a process in a user and mount namespace: %s", out)
	}
	if own == 0 {
		if out := ask(false, unix.CLONE_NEWNS); !strings.Contains(out, "status 401") || !strings.Contains(out, "sandbox") {
			t.Errorf("root in a mount namespace, like a game of a root left4me: %s", out)
		}
	}
}

// A unit with PrivateTmp= has its own mount namespace. If left4me is not root, only games are in
// other user namespaces, so the user namespace identifies such a unit.
func TestSocketNeedsNoTokenForUnitWithPrivateTmp(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can create a mount namespace without a user namespace")
	}
	dir := must(os.MkdirTemp("", "api"))(t)
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	const nobody = 65534
	path := filepath.Join(dir, "api.sock")
	server := role(t, "serve", path, nobody, false, 0)
	stdin := must(server.StdinPipe())(t)
	stdout := must(server.StdoutPipe())(t)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close(); _ = server.Wait() })
	if _, err := io.ReadFull(stdout, make([]byte, len("serves\n"))); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		who        string
		uid        int
		isolate    bool
		namespaces uintptr
		status     string
	}{
		{"the same user", nobody, false, 0, "status 200"},
		{"the same user in a unit", nobody, false, unix.CLONE_NEWNS, "status 200"},
		{"the same user in a sandbox", nobody, true, 0, "status 401"},
		{"root", 0, false, 0, "status 200"},
		{"root in a unit", 0, false, unix.CLONE_NEWNS, "status 200"},
		{"another user", 1, false, 0, "status 401"},
	} {
		out, err := role(t, "dial", path, c.uid, c.isolate, c.namespaces).Output()
		if err != nil || !strings.Contains(string(out), c.status) {
			t.Errorf("%s: %v %s", c.who, err, out)
		}
	}
}

// The PID of an exited process may belong to another process.
func TestSocketNeedsTokenAfterPeerExits(t *testing.T) {
	probe := must(unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0))(t)
	_, err := unix.GetsockoptInt(probe[0], unix.SOL_SOCKET, unix.SO_PEERPIDFD)
	_ = errors.Join(unix.Close(probe[0]), unix.Close(probe[1]))
	if errors.Is(err, unix.ENOPROTOOPT) {
		t.Skip("SO_PEERPIDFD came with Linux 6.5")
	}
	s := newSite(t)
	path := filepath.Join(must(os.MkdirTemp("", "api"))(t), "api.sock")
	t.Cleanup(func() { os.RemoveAll(filepath.Dir(path)) })
	l := must(net.Listen("unix", path))(t)
	socket := must(unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0))(t)
	file := os.NewFile(uintptr(socket), "socket")
	defer file.Close()
	connector := role(t, "connect", path, os.Geteuid(), false, 0)
	connector.ExtraFiles = []*os.File{file}
	if out, err := connector.Output(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	srv := &http.Server{Handler: s.handler, ConnContext: api.PeerContext}
	go srv.Serve(l) //nolint:errcheck // it ends with Close
	t.Cleanup(func() { srv.Close() })
	c := must(net.FileConn(file))(t)
	client := http.Client{
		Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return c, nil }},
	}
	resp := must(client.Get("http://left4me/api/v1/servers"))(t)
	resp.Body.Close()
	client.CloseIdleConnections()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("got status %d", resp.StatusCode)
	}
}
