package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// within is the time limit for a request body in these tests, and longer exceeds it.
const within, longer = 100 * time.Millisecond, 300 * time.Millisecond

func TestInTimeFailsIncompleteBody(t *testing.T) {
	got := make(chan error, 1)
	server := httptest.NewServer(inTime(within, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		got <- err
	})))
	defer server.Close()
	c, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
	select {
	case err := <-got:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("reading the body: got error %v, want ErrDeadlineExceeded", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the handler still waits for the body")
	}
}

func TestInTimeAllowsSlowHandler(t *testing.T) {
	server := httptest.NewServer(inTime(within, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-time.After(longer): // like a console command during a map load
		case <-r.Context().Done():
			http.Error(w, "cancelled", http.StatusServiceUnavailable)
		}
	})))
	defer server.Close()
	c, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answers := bufio.NewReader(c)
	for _, request := range []string{
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n", // the next request on the same connection
	} {
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(answers, nil)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%.4s: got %+v, %v", request, res, err)
		}
		res.Body.Close()
	}
}

// The owner of a root directory may have hard-linked a file of root in place of the lock. It must
// remain root's when root restores a backup.
func TestLockRootDoesNotChangeOwnerOfLinkedFile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	root, secret := t.TempDir(), filepath.Join(t.TempDir(), "secret")
	lock := filepath.Join(root, lockName)
	if err := errors.Join(os.WriteFile(secret, nil, 0o600), os.Chown(root, 65534, 65534), os.Link(secret, lock)); err != nil {
		t.Fatal(err)
	}
	owner := func(path string) uint32 {
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return st.Sys().(*syscall.Stat_t).Uid
	}
	unlock, err := lockRoot(root)
	if err == nil {
		unlock()
	}
	if uid := owner(secret); uid != 0 {
		t.Errorf("linked file: got owner %d, want 0", uid)
	}
	if err := os.Remove(lock); err != nil {
		t.Fatal(err)
	}
	if unlock, err = lockRoot(root); err != nil {
		t.Fatal(err)
	}
	unlock()
	if uid := owner(lock); uid != 65534 {
		t.Errorf("new lock file: got owner %d, want the owner of the directory", uid)
	}
}

// A child that a killed left4me was just starting holds its lock until it executes another program.
func TestLockRootWaitsForLockOfKilledProcess(t *testing.T) {
	root := t.TempDir()
	ended := exec.CommandContext(t.Context(), "true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		holder int
		taken  bool
	}{{ended.Process.Pid, true}, {os.Getpid(), false}} {
		lock, err := os.OpenFile(filepath.Join(root, lockName), os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
		if err == nil {
			_, err = fmt.Fprintln(lock, c.holder)
		}
		if err == nil {
			err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		}
		if err != nil {
			t.Fatal(err)
		}
		given := time.AfterFunc(100*time.Millisecond, func() { lock.Close() })
		unlock, err := lockRoot(root)
		if (err == nil) != c.taken {
			t.Errorf("lock of process %d: got error %v", c.holder, err)
		}
		if err == nil {
			unlock()
		}
		if given.Stop() {
			lock.Close()
		}
	}
}

// Root runs doctor, too, in a directory that belongs to another user.
func TestDoctorDoesNotBlockOnPipe(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{lockName, databaseName} {
		if err := syscall.Mkfifo(filepath.Join(root, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan left4me.Check, 1)
	go func() {
		serving(settings{root: root})
		done <- checkDatabase(settings{root: root})
	}()
	select {
	case c := <-done:
		if c.State != left4me.CheckBroken {
			t.Errorf("got %+v, want a broken check", c)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("doctor waits for a writer of the pipe")
	}
}

// Two left4me processes on one root directory usually use the same address, too. The error must name
// the other left4me, not some program.
func TestSecondServeOnOneAddressNamesTheFirst(t *testing.T) {
	root := t.TempDir()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s := settings{root: root, listen: taken.Addr().String(), secretKey: testSecret}
	if err := serve(t.Context(), s); err == nil || !strings.Contains(err.Error(), "already used by another program") {
		t.Errorf("address used by another program: got error %v", err)
	}
	unlock, err := lockRoot(root)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if err := serve(t.Context(), s); !errors.Is(err, left4me.Conflict) ||
		!strings.Contains(err.Error(), fmt.Sprintf("another left4me is using %s (process %d)", root, os.Getpid())) {
		t.Errorf("address used by another left4me: got error %v", err)
	}
}

func TestDoctorReportsDamagedMessageStore(t *testing.T) {
	root := t.TempDir()
	if checks := checkBus(root); len(checks) != 0 {
		t.Errorf("got checks %+v, want none", checks)
	}
	path := filepath.Join(root, busName, "damaged-20261129-110000-000z")
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if checks := checkBus(root); len(checks) != 1 || checks[0].State != left4me.CheckWarn ||
		!strings.Contains(checks[0].Mend, "`rm -r "+path+"`") {
		t.Errorf("got checks %+v", checks)
	}
}
