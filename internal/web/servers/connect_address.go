package servers

import (
	"cmp"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/control/servers"
)

// connectAddress returns the address that players connect to. Its host is PublicAddress, or
// else the host of the request's URL, because there is only one host so far.
func (p *Pages) connectAddress(r *http.Request, v servers.View) string {
	host := cmp.Or(p.PublicAddress, r.Host)
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	port := v.Port
	if v.Status.Port > 0 {
		port = v.Status.Port
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(port))
}
