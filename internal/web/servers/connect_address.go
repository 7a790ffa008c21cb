package servers

import (
	"cmp"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/control/servers"
)

// connectAddress is where players reach a server: at the address that was set, else
// on the machine that the browser reached the panel on. There is one host so far.
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
