package connectivity

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/left4me"
)

// library checks whether the game could load Steam's library.
func (w *walk) library(context.Context) left4me.Check {
	const name = "Steam's library"
	fix := remedy.Reader{}.AsRoot("left4me doctor --fix")
	switch {
	case w.printed.library != "":
		return left4me.NewCheck(left4me.CheckBroken, name, "library.failed", "file", w.printed.library, "command", fix, "restart",
			w.restart())
	case w.printed.noLibrary:
		return left4me.NewCheck(left4me.CheckBroken, name, "library.not_found", "command", fix, "restart", w.restart())
	}
	return left4me.NewCheck(left4me.CheckOK, name, "library.ok")
}

// connection checks whether the server reports a connection to Steam.
func (w *walk) connection(context.Context) left4me.Check {
	const name = "connection to Steam"
	doctor, line := left4me.Commands("left4me doctor"), left4me.Commands("sv_hibernate_when_empty 0")
	switch {
	case w.printed.lost && w.statusAnswer.Hibernating:
		return left4me.NewCheck(left4me.CheckBroken, name, "connection.lost_hibernating", "doctor", doctor, "command", w.restart(), "line",
			line)
	case w.printed.lost:
		return left4me.NewCheck(left4me.CheckBroken, name, "connection.lost", "doctor", doctor, "command", w.restart(), "line", line)
	case len(w.vars) > 0 && w.statusAnswer.PublicAddress == "":
		return left4me.NewCheck(left4me.CheckWarn, name, "connection.no_address", "doctor", doctor, "command", w.restart(), "line", line)
	case w.statusAnswer.PublicAddress != "":
		return left4me.NewCheck(left4me.CheckOK, name, "connection.ok", "address", w.statusAnswer.PublicAddress)
	}
	return nothing
}

// outside queries the server on its public address.
func (w *walk) outside(ctx context.Context) left4me.Check {
	const name = "public address"
	at, source, err := w.find(ctx)
	if err != nil {
		return left4me.NewCheck(left4me.CheckBroken, name, "address.not_found", "name", w.Address)
	}
	if !at.IsValid() {
		return left4me.NewCheck(left4me.CheckSkipped, name, "address.unknown")
	}
	w.public = at
	target := netip.AddrPortFrom(at, uint16(w.Wanted))
	info, err := ask(ctx, target)
	switch {
	case err != nil:
		return left4me.NewCheck(left4me.CheckWarn, name, "address.silent", "address", target, "source", source,
			"command", left4me.Commands("quakestat -a2s "+target.String()), "port", w.Wanted)
	case info.SteamID != w.info.SteamID || info.Port != w.info.Port:
		return left4me.NewCheck(left4me.CheckWarn, name, "address.other_server", "address", target, "source", source,
			"name", info.Name, "port", w.Wanted)
	}
	return left4me.NewCheck(left4me.CheckOK, name, "address.ok", "address", target, "source", source)
}

// find returns the public address and its source.
func (w *walk) find(ctx context.Context) (at netip.Addr, source *left4me.Error, err error) {
	if w.Address != "" {
		if at, err := netip.ParseAddr(w.Address); err == nil {
			return at.Unmap(), left4me.NewError(left4me.Invalid, "address.from_setting", "name", nil), nil
		}
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		all, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", w.Address)
		if err == nil && len(all) == 0 {
			err = fmt.Errorf("no address of %s", w.Address)
		}
		if err != nil {
			return at, nil, err
		}
		return all[0].Unmap(), left4me.NewError(left4me.Invalid, "address.from_setting", "name", w.Address), nil
	}
	// In a home network, status reports a private address instead.
	if told, err := netip.ParseAddrPort(w.statusAnswer.PublicAddress); err == nil && !told.Addr().IsPrivate() && !told.Addr().IsLoopback() {
		return told.Addr(), left4me.NewError(left4me.Invalid, "address.from_steam"), nil
	}
	// Connecting a UDP socket sends nothing; it only selects the source address for packets to the
	// internet.
	c, err := net.Dial("udp4", "192.0.2.1:9")
	if err != nil {
		return at, nil, nil // without a route there is no public address
	}
	defer c.Close()
	own := c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
	if own.IsPrivate() || !own.IsGlobalUnicast() {
		return at, nil, nil
	}
	return own, left4me.NewError(left4me.Invalid, "address.from_host"), nil
}

// listed checks whether Steam's server list contains the server. Players who have the address can
// join without the list.
func (w *walk) listed(ctx context.Context) left4me.Check {
	const name = "Steam's list"
	switch {
	case w.Steam == nil:
		return nothing
	case !w.public.IsValid():
		return left4me.NewCheck(left4me.CheckSkipped, name, "list.not_checked")
	}
	ports, err := w.Steam.Listed(ctx, w.public)
	switch {
	case err != nil:
		return left4me.NewCheck(left4me.CheckSkipped, name, "list.unreadable", "reason", left4me.ReasonOf(err))
	case slices.Contains(ports, w.Wanted):
		return left4me.NewCheck(left4me.CheckOK, name, "list.ok", "address", netip.AddrPortFrom(w.public, uint16(w.Wanted)))
	case len(ports) > 0:
		return left4me.NewCheck(left4me.CheckWarn, name, "list.other_ports", "address", w.public, "port", w.Wanted,
			"ports", strings.Trim(fmt.Sprint(ports), "[]"), "command", w.restart())
	}
	return left4me.NewCheck(left4me.CheckWarn, name, "list.missing", "address", w.public)
}

// version checks whether players have a newer version of the game than the server.
func (w *walk) version(ctx context.Context) left4me.Check {
	const name = "version"
	update := left4me.Commands("left4me game update")
	if w.printed.outdated {
		return left4me.NewCheck(left4me.CheckBroken, name, "version.outdated", "version", w.info.Version,
			"update", update, "command", w.restart())
	}
	if w.Steam == nil {
		return left4me.NewCheck(left4me.CheckOK, name, "version.ok", "version", w.info.Version)
	}
	newer, outdated, err := w.Steam.Outdated(ctx, w.info.Version)
	switch {
	case err != nil:
		return left4me.NewCheck(left4me.CheckSkipped, name, "version.unchecked", "version", w.info.Version, "reason", left4me.ReasonOf(err))
	case outdated:
		return left4me.NewCheck(left4me.CheckBroken, name, "version.older", "version", w.info.Version, "newest", newer,
			"update", update, "command", w.restart())
	}
	return left4me.NewCheck(left4me.CheckOK, name, "version.newest", "version", w.info.Version)
}
