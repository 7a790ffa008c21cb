package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/left4me/left4me/internal/steam"
)

// steamAPI asks the Steam Web API for the connectivity check. Each question has its own deadline,
// so that an unreachable Steam fails only its own steps.
type steamAPI struct{ base string }

const askSteamWithin = 5 * time.Second

// client returns a client with a short pause between attempts, because a user is waiting.
func (s steamAPI) client() *steam.Client {
	return &steam.Client{Base: s.base, Timeout: askSteamWithin, Pause: askSteamWithin / 20}
}

// Listed returns the ports of the L4D2 servers that Steam sees at an address.
func (s steamAPI) Listed(ctx context.Context, at netip.Addr) ([]int, error) {
	ctx, cancel := context.WithTimeout(ctx, askSteamWithin)
	defer cancel()
	found, err := s.client().ServersAt(ctx, at, 0)
	if err != nil {
		return nil, steamFailure(err)
	}
	var ports []int
	for _, f := range found {
		if f.App == gameApp {
			ports = append(ports, f.Port)
		}
	}
	return ports, nil
}

// Outdated reports whether Steam requires another server version.
func (s steamAPI) Outdated(ctx context.Context, version string) (newer string, outdated bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, askSteamWithin)
	defer cancel()
	number, ok := steam.Version{Patch: version}.Number()
	if !ok {
		return "", false, fmt.Errorf("%q is no version", version)
	}
	answer, err := s.client().UpToDateCheck(ctx, gameApp, number)
	if err != nil {
		return "", false, steamFailure(err)
	}
	return fmt.Sprintf("version %d", answer.Required), !answer.UpToDate, nil
}

// steamFailure turns an error of the Steam Web API into a message that says what to check. It
// returns other errors unchanged.
func steamFailure(err error) error {
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
