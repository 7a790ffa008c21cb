package steam

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
)

// Server is a game server as Steam sees it.
type Server struct {
	Addr    netip.AddrPort // where it answers queries
	SteamID string         // 64 bits
	App     int
	GameDir string
	Region  int
	Secure  bool // VAC
	LAN     bool // it says of itself that it is only for its network
	Port    int  // of the game
}

// maxServers bounds what is kept of an answer; there are no more ports.
const maxServers = 65536

// ServersAt asks which servers Steam sees at an address: all of it, or those of one port when it isn't 0
// (ISteamApps/GetServersAtAddress). A server that runs and isn't among them is not listed by Steam. Servers whose address
// can't be understood are left out.
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

// serverMessage is a server in Steam's words; ids come as numbers or as text.
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

// text is a string that may come as a number.
type text string

// UnmarshalJSON takes "1" and 1.
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
