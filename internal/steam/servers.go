package steam

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
)

// Server is a game server in Steam's list.
type Server struct {
	Addr    netip.AddrPort // address and port for queries
	SteamID string         // 64-bit id in decimal
	App     int
	GameDir string
	Region  int
	Secure  bool // VAC
	LAN     bool // the server declares itself LAN-only
	Port    int  // game port
}

// maxServers limits the servers read from an answer; an address has no more ports.
const maxServers = 65536

// ServersAt returns the servers that Steam lists at an address, on one port or, if port is 0, on
// all (ISteamApps/GetServersAtAddress). Steam does not list a running server that is missing from
// the answer. Servers with an invalid address are left out.
func (c *Client) ServersAt(ctx context.Context, addr netip.Addr, port uint16) ([]Server, error) {
	const call = "ISteamApps/GetServersAtAddress"
	at := addr.String()
	if port != 0 {
		at = netip.AddrPortFrom(addr, port).String()
	}
	var r struct {
		Success bool            `json:"success"`
		Message string          `json:"message"`
		Servers []serverMessage `json:"servers"`
	}
	if err := c.get(ctx, call, url.Values{"addr": {at}}, &r); err != nil {
		return nil, err
	}
	if !r.Success {
		return nil, &Error{Call: call, Err: fmt.Errorf("%w: %.200s", ErrUnsupported, r.Message)}
	}
	servers := []Server{}
	for _, m := range r.Servers {
		if s, ok := m.server(); ok && len(servers) < maxServers {
			servers = append(servers, s)
		}
	}
	return servers, nil
}

// serverMessage is a server in Steam's answer. Ids may be numbers or strings.
type serverMessage struct {
	Addr    string `json:"addr"`
	SteamID text   `json:"steamid"`
	App     int    `json:"appid"`
	GameDir string `json:"gamedir"`
	Region  int    `json:"region"`
	Secure  bool   `json:"secure"`
	LAN     bool   `json:"lan"`
	Port    int    `json:"gameport"`
}

func (m serverMessage) server() (Server, bool) {
	addr, err := netip.ParseAddrPort(m.Addr)
	return Server{
		Addr: addr, SteamID: string(m.SteamID), App: m.App, GameDir: m.GameDir, Region: m.Region, Secure: m.Secure, LAN: m.LAN,
		Port: m.Port,
	}, err == nil && m.Port >= 0 && m.Port <= 65535
}

// text is a string that may be encoded as a number.
type text string

// UnmarshalJSON accepts "1" and 1.
func (t *text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var s string
		err := json.Unmarshal(b, &s)
		*t = text(s)
		return err
	}
	if _, err := strconv.ParseFloat(string(b), 64); err != nil && string(b) != "null" {
		return fmt.Errorf("%s is neither text nor a number", b)
	}
	*t = text(b)
	return nil
}
