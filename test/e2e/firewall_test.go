//go:build e2e

package e2e

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Addresses of the machine and of its neighbour.
const (
	inner4, outer4 = "192.0.2.1", "192.0.2.2"
	inner6, outer6 = "2001:db8::1", "2001:db8::2"
)

// neighbour is a second network, connected to the machine's by a virtual cable. It holds the ids of
// one process in each network namespace.
type neighbour struct{ machine, other string }

func plugIn(t *testing.T) neighbour {
	t.Helper()
	leader, err := os.ReadFile(filepath.Join(cmp.Or(os.Getenv("LEFT4ME_E2E_RUN"), "/run/left4me-e2e"), "leader"))
	if err != nil {
		t.Fatal(err)
	}
	holder := exec.Command("sleep", "infinity")
	holder.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = holder.Process.Kill()
		_ = holder.Wait()
	})
	n := neighbour{machine: strings.TrimSpace(string(leader)), other: strconv.Itoa(holder.Process.Pid)}
	t.Cleanup(func() { here(t, "nsenter", "--net", "--target", n.machine, "ip", "link", "delete", "l4m0") })
	here(t, "ip", "link", "add", "l4m0", "netns", n.machine, "type", "veth", "peer", "name", "l4m0", "netns", n.other)
	for _, side := range []struct{ pid, four, six string }{{n.machine, inner4, inner6}, {n.other, outer4, outer6}} {
		for _, args := range []string{
			"addr add " + side.four + "/24 dev l4m0", "addr add " + side.six + "/64 dev l4m0 nodad",
			"link set l4m0 up",
		} {
			here(t, append([]string{"nsenter", "--net", "--target", side.pid, "ip"}, strings.Fields(args)...)...)
		}
	}
	return n
}

// here runs a command outside the machine.
func here(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return string(out)
}

// in runs f in the network namespace of a process. Sockets that f creates stay in that namespace.
func (n neighbour) in(t *testing.T, pid string, f func() error) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with f
		fd, err := unix.Open("/proc/"+pid+"/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = unix.Setns(fd, unix.CLONE_NEWNET)
			unix.Close(fd)
		}
		if err == nil {
			err = f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// listen counts the packets that arrive at a port of the machine and answers each with "answer".
func (n neighbour) listen(t *testing.T, port int, count *atomic.Int64) {
	t.Helper()
	var c *net.UDPConn
	n.in(t, n.machine, func() (err error) {
		c, err = net.ListenUDP("udp", &net.UDPAddr{Port: port})
		return err
	})
	t.Cleanup(func() { c.Close() })
	_ = c.SetReadBuffer(4 << 20)
	go func() {
		for buf := make([]byte, 2048); ; {
			k, from, err := c.ReadFromUDP(buf)
			if err != nil {
				return
			}
			if string(buf[:k]) == "ask" {
				_, _ = c.WriteToUDP([]byte("answer"), from)
			}
			count.Add(1)
		}
	}()
}

func (n neighbour) dial(t *testing.T, address string, port int) *net.UDPConn {
	t.Helper()
	var c net.Conn
	n.in(t, n.other, func() (err error) {
		c, err = net.Dial("udp", net.JoinHostPort(address, strconv.Itoa(port)))
		return err
	})
	t.Cleanup(func() { c.Close() })
	return c.(*net.UDPConn)
}

// connect tries a TCP connection from the network namespace of a process.
func (n neighbour) connect(t *testing.T, pid, address string, port int) (err error) {
	t.Helper()
	n.in(t, pid, func() error {
		var c net.Conn
		if c, err = net.DialTimeout("tcp", net.JoinHostPort(address, strconv.Itoa(port)), 5*time.Second); err == nil {
			c.Close()
		}
		return nil
	})
	return err
}

func TestFirewallNeverDropsPlayers(t *testing.T) {
	if skip != "" {
		t.Skip(skip)
	}
	n := plugIn(t)
	must(t, "systemctl", "start", "left4me-firewall")
	defer in("systemctl", "stop", "left4me-firewall")
	for port, address := range map[int]string{27101: inner4, 27102: inner6} {
		var arrived atomic.Int64
		n.listen(t, port, &arrived)
		c := n.dial(t, address, port)
		// sends sends the same packet several times and returns how many copies arrived.
		sends := func(packet string, times int) int64 {
			t.Helper()
			before := arrived.Load()
			for i := range times {
				if _, err := c.Write([]byte(packet)); err != nil {
					t.Fatal(err)
				}
				if i%100 == 99 {
					time.Sleep(time.Millisecond) // lets the reader run before its buffer overflows
				}
			}
			marks := before
			for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
				if marks = arrived.Load(); marks-before == int64(times) {
					break
				}
			}
			return marks - before
		}
		const query = "\xff\xff\xff\xffTSource Engine Query\x00"
		if got := sends(query, 15); got != 15 {
			t.Errorf("%s: %d of 15 queries arrived, want all", address, got)
		}
		if got := sends(query, 5000); got < 3 || got > 60 {
			t.Errorf("%s: %d of a flood of 5000 queries arrived", address, got)
		}
		for what, packet := range map[string]string{
			"of a game":              "\x07\x01\x00\x00\x05\x01\x00\x00and what the player does",
			"of a large game packet": "\xfe\xff\xff\xff\x01\x00\x00\x00\x02\x00\xe0\x04x",
			"that ask to join":       "\xff\xff\xff\xffq0000000000\x00", "that join": "\xff\xff\xff\xffk and who it is",
		} {
			if got := sends(packet, 2000); got != 2000 {
				t.Errorf("%s: with a flooding sender, of 2000 packets %s %d arrived", address, what, got)
			}
		}
		for what, packet := range map[string]string{
			"nothing":                        "",
			"a split packet without content": "\xfe\xff\xff\xff\x01\x00\x00\x00\x02\x00\xe0\x04",
			"the start of one":               "\xfe\xff\xff\xff",
		} {
			if got := sends(packet, 10); got != 0 {
				t.Errorf("%s: %d packets of %s arrived", address, got, what)
			}
		}
	}
}

func TestFirewallMarksGameTraffic(t *testing.T) {
	if skip != "" {
		t.Skip(skip)
	}
	n := plugIn(t)
	var arrived atomic.Int64
	n.listen(t, 27103, &arrived)
	c := n.dial(t, inner4, 27103)
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVTOS, 1) })
	if err != nil {
		t.Fatal(err)
	}
	class := func() int {
		t.Helper()
		if _, err := c.Write([]byte("ask")); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		buf, oob := make([]byte, 64), make([]byte, 64)
		_, k, _, _, err := c.ReadMsgUDP(buf, oob)
		if err != nil {
			t.Fatal(err)
		}
		messages, err := unix.ParseSocketControlMessage(oob[:k])
		if err != nil || len(messages) != 1 {
			t.Fatal(messages, err)
		}
		return int(messages[0].Data[0]) >> 2
	}
	if got := class(); got != 0 {
		t.Errorf("without the firewall, packets have DSCP %d", got)
	}
	must(t, "systemctl", "start", "left4me-firewall")
	defer in("systemctl", "stop", "left4me-firewall")
	if got := class(); got != 46 {
		t.Errorf("packets have DSCP %d, want 46 (EF)", got)
	}
}

func TestFirewallClosesRemoteConsole(t *testing.T) {
	running(t, "alpha")
	var s struct{ Port int }
	call(t, "GET", "/servers/alpha", nil, &s)
	n := plugIn(t)
	if err := n.connect(t, n.other, inner4, s.Port); err != nil {
		t.Fatalf("without the firewall, the remote console is closed: %v", err)
	}
	must(t, "systemctl", "start", "left4me-firewall")
	defer in("systemctl", "stop", "left4me-firewall")
	for _, address := range []string{inner4, inner6} {
		if err := n.connect(t, n.other, address, s.Port); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s from outside: %v", address, err)
		}
	}
	for _, address := range []string{"127.0.0.1", inner4} {
		if err := n.connect(t, n.machine, address, s.Port); err != nil {
			t.Errorf("%s from the machine itself: %v", address, err)
		}
	}
	out := here(t, "nsenter", "--net", "--target", n.other, "quakestat", "-a2s", fmt.Sprintf("%s:%d", inner4, s.Port))
	if !strings.Contains(out, "c1m1_hotel") {
		t.Errorf("a server browser sees:\n%s", out)
	}
}

func TestFirewallUsesConfiguredPorts(t *testing.T) {
	if skip != "" {
		t.Skip(skip)
	}
	must(t, "sh", "-c", "cp /etc/left4me/left4me.env /root/env; echo LEFT4ME_PORT_RANGE=28000-28009 >>/etc/left4me/left4me.env")
	defer in("cp", "/root/env", "/etc/left4me/left4me.env")
	must(t, "nft", "add", "table", "inet", "other")
	must(t, "systemctl", "start", "left4me-firewall")
	must(t, "systemctl", "reload", "left4me-firewall")
	if out := must(t, "nft", "list", "table", "inet", "left4me"); strings.Count(out, "28000-28009") != 4 || strings.Contains(out, "27015") {
		t.Errorf("got %s", out)
	}
	must(t, "systemctl", "stop", "left4me-firewall")
	if out := must(t, "nft", "list", "tables"); out != "table inet other" {
		t.Errorf("rules left: %s", out)
	}
	must(t, "nft", "delete", "table", "inet", "other")
	if out := property(t, "left4me-firewall", "UnitFileState"); out != "disabled" {
		t.Errorf("the unit is %s", out)
	}
}
