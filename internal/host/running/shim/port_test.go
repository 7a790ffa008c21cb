package shim

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

func TestPortFreeNamesHolderOfBusyPort(t *testing.T) {
	root := instance.Root(t.TempDir())
	u, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	port := u.LocalAddr().(*net.UDPAddr).Port
	err = PortFree(root, port)
	if !errors.Is(err, left4me.Conflict) || !strings.Contains(err.Error(), fmt.Sprintf("(pid %d)", os.Getpid())) {
		t.Errorf("UDP: %v", err)
	}
	u.Close()
	l, err := net.Listen("tcp4", fmt.Sprintf(":%d", port))
	if err != nil {
		t.Skip("another program took the port:", err)
	}
	if err := PortFree(root, port); !errors.Is(err, left4me.Conflict) {
		t.Errorf("TCP: %v", err)
	}
	l.Close()
	if err := PortFree(root, port); err != nil {
		t.Errorf("free port: %v", err)
	}
}

func TestPortOfAnotherSessionIsRejected(t *testing.T) {
	root := instance.Root(t.TempDir())
	u, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	port := u.LocalAddr().(*net.UDPAddr).Port
	own := process(os.Getpid()).session()
	if own == 0 {
		t.Skip("the session of this process began outside its PID namespace")
	}
	if err := ownPort(root, port, own); err != nil {
		t.Errorf("own session: %v", err)
	}
	if err := ownPort(root, port, 1<<30); !errors.Is(err, left4me.Conflict) {
		t.Errorf("other session: got %v, want Conflict", err)
	}
}

func TestPortHolderIsDescribedByServerName(t *testing.T) {
	root := instance.Root(t.TempDir())
	dir := root.Merged("beta")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	if text := process(os.Getpid()).describe(root, 27015).Text; !strings.HasPrefix(text, "beta (") {
		t.Errorf("description = %q, want beta first", text)
	}
	t.Chdir(filepath.Dir(string(root)))
	if text := process(os.Getpid()).describe(root, 27015).Text; strings.Contains(text, "beta") {
		t.Errorf("description = %q, want none of beta", text)
	}
}

func TestParseNetworkLine(t *testing.T) {
	line := "Network: IP 10.0.0.2, mode MP, dedicated Yes, ports 27016 SV / 0 CL"
	n, ok := parseNetwork([]byte(line))
	if !ok || n.port != 27016 || n.ip != netip.MustParseAddr("10.0.0.2") {
		t.Errorf("parseNetwork = %+v, %v", n, ok)
	}
	if got := n.target(27015); got != "10.0.0.2:27015" {
		t.Errorf("target = %s", got)
	}
	any, _ := parseNetwork([]byte(strings.Replace(line, "10.0.0.2", "0.0.0.0", 1)))
	if got := any.target(27015); got != "127.0.0.1:27015" {
		t.Errorf("target = %s", got)
	}
	for _, bad := range []string{
		"", "Network: IP", "Network: IP 0.0.0.0, ports x SV", "Network: IP 0.0.0.0, mode, ports 70000 SV",
		" " + line,
	} {
		if n, ok := parseNetwork([]byte(bad)); ok {
			t.Errorf("parseNetwork(%q) = %+v", bad, n)
		}
	}
}

func TestEngineLineMarksAreRemoved(t *testing.T) {
	for in, want := range map[string]string{"": "", "a": "a", "#a": "a", "#03:a": "a", "#": "", "#12": "12", "##a": "#a"} {
		if got := string(unmark([]byte(in))); got != want {
			t.Errorf("unmark(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzParseNetwork(f *testing.F) {
	f.Add([]byte("Network: IP 0.0.0.0, mode MP, dedicated Yes, ports 27015 SV / 0 CL"))
	f.Add([]byte("#03:Network: IP ::1, ports 1 "))
	f.Fuzz(func(t *testing.T, line []byte) {
		n, ok := parseNetwork(unmark(line))
		if ok && (n.port < 1 || n.port > 65535) {
			t.Fatalf("port %d", n.port)
		}
		if _, err := netip.ParseAddrPort(n.target(27015)); err != nil {
			t.Fatalf("target: %v", err)
		}
	})
}
