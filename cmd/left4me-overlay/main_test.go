package main

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func env(vars map[string]string) func(string) string {
	return func(key string) string { return vars[key] }
}

func TestWrongUsageExitsWithStatus2(t *testing.T) {
	for _, args := range [][]string{nil, {"mount"}, {"alpha"}, {"mount", "alpha", "beta"}, {"remount", "alpha"}, {"--help", "mount"}} {
		var stderr bytes.Buffer
		if code := run(args, env(nil), io.Discard, &stderr); code != exitMisuse || !strings.HasPrefix(stderr.String(), "usage:") {
			t.Errorf("%q: got exit status %d, %q", args, code, stderr.String())
		}
	}
}

func TestRefusalIsOneLineAndUnitStatus(t *testing.T) {
	root := t.TempDir()
	socket := filepath.Join(root, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var stderr bytes.Buffer
	code := run([]string{"mount", "a\nb"}, env(map[string]string{"LEFT4ME_ROOT": root, "NOTIFY_SOCKET": socket}), io.Discard, &stderr)
	line, ok := strings.CutPrefix(stderr.String(), "left4me-overlay: ")
	if code != exitFailed || !ok || strings.Count(line, "\n") != 1 {
		t.Errorf("got exit status %d, %q, want one line", code, stderr.String())
	}
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1024)
	n, err := conn.Read(buf)
	if want := "STATUS=" + strings.TrimSuffix(line, "\n"); err != nil || string(buf[:n]) != want {
		t.Errorf("unit status: got %q, %v, want %q", buf[:n], err, want)
	}
}

func TestRefusesOtherUsersThanRoot(t *testing.T) {
	var stderr bytes.Buffer
	vars := map[string]string{"LEFT4ME_ROOT": "relative"}
	want := "is not an absolute path"
	if os.Getuid() != 0 {
		want = "only root may run it"
	}
	if code := run([]string{"umount", "alpha"}, env(vars), io.Discard, &stderr); code != exitFailed ||
		!strings.Contains(stderr.String(), want) {
		t.Errorf("got exit status %d, %q, want %q", code, stderr.String(), want)
	}
}

// Code that runs as root must be short enough to review in one sitting. Of left4me's other packages it
// may link only the type of names.
func TestProgramStaysSmall(t *testing.T) {
	const most = 800
	lines := 0
	for _, dir := range []string{".", "../../internal/host/running/overlayfs"} {
		names, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			lines += bytes.Count(text, []byte("\n"))
		}
	}
	if lines == 0 || lines > most {
		t.Errorf("got %d lines, want at most %d", lines, most)
	}

	program := filepath.Join(t.TempDir(), "left4me-overlay")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command("go", "tool", "nm", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	const ours = "github.com/left4me/left4me"
	own := 0
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		symbol := f[len(f)-1]
		switch {
		case strings.HasPrefix(symbol, "net."):
			t.Errorf("the program links %s: it must not use the network", symbol)
		case strings.HasPrefix(symbol, ours+"/internal/host/running/overlayfs."):
			own++
		case strings.HasPrefix(symbol, ours) && !strings.Contains(symbol, "Name).") && !strings.Contains(symbol, ".Name.") &&
			!strings.HasPrefix(symbol, ours+"/internal/left4me.init") && symbol != ours+"/internal/left4me..inittask":
			t.Errorf("the program links %s", symbol)
		}
	}
	if own == 0 {
		t.Error("found no symbol: the test checks nothing")
	}
}

func TestOneLineEscapesControlCharacters(t *testing.T) {
	for in, want := range map[string]string{
		"plain, ünï \"quoted\" \\": "plain, ünï \"quoted\" \\",
		"a\nleft4me-overlay: b\r":  `a\nleft4me-overlay: b\r`,
		"\x1b[2J\x00":              `\x1b[2J\x00`,
		"\u202egnp\u00a0\u2028":    `\u202egnp\u00a0\u2028`,
		"\xff":                     "\ufffd",
	} {
		if got := oneLine(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
