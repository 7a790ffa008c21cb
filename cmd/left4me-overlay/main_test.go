package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func env(vars map[string]string) func(string) string {
	return func(key string) string { return vars[key] }
}

func TestMisuseIsTold(t *testing.T) {
	for _, args := range [][]string{nil, {"mount"}, {"alpha"}, {"mount", "alpha", "beta"}, {"remount", "alpha"}, {"--help", "mount"}} {
		var stderr bytes.Buffer
		if code := run(args, env(nil), &stderr); code != exitMisuse || !strings.HasPrefix(stderr.String(), "usage:") {
			t.Errorf("%q: exit %d, %q", args, code, stderr.String())
		}
	}
}

func TestARefusalIsOneLineAndReachesSystemd(t *testing.T) {
	root := t.TempDir()
	socket := filepath.Join(root, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var stderr bytes.Buffer
	code := run([]string{"mount", "a\nb"}, env(map[string]string{"LEFT4ME_ROOT": root, "NOTIFY_SOCKET": socket}), &stderr)
	line, ok := strings.CutPrefix(stderr.String(), "left4me-overlay: ")
	if code != exitFailed || !ok || strings.Count(line, "\n") != 1 {
		t.Errorf("exit %d, %q", code, stderr.String())
	}
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1024)
	n, err := conn.Read(buf)
	if want := "STATUS=" + strings.TrimSuffix(line, "\n"); err != nil || string(buf[:n]) != want {
		t.Errorf("systemd is told %q, %v, want %q", buf[:n], err, want)
	}
}

func TestOnlyRootGetsAnything(t *testing.T) {
	var stderr bytes.Buffer
	vars := map[string]string{"LEFT4ME_ROOT": "relative"}
	want := "is not an absolute path"
	if os.Getuid() != 0 {
		want = "only root may run it"
	}
	if code := run([]string{"umount", "alpha"}, env(vars), &stderr); code != exitFailed || !strings.Contains(stderr.String(), want) {
		t.Errorf("exit %d, %q, want %q", code, stderr.String(), want)
	}
}
