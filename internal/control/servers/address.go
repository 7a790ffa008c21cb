package servers

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// PublicAddress holds the host name or IP address that players connect to, by source. The first source
// that is not empty is used.
type PublicAddress struct {
	Setting     string // set by a user
	Environment string // LEFT4ME_PUBLIC_ADDRESS
	Detected    string // source address of the host's packets to the internet
}

// Host returns the current address, or "" if none is known.
func (a PublicAddress) Host() string { return cmp.Or(a.Setting, a.Environment, a.Detected) }

// Source returns the source of the current address: "setting", "environment" or "host"; empty if
// none is known.
func (a PublicAddress) Source() string {
	switch {
	case a.Setting != "":
		return "setting"
	case a.Environment != "":
		return "environment"
	case a.Detected != "":
		return "host"
	}
	return ""
}

// Private reports whether only players in the same network can connect to the current address.
func (a PublicAddress) Private() bool {
	at, err := netip.ParseAddr(a.Host())
	return err == nil && (at.IsPrivate() || at.IsLoopback() || at.IsLinkLocalUnicast())
}

// Addresses manages the address that players connect to. It is safe for concurrent use.
type Addresses struct{ servers *Servers }

// Addresses returns access to the public address; the value may be copied.
func (s *Servers) Addresses() Addresses { return Addresses{s} }

// SetEnvironment sets the address from the environment. It must be called before all other methods.
func (s Addresses) SetEnvironment(host string) { s.servers.environmentAddress = host }

// Get returns the address that players connect to.
func (s Addresses) Get(ctx context.Context) (PublicAddress, error) {
	host, err := s.servers.storage.Site().Address(ctx)
	return s.of(host, s.servers.hosts.Default()), err
}

// of returns the address for servers of a host; setting is the address set by a user.
func (s Addresses) of(setting string, host left4me.Name) PublicAddress {
	return PublicAddress{setting, s.servers.environmentAddress, s.servers.status.address(host)}
}

// Set saves the address that players connect to; empty removes the setting. Errors: left4me.Invalid for
// the field "address".
func (s Addresses) Set(ctx context.Context, by left4me.Actor, host string) (PublicAddress, error) {
	host = strings.TrimSpace(host)
	if !validHost(host) {
		return PublicAddress{}, left4me.NewError(left4me.Invalid, "address.invalid", "address", host).InField("address")
	}
	if err := s.servers.storage.By(by).Site().SetAddress(ctx, host); err != nil {
		return PublicAddress{}, err
	}
	s.servers.log.InfoContext(ctx, "public address changed", "by", by.String())
	return s.Get(ctx)
}

// validHost reports whether s is empty, an IP address, or consists of the characters of a host name.
func validHost(s string) bool {
	if at, err := netip.ParseAddr(s); s == "" || err == nil {
		return s == "" || at.Zone() == ""
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") ||
			strings.Trim(strings.ToLower(label), "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return len(s) <= 253
}

// address returns the address that a host reported, or "".
func (l *statuses) address(host left4me.Name) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.addresses[host]
}

// setAddress records the address that a host reported.
func (l *statuses) setAddress(host left4me.Name, address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := netip.ParseAddr(address); err == nil {
		l.addresses[host] = address
	}
}

// Address returns the address of a server with its port, such as play.example.org:27015; empty if no
// host is known.
func (v View) Address() string {
	host := v.Public.Host()
	if host == "" {
		return ""
	}
	return net.JoinHostPort(host, strconv.Itoa(cmp.Or(v.Status.Port, v.Port)))
}

// Connection describes how players connect to a server, in the form that one user may read.
type Connection struct {
	Address  string // empty if the public address is unknown
	Password string // empty without a password, or if the user may not read it
	Secret   bool   // the server has a password that the user may not read
}

// ConnectionFor returns how players connect to a server. It contains the password for users who may
// configure the object that sets it.
func (v View) ConnectionFor(who accounts.Actor) Connection {
	c := Connection{Address: v.Address()}
	password, source := v.Settings.Password, v.Target()
	if password == "" {
		password, source = v.base.Settings.Password, v.base.Target()
	}
	if password == "" {
		return c
	}
	if accounts.Allow(who, accounts.Configure, source) != nil {
		c.Secret = true
		return c
	}
	c.Password = password
	return c
}

// Command returns the console command that connects to the server, or "" if the address is unknown.
func (c Connection) Command() string {
	switch {
	case c.Address == "":
		return ""
	case c.Password != "":
		return `password "` + c.Password + `"; connect ` + c.Address
	}
	return "connect " + c.Address
}

// Link returns a link that opens the game and connects to the server, or "" if the address is unknown.
func (c Connection) Link() string {
	switch {
	case c.Address == "":
		return ""
	case c.Password != "":
		return "steam://connect/" + c.Address + "/" + url.PathEscape(c.Password)
	}
	return "steam://connect/" + c.Address
}
