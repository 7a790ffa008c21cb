package connectivity

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/left4me"
)

// library checks whether the game could load Steam's library.
func (w *walk) library(context.Context) left4me.Check {
	const name = "Steam's library"
	if w.printed.library != "" {
		return broken(name, w.printed.library+": Steam does not hear of this server",
			remedy.Reader{}.AsRoot("left4me doctor --fix")+" makes the links ~/.steam/sdk32 and sdk64; then "+w.restart())
	}
	return ok(name, "nothing was printed about it that is wrong")
}

// connection checks whether the server reports a connection to Steam.
func (w *walk) connection(context.Context) left4me.Check {
	const name = "connection to Steam"
	mend := "see with `left4me doctor` that the machine reaches Steam, then " + w.restart() +
		"; the cfg line `sv_hibernate_when_empty 0` keeps it awake"
	switch {
	case w.printed.lost && w.statusAnswer.Hibernating:
		return broken(name, "it lost the connection and sleeps: this game doesn't always connect again before somebody joins", mend)
	case w.printed.lost:
		return broken(name, "it lost the connection to Steam's servers", mend)
	case len(w.vars) > 0 && w.statusAnswer.PublicAddress == "":
		return warn(name, "Steam has not told it its address: it is not connected yet, or can't be", mend)
	case w.statusAnswer.PublicAddress != "":
		return ok(name, "Steam sees it as %s", w.statusAnswer.PublicAddress)
	}
	return nothing
}

// outside queries the server on its public address.
func (w *walk) outside(ctx context.Context) left4me.Check {
	const name = "public address"
	at, how, err := w.find(ctx)
	if err != nil {
		return broken(name, err.Error(), "correct LEFT4ME_PUBLIC_ADDRESS")
	}
	if !at.IsValid() {
		return skipped(name, "it is not known: this machine has a private one, and Steam told none",
			"set LEFT4ME_PUBLIC_ADDRESS to the address that players use")
	}
	w.public = at
	target := netip.AddrPortFrom(at, uint16(w.Wanted))
	info, err := ask(ctx, target)
	switch {
	case err != nil:
		return warn(name,
			fmt.Sprintf("%s (%s) does not answer from this machine; many routers don't send back what comes from inside, so look from "+
				"elsewhere", target, how),
			fmt.Sprintf("from another machine: `quakestat -a2s %s`; if that fails too, let UDP %d through the router and the provider's "+
				"firewall to this machine", target, w.Wanted))
	case info.SteamID != w.info.SteamID || info.Port != w.info.Port:
		return warn(name, fmt.Sprintf("at %s (%s) another server answers, %q", target, how, info.Name),
			fmt.Sprintf("send UDP %d on to this machine, at the router", w.Wanted))
	}
	return ok(name, "it answers at %s (%s)", target, how)
}

// find returns the public address and its source.
func (w *walk) find(ctx context.Context) (at netip.Addr, how string, err error) {
	if w.Address != "" {
		if at, err := netip.ParseAddr(w.Address); err == nil {
			return at.Unmap(), "LEFT4ME_PUBLIC_ADDRESS", nil
		}
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		all, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", w.Address)
		if err != nil || len(all) == 0 {
			return at, "", fmt.Errorf("LEFT4ME_PUBLIC_ADDRESS: no address is found for %s", w.Address)
		}
		return all[0].Unmap(), "LEFT4ME_PUBLIC_ADDRESS, " + w.Address, nil
	}
	// In a home network, status reports a private address instead.
	if told, err := netip.ParseAddrPort(w.statusAnswer.PublicAddress); err == nil && !told.Addr().IsPrivate() && !told.Addr().IsLoopback() {
		return told.Addr(), "as Steam told it", nil
	}
	// Connecting a UDP socket sends nothing; it only selects the source address for packets to the
	// internet.
	c, err := net.Dial("udp4", "192.0.2.1:9")
	if err != nil {
		return at, "", nil // without a route there is no public address
	}
	defer c.Close()
	own := c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
	if own.IsPrivate() || !own.IsGlobalUnicast() {
		return at, "", nil
	}
	return own, "of this machine", nil
}

// listed checks whether Steam's server list contains the server. Players who have the address can
// join without the list.
func (w *walk) listed(ctx context.Context) left4me.Check {
	const name = "Steam's list"
	switch {
	case w.Steam == nil:
		return nothing
	case !w.public.IsValid():
		return skipped(name, "without a public address Steam can't be asked for it", "")
	}
	ports, err := w.Steam.Listed(ctx, w.public)
	switch {
	case err != nil:
		return skipped(name, "Steam can't be asked: "+err.Error(), "")
	case slices.Contains(ports, w.Wanted):
		return ok(name, "Steam knows %s:%d", w.public, w.Wanted)
	case len(ports) > 0:
		return warn(name,
			fmt.Sprintf("Steam knows servers at %s, but none with port %d: %v. Players have to connect by address", w.public, w.Wanted,
				ports), w.restart()+"; a router may have given it another port")
	}
	return warn(name,
		fmt.Sprintf("Steam knows no server at %s: it is in no list of servers, and players have to connect by address", w.public),
		"let the machine send UDP to Steam (ports 27000 to 27100), wait some minutes after a start, and read its console for lines "+
			"about Steam")
}

// version checks whether players have a newer version of the game than the server.
func (w *walk) version(ctx context.Context) left4me.Check {
	const name = "version"
	mend := "`left4me game update`, then " + w.restart()
	if w.printed.outdated {
		return broken(name, fmt.Sprintf("Steam told it that %s is out of date: players with the newer game can't join", w.info.Version),
			mend)
	}
	if w.Steam == nil {
		return ok(name, "%s", w.info.Version)
	}
	newer, outdated, err := w.Steam.Outdated(ctx, w.info.Version)
	switch {
	case err != nil:
		return skipped(name, fmt.Sprintf("it is %s; Steam can't be asked for the newest: %v", w.info.Version, err), "")
	case outdated:
		return broken(name, fmt.Sprintf("it is %s, and players have %s", w.info.Version, newer), mend)
	}
	return ok(name, "%s is the newest", w.info.Version)
}
