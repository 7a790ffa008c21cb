// Package poller queries the servers of a host over A2S. It uses one socket for all servers,
// queries each server every few seconds, and allocates no memory for unchanged answers.
//
// The poller reports answers and their times, never that a server is down: a server that loads a
// map does not answer either.
package poller

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/periodic"
	"github.com/left4me/left4me/source/a2s"
)

// Interval is the time between two queries of a server. Servers drop more than three queries per
// second from one address.
const Interval = 3 * time.Second

// Sample holds the latest answers of a server. Players is complete and in the server's order.
type Sample struct {
	Info    a2s.Info
	Players []a2s.Player
	At      time.Time
}

// Poller queries the servers set with [Poller.Set] on the loopback address while [Poller.Run] runs.
type Poller struct {
	conn    *net.UDPConn
	changed func(left4me.Name, Sample)

	mu      sync.Mutex
	targets map[uint16]*target // targets by port
}

type target struct {
	name      left4me.Name
	challenge uint32
	sample    Sample
	info      a2s.Info // buffer for parsing, reused to keep its strings
	infoBytes []byte   // the last answers as received, to detect changes
	plyrBytes []byte
	// Queries without an answer. Each pass accepts one answer per kind and one new challenge, so
	// that a hostile server cannot cause unlimited work.
	wantInfo, wantPlayers, wantChallenge bool
}

// New opens the socket. changed receives every changed answer. It is never called concurrently and
// must not block.
func New(changed func(left4me.Name, Sample)) (*Poller, error) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("live: %w", err)
	}
	return &Poller{conn: conn, changed: changed, targets: map[uint16]*target{}}, nil
}

// Set starts querying the server on a port immediately. It replaces a server with another name on
// the same port.
func (p *Poller) Set(name left4me.Name, port int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.targets[uint16(port)]; t != nil && t.name == name {
		return
	}
	p.targets[uint16(port)] = &target{name: name, challenge: a2s.NoChallenge, wantInfo: true, wantPlayers: true, wantChallenge: true}
	p.send(nil, uint16(port), a2s.KindInfo, a2s.NoChallenge)
}

// Drop stops querying a server.
func (p *Poller) Drop(name left4me.Name) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for port, t := range p.targets {
		if t.name == name {
			delete(p.targets, port)
		}
	}
}

// Run queries servers until ctx ends, then closes the socket.
func (p *Poller) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { p.conn.Close() })
	defer stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.ask(ctx)
	}()
	err := p.listen()
	<-done
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (p *Poller) ask(ctx context.Context) {
	var buf []byte
	type query struct {
		port      uint16
		challenge uint32
		players   bool
	}
	var queries []query
	periodic.Run(ctx, periodic.Schedule{Every: Interval, AtOnce: true}, func(context.Context) {
		queries = queries[:0]
		p.mu.Lock()
		for port, t := range p.targets {
			t.wantInfo, t.wantPlayers, t.wantChallenge = true, true, true
			queries = append(queries, query{port, t.challenge, t.sample.Info.Players > 0 || len(t.sample.Players) > 0})
		}
		p.mu.Unlock()
		for _, q := range queries {
			buf = p.send(buf, q.port, a2s.KindInfo, q.challenge)
			if q.players {
				buf = p.send(buf, q.port, a2s.KindPlayers, q.challenge)
			}
		}
	})
}

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// send ignores errors, for example of a server that has ended; the agent reports its state.
func (p *Poller) send(buf []byte, port uint16, kind byte, challenge uint32) []byte {
	buf = a2s.AppendRequest(buf[:0], kind, challenge)
	_, _ = p.conn.WriteToUDPAddrPort(buf, netip.AddrPortFrom(loopback, port))
	return buf
}

func (p *Poller) listen() error {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := p.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			continue // ICMP error from the port of a server that has ended
		}
		p.handle(from.Port(), buf[:n])
	}
}

// handle handles one answer. It ignores invalid ones, because every process on this machine can send
// packets.
func (p *Poller) handle(port uint16, b []byte) {
	p.mu.Lock()
	t := p.targets[port]
	if t == nil {
		p.mu.Unlock()
		return
	}
	news, again := t.handle(b)
	name, sample, challenge := t.name, t.sample, t.challenge
	p.mu.Unlock()
	for _, kind := range again {
		p.send(nil, port, kind, challenge)
	}
	if news {
		sample.Players = slices.Clone(sample.Players)
		p.changed(name, sample)
	}
}

// handle updates the target. It reports whether the sample changed, and which queries to send now.
func (t *target) handle(b []byte) (news bool, again []byte) {
	now := time.Now()
	switch a2s.ReplyOf(b) {
	case a2s.ReplyChallenge:
		c, err := a2s.ParseChallenge(b)
		if err != nil || !t.wantChallenge {
			return false, nil
		}
		t.challenge, t.wantChallenge = c, false
		return false, []byte{a2s.KindInfo}
	case a2s.ReplyInfo:
		if !t.wantInfo {
			return false, nil
		}
		t.sample.At, t.wantInfo = now, false
		if bytes.Equal(b, t.infoBytes) {
			return false, nil
		}
		if err := a2s.ParseInfoInto(b, &t.info); err != nil {
			return false, nil
		}
		t.infoBytes = append(t.infoBytes[:0], b...)
		t.sample.Info = t.info
		return true, []byte{a2s.KindPlayers}
	case a2s.ReplyPlayers:
		if !t.wantPlayers {
			return false, nil
		}
		t.sample.At, t.wantPlayers = now, false
		if bytes.Equal(b, t.plyrBytes) {
			return false, nil
		}
		players, err := a2s.ParsePlayers(b)
		if err != nil {
			return false, nil
		}
		t.plyrBytes = append(t.plyrBytes[:0], b...)
		t.sample.Players = players
		return true, nil
	}
	return false, nil
}
