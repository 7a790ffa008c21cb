package shim

import (
	"net"
	"strings"
)

// notifier reports the server's state to systemd (sd_notify(3)). Without a socket it does nothing. A
// lost message affects only what systemctl shows, except for READY: without it systemd aborts the start
// at its timeout.
type notifier struct{ socket string }

// send sends assignments such as "READY=1" and "STATUS=…" in one message, one per line.
func (n notifier) send(lines ...string) {
	if n.socket == "" {
		return
	}
	address := n.socket
	if address[0] == '@' { // abstract namespace
		address = "\x00" + address[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(strings.Join(lines, "\n")))
}
