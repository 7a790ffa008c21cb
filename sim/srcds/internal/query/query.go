// Package query answers the server queries (A2S) of the simulated server.
//
// Every request needs a challenge. It is the same for all three kinds and valid for an address for at
// least a minute, longer than any client waits. Replies over 1400 bytes are split, never compressed.
package query

import (
	"hash/maphash"
	"net/netip"
	"time"

	"github.com/left4me/left4me/source/a2s"
)

// State supplies the content of the answers.
type State interface {
	Info() a2s.Info
	Players() []a2s.Player
	Rules() []a2s.Rule
}

// Responder answers requests. It is not safe for concurrent use.
type Responder struct {
	// Limit is the number of requests that one address may send within Window; further ones are
	// ignored. Zero means no limit.
	Limit  int
	Window time.Duration

	seed    maphash.Seed
	splitID uint32
	asked   map[netip.Addr][]time.Time
}

// New returns a responder without a limit.
func New() *Responder {
	return &Responder{seed: maphash.MakeSeed(), asked: map[netip.Addr][]time.Time{}}
}

// Answer returns the datagrams that answer a request, none for an invalid request.
func (r *Responder) Answer(request []byte, from netip.AddrPort, now time.Time, s State) [][]byte {
	q, err := a2s.ParseRequest(request)
	if err != nil || r.tooMany(from.Addr(), now) {
		return nil
	}
	if !q.HasChallenge || !r.valid(q.Challenge, from, now) {
		return [][]byte{a2s.AppendChallenge(nil, r.challenge(from, now, 0))}
	}
	var reply []byte
	switch q.Kind {
	case a2s.KindInfo:
		reply = a2s.AppendInfo(nil, s.Info())
	case a2s.KindPlayers:
		reply = a2s.AppendPlayers(nil, s.Players())
	case a2s.KindRules:
		reply = a2s.AppendRules(nil, s.Rules())
	}
	if len(reply) <= a2s.MaxDatagram {
		return [][]byte{reply}
	}
	// Some clients take bit 15 of the ID as the mark of a compressed reply.
	r.splitID = r.splitID%0x7fff + 1
	return a2s.Split(reply, r.splitID, a2s.SplitSize)
}

const challengeLife = time.Minute

// challenge is derived from the address and the minute, so no state has to be kept per client.
func (r *Responder) challenge(from netip.AddrPort, now time.Time, ago int64) uint32 {
	type key struct {
		from netip.AddrPort
		life int64
	}
	c := uint32(maphash.Comparable(r.seed, key{from, now.Unix()/int64(challengeLife/time.Second) - ago}))
	if c == 0 || c == a2s.NoChallenge { // both mean that there is no challenge
		return 1
	}
	return c
}

func (r *Responder) valid(challenge uint32, from netip.AddrPort, now time.Time) bool {
	return challenge == r.challenge(from, now, 0) || challenge == r.challenge(from, now, 1)
}

func (r *Responder) tooMany(from netip.Addr, now time.Time) bool {
	if r.Limit <= 0 {
		return false
	}
	recent := r.asked[from]
	for len(recent) > 0 && now.Sub(recent[0]) > r.Window {
		recent = recent[1:]
	}
	if len(recent) >= r.Limit {
		r.asked[from] = recent
		return true
	}
	const addresses = 1024 // addresses to remember; above that the memory is cleared
	if len(r.asked) > addresses {
		clear(r.asked)
	}
	r.asked[from] = append(recent, now)
	return false
}
