// Package remote is the remote console (RCON) of the simulated server.
//
// It answers as the engine does: two packets for a password, the first of them empty; as many packets
// as needed for the output of a command; a mirrored packet and another one for an empty RESPONSE_VALUE,
// by which clients find the end of the output; and a ban for too many wrong passwords, until the
// process ends if the penalty is 0.
package remote

import (
	"bufio"
	"net"
	"net/netip"
	"time"

	"github.com/left4me/left4me/source/rcon"
)

// Engine is the server behind the remote console. Its methods are called from several goroutines and
// block until the server handles the call.
type Engine interface {
	// Settings is called before each use, so changes take effect immediately.
	Settings() Settings
	// Exec runs a command and returns its output.
	Exec(from netip.AddrPort, command string) string
	// Refused is called for a wrong password, Banned for the ban that follows.
	Refused(from netip.AddrPort)
	Banned(from netip.Addr)
}

// Settings are the settings of the remote console.
type Settings struct {
	Password   string // empty refuses all clients
	Generation int    // changes with the password
	Policy
}

// authGap separates the two packets that answer a password into two TCP segments, as the frames of real
// servers do.
const authGap = 20 * time.Millisecond

// Serve accepts connections until the listener is closed.
func Serve(l net.Listener, e Engine) {
	bans := newBans()
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go serveConn(c, e, bans)
	}
}

type conn struct {
	net.Conn
	engine Engine
	bans   *bans
	from   netip.AddrPort

	authenticated bool
	generation    int // generation of the accepted password
}

func serveConn(c net.Conn, e Engine, b *bans) {
	defer c.Close()
	from, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return
	}
	s := &conn{Conn: c, engine: e, bans: b, from: netip.AddrPortFrom(from.Addr().Unmap(), from.Port())}
	if b.banned(s.from.Addr(), time.Now()) {
		return
	}
	in := bufio.NewReaderSize(c, 512)
	for {
		p, err := rcon.ReadPacket(in)
		if err != nil || !s.answer(p) {
			return
		}
	}
}

// answer answers a packet and reports whether the connection stays open.
func (c *conn) answer(p rcon.Packet) bool {
	switch p.Type {
	case rcon.Auth:
		return c.auth(p)
	case rcon.ExecCommand:
		settings := c.engine.Settings()
		if !c.authenticated || c.generation != settings.Generation {
			c.send(rcon.Packet{ID: rcon.AuthFailed, Type: rcon.AuthResponse})
			return false
		}
		return c.sendText(p.ID, c.engine.Exec(c.from, p.Body))
	case rcon.ResponseValue:
		return c.send(rcon.Packet{ID: p.ID, Type: rcon.ResponseValue, Body: p.Body}) &&
			c.send(rcon.Packet{ID: p.ID, Type: rcon.ResponseValue, Body: "\x00\x01\x00\x00"})
	}
	return true
}

func (c *conn) auth(p rcon.Packet) bool {
	settings := c.engine.Settings()
	id := p.ID
	c.authenticated = settings.Password != "" && p.Body == settings.Password
	c.generation = settings.Generation
	banned := false
	if !c.authenticated {
		id = rcon.AuthFailed
		c.engine.Refused(c.from)
		if banned = c.bans.failed(c.from.Addr(), time.Now(), settings.Policy); banned {
			c.engine.Banned(c.from.Addr())
		}
	}
	if !c.send(rcon.Packet{ID: p.ID, Type: rcon.ResponseValue}) {
		return false
	}
	time.Sleep(authGap)
	return c.send(rcon.Packet{ID: id, Type: rcon.AuthResponse}) && !banned
}

// sendText sends text in as many packets as it needs, at least one.
func (c *conn) sendText(id int32, text string) bool {
	for {
		n := min(len(text), rcon.MaxBody)
		if !c.send(rcon.Packet{ID: id, Type: rcon.ResponseValue, Body: text[:n]}) {
			return false
		}
		if text = text[n:]; text == "" {
			return true
		}
	}
}

func (c *conn) send(p rcon.Packet) bool {
	_, err := c.Write(rcon.AppendPacket(nil, p))
	return err == nil
}
