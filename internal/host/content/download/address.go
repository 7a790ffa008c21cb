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

// ParseAllow reads exceptions: HOST:PORT with a name or an address; an IPv6
// address stands in brackets. Errors: left4me.Invalid.
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

// newHTTP makes the client that connects to nothing it shouldn't. HTTP/1.1 on
// purpose: with a connection for each download, one doesn't wait for another's
// window, and large reads come straight from the socket.
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

// forbidden is the refusal of a connection.
type forbidden struct{ at netip.Addr }

func (f *forbidden) Error() string {
	return fmt.Sprintf("%s is an address of this machine or of its network", f.at)
}

// refusal gives words to a refused connection; nil when err is another failure.
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

// checkURL refuses addresses that are not even looked up.
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

// hostPort is where an address leads, with the port of its scheme.
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
	// What the registries of special addresses list (RFC 6890 and its successors),
	// and the address at which virtual machines of Azure find their host.
	special4 = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
		"192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32")
	// Of IPv6 only global unicast is the internet, without what tunnels and
	// documentation have of it.
	global6  = netip.MustParsePrefix("2000::/3")
	special6 = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "2620:4f:8000::/48")
	nat64    = netip.MustParsePrefix("64:ff9b::/96")
)

// onInternet reports whether an address is one of the internet, and not of this
// machine, its network, its provider or nobody.
func onInternet(a netip.Addr) bool {
	if a.Zone() != "" {
		return false
	}
	a = a.Unmap()
	if nat64.Contains(a) { // leads to an IPv4 address, which is in it
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	in := func(p netip.Prefix) bool { return p.Contains(a) }
	if a.Is4() && slices.ContainsFunc(special4, in) || a.Is6() && (!global6.Contains(a) || slices.ContainsFunc(special6, in)) {
		return false
	}
	return !ours(a)
}

// ours reports whether this machine has the address itself: what listens there
// may take us for a neighbour.
func ours(a netip.Addr) bool {
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
