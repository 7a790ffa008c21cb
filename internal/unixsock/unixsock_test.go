package unixsock_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/unixsock"
)

func TestSocketAcceptsAsSoonAsItExists(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sock")
	for range 500 {
		dialed := make(chan error)
		go func() {
			for {
				c, err := net.Dial("unix", path)
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if err == nil {
					c.Close()
				}
				dialed <- err
				return
			}
		}()
		l, err := unixsock.Listen(path, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if err := <-dialed; err != nil {
			t.Fatal(err)
		}
		l.Close()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestListenReplacesStaleSocket(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 40)) // a socket address holds 107 bytes
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "sock")
	for _, left := range []string{path, path + unixsock.Unfinished} {
		if err := os.WriteFile(left, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := unixsock.Listen(path, 0o660)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	st, err := os.Lstat(path)
	if err != nil || st.Mode() != fs.ModeSocket|0o660 {
		t.Errorf("got %v, %v; want a socket with permissions 0660", st.Mode(), err)
	}
	if _, err := os.Lstat(path + unixsock.Unfinished); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the unfinished socket still exists: %v", err)
	}
}
