package session

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/left4me/left4me/internal/web/format"
)

// Address returns the client address of a request, or the zero value if it is unknown. If the peer is a
// loopback address, it is a proxy, and the last address in X-Forwarded-For is the one that the proxy
// saw. If that header is malformed, a warning is logged once: all clients of the proxy then count as one
// address, so that one who guesses passwords slows down the others.
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

// forwarded parses an address as proxies write it: with or without a port, which Azure Application
// Gateway adds, and IPv6 with or without brackets.
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
