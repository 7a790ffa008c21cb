package apiclient

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
)

func TestSocketOfOtherUserIsRejected(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can act as two users")
	}
	const game = 65534
	dir := t.TempDir()
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o711), os.Chmod(dir, 0o777)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "api.sock")
	l := listenAs(t, game, path)
	asked := false
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked = true; fmt.Fprint(w, "[]") })}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	c, err := New(Target{Socket: path, Token: "l4m_secret"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Call(t.Context(), "GET", "/servers", nil, nil); !errors.Is(err, left4me.Unavailable) ||
		!strings.Contains(err.Error(), "belongs to a process of another user") || asked {
		t.Errorf("%v, asked %v", err, asked)
	}
	// If that user owns the directory, left4me runs as that user.
	if err := os.Chown(dir, game, -1); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Call(t.Context(), "GET", "/servers", nil, nil); err != nil {
		t.Error(err)
	}
}

// listenAs listens as another user; the kernel stores the listener's credentials.
func listenAs(t *testing.T, uid int, path string) net.Listener {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// The raw system call changes the current thread only.
	become := func(uid int) {
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), uintptr(uid), ^uintptr(0)); errno != 0 {
			t.Fatal(errno)
		}
	}
	become(uid)
	l, err := net.Listen("unix", path)
	become(0)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
