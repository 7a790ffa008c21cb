package download

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// ParseAllow parses exceptions of the form HOST:PORT. HOST is a name or an address; IPv6 addresses
// need brackets. Errors: left4me.Invalid.
func ParseAllow(list []string) (map[string]bool, error) {
	allowed := map[string]bool{}
	for _, s := range list {
		host, port, err := net.SplitHostPort(s)
		if n, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil || n == 0 || host == "" ||
			strings.ContainsAny(host, "/@ ") {
			return nil, left4me.NewError(left4me.Invalid, "download.allow_invalid", "value", s).InField("LEFT4ME_DOWNLOAD_ALLOW")
		}
		allowed[net.JoinHostPort(strings.ToLower(host), port)] = true
	}
	return allowed, nil
}

// newHTTP returns an HTTP client that only connects to permitted addresses. It uses HTTP/1.1
// because a connection per download keeps downloads independent of each other's flow control and
// allows large reads directly from the socket.
func (c *Client) newHTTP() *http.Client {
	guarded := &net.Dialer{
		Timeout: c.o.Stall, KeepAlive: 15 * time.Second,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err == nil && !onInternet(at.Addr()) {
				err = &forbidden{at.Addr()}
			}
			return err
		},
	}
	open := &net.Dialer{Timeout: c.o.Stall, KeepAlive: 15 * time.Second}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				if c.allowed[strings.ToLower(address)] {
					return open.DialContext(ctx, network, address)
				}
				return guarded.DialContext(ctx, network, address)
			},
			Protocols: protocols, DisableCompression: true, MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: c.o.Stall, ResponseHeaderTimeout: c.o.Stall, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(to *http.Request, via []*http.Request) error {
			if len(via) > redirects {
				return failure(Refused, left4me.NewError(left4me.Unavailable, "download.redirects", "url", short(via[0].URL.String())), nil)
			}
			if from := via[len(via)-1].URL; from.Scheme == "https" && to.URL.Scheme == "http" && !c.allowed[hostPort(to.URL)] {
				return failure(Refused, left4me.NewError(left4me.Unavailable, "download.redirect_insecure", "url",
					short(via[0].URL.String()), "to", short(to.URL.String())), nil)
			}
			to.Header.Del("Referer")
			return c.checkURL(to.URL.String())
		},
	}
}

// forbidden is the error for a connection to an address that is not permitted.
type forbidden struct{ at netip.Addr }

func (f *forbidden) Error() string {
	return fmt.Sprintf("%s is an address of this machine or of its network", f.at)
}

// refusal converts a forbidden error to one for users, and returns nil for other errors.
func refusal(address string, err error) error {
	var f *forbidden
	if !errors.As(err, &f) {
		return nil
	}
	e := left4me.NewError(left4me.Unavailable, "download.private_address", "url", short(address), "address", f.at)
	var ue *url.Error
	if errors.As(err, &ue) && ue.URL != address {
		e = left4me.NewError(left4me.Unavailable, "download.redirect_private", "url", short(address), "to", short(ue.URL),
			"address", f.at)
	}
	return failure(Refused, e, err)
}

// checkURL rejects URLs without resolving their host.
func (c *Client) checkURL(address string) error {
	u, err := url.Parse(address)
	var why *left4me.Error
	switch shown := short(address); {
	case err != nil || len(address) > 4096:
		why = left4me.NewError(left4me.Unavailable, "download.no_address", "url", shown)
	case u.Scheme != "http" && u.Scheme != "https":
		why = left4me.NewError(left4me.Unavailable, "download.scheme", "url", shown)
	case u.Hostname() == "":
		why = left4me.NewError(left4me.Unavailable, "download.no_host", "url", shown)
	case u.User != nil:
		why = left4me.NewError(left4me.Unavailable, "download.user_in_address", "url", shown)
	default:
		return nil
	}
	return failure(Refused, why, err)
}

// hostPort returns HOST:PORT of a URL, with the default port of its scheme if it has none.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

func prefixes(list ...string) []netip.Prefix {
	p := make([]netip.Prefix, len(list))
	for i, s := range list {
		p[i] = netip.MustParsePrefix(s)
	}
	return p
}

var (
	// Special-purpose addresses from the IANA registries (RFC 6890 and its successors), and the
	// address at which Azure virtual machines reach their host.
	special4 = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
		"192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32")
	// IPv6 global unicast addresses are public, except for tunnelling and documentation prefixes.
	global6  = netip.MustParsePrefix("2000::/3")
	special6 = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "2620:4f:8000::/48")
	nat64    = netip.MustParsePrefix("64:ff9b::/96")
)

// onInternet reports whether an address is public: neither special-purpose nor one of this machine.
func onInternet(a netip.Addr) bool {
	if a.Zone() != "" {
		return false
	}
	a = a.Unmap()
	if nat64.Contains(a) { // check the embedded IPv4 address
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	in := func(p netip.Prefix) bool { return p.Contains(a) }
	if a.Is4() && slices.ContainsFunc(special4, in) || a.Is6() && (!global6.Contains(a) || slices.ContainsFunc(special6, in)) {
		return false
	}
	return !isLocal(a)
}

// isLocal reports whether the address is assigned to this machine. Services listening on it may trust
// local connections. It returns true if the addresses can't be listed.
func isLocal(a netip.Addr) bool {
	addrs, err := net.InterfaceAddrs()
	return err != nil || slices.ContainsFunc(addrs, func(x net.Addr) bool {
		n, ok := x.(*net.IPNet)
		if !ok {
			return false
		}
		is, ok := netip.AddrFromSlice(n.IP)
		return ok && is.Unmap() == a
	})
}
