package session

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/left4me/left4me/internal/web/format"
)

// Address is where a request comes from; the zero value when that isn't known. A
// proxy on this machine speaks for others: the last address that it tells is the
// one that it saw itself. One that tells something else is warned of once: all who
// come through it count as one address then, and whoever guesses passwords holds
// up the others.
func (s *Sessions) Address(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	peer := ap.Addr().Unmap()
	told := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	if told == "" || !peer.IsLoopback() {
		return peer
	}
	last := strings.TrimSpace(told[strings.LastIndexByte(told, ',')+1:])
	from, ok := forwarded(last)
	if !ok {
		s.unreadable.Do(func() {
			s.Log.WarnContext(r.Context(),
				"the proxy sends a header X-Forwarded-For that is no address; all who come through it are slowed down together "+
					"after wrong passwords",
				"header", format.Visible(last[:min(len(last), 100)]), "want", "203.0.113.7, 203.0.113.7:4711 or [2001:db8::1]:443")
		})
		return peer
	}
	return from
}

// forwarded reads an address as proxies write it: alone or with a port, as Azure
// Application Gateway sends it, and IPv6 in brackets or not.
func forwarded(s string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	if inner, ok := strings.CutPrefix(s, "["); ok {
		s, ok = strings.CutSuffix(inner, "]")
		if !ok {
			return netip.Addr{}, false
		}
	}
	a, err := netip.ParseAddr(s)
	return a.Unmap().WithZone(""), err == nil
}
