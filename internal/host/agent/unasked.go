package agent

import (
	"context"
	"errors"
	"net"
	"syscall"

	"github.com/left4me/left4me/internal/steam"
)

// unasked says in words that a person can act on why Steam's Web API gave no
// answer. What isn't about Steam stays as it is.
func unasked(err error) error {
	var name *net.DNSError
	switch {
	case errors.As(err, &name):
		return errors.New("this host finds no address for " + name.Name + "; check its DNS and its network")
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("the connection was refused; check this host's firewall and proxy: TCP 443 outwards must be open")
	case errors.Is(err, steam.ErrUnreachable), errors.Is(err, context.DeadlineExceeded):
		return errors.New("this host gets no connection to it; check its network and its firewall: TCP 443 outwards must be open")
	case errors.Is(err, steam.ErrBusy):
		return errors.New("it is busy or down; try again in some minutes")
	case errors.Is(err, steam.ErrAnswer):
		return errors.New("what answered is not Steam; is there a proxy or a log-in page between?")
	case errors.Is(err, steam.ErrUnsupported):
		return errors.New("it has no word on that")
	}
	return err
}
