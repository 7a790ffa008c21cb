package shim

import (
	"net"
	"strings"
)

// notifier tells systemd how the server is (sd_notify(3)). Without a socket it
// does nothing. That a message is lost changes nothing but what an admin sees,
// except for READY: systemd's own deadline then ends the start.
type notifier struct{ socket string }

// send sends assignments, one on a line: "READY=1", "STATUS=…".
func (n notifier) send(lines ...string) {
	if n.socket == "" {
		return
	}
	address := n.socket
	if address[0] == '@' { // in the abstract namespace
		address = "\x00" + address[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(strings.Join(lines, "\n")))
}
