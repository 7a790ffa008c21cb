package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/left4me/left4me"
)

// portFree reports whether a server could have a port: UDP for the game and TCP
// for its remote console. Errors: left4me.Conflict when it is taken,
// left4me.Invalid when it is no port.
func portFree(port int) error {
	if port < 1 || port > 65535 {
		return &left4me.Error{Kind: left4me.Invalid, Field: "port", Text: fmt.Sprintf("port %d is out of range", port)}
	}
	address := fmt.Sprintf("0.0.0.0:%d", port)
	var lc net.ListenConfig
	udp, err := lc.ListenPacket(context.Background(), "udp4", address)
	if err != nil {
		return taken(port, "udp", err)
	}
	udp.Close()
	tcp, err := lc.Listen(context.Background(), "tcp4", address)
	if err != nil {
		return taken(port, "tcp", err)
	}
	tcp.Close()
	return nil
}

func taken(port int, protocol string, err error) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("port %d/%s: %w", port, protocol, err)
	}
	return &left4me.Error{
		Kind: left4me.Conflict, Field: "port", Err: err,
		Text: fmt.Sprintf("port %d is used by %s", port, holder(port, protocol)),
		Hint: "choose another port or end that program",
	}
}
