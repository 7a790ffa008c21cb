package a2s

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// Player is an entry of an A2S_PLAYER reply. Entries are in the order sent by the server; the name is
// the only identifier.
type Player struct {
	Index    uint8  // always 0 on Source servers
	Name     string // empty while the player is connecting
	Score    int32
	Duration time.Duration // time since the player connected, never negative
}

// ParsePlayers parses an A2S_PLAYER reply. A server truncates a long list at the end of the datagram;
// ParsePlayers then returns the complete entries without an error.
func ParsePlayers(b []byte) ([]Player, error) {
	return ParsePlayersInto(b, nil)
}

// ParsePlayersInto is like ParsePlayers but overwrites the memory of an earlier result. A name that
// equals the earlier name at the same index is kept, so polling an unchanged server allocates nothing.
func ParsePlayersInto(b []byte, earlier []Player) ([]Player, error) {
	kind, rest, ok := cutHeader(b)
	if !ok || kind != ReplyPlayers || len(rest) < 1 {
		return earlier[:0], fmt.Errorf("a2s: players: %w", ErrMalformed)
	}
	r := reader{b: rest}
	players := earlier[:0]
	for n := r.u8(); n > 0; n-- {
		var p Player
		if len(players) < cap(players) {
			p.Name = players[:len(players)+1][len(players)].Name
		}
		p.Index = r.u8()
		r.text(&p.Name)
		p.Score = int32(r.u32())
		p.Duration = seconds(math.Float32frombits(r.u32()))
		if r.short {
			break
		}
		players = append(players, p)
	}
	return players, nil
}

// AppendPlayers appends an A2S_PLAYER reply with at most 255 entries. It does not enforce
// [MaxDatagram].
func AppendPlayers(dst []byte, players []Player) []byte {
	players = players[:min(len(players), math.MaxUint8)]
	dst = append(dst, single...)
	dst = append(dst, ReplyPlayers, byte(len(players)))
	for _, p := range players {
		dst = append(dst, p.Index)
		dst = appendString(dst, p.Name)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(p.Score))
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(p.Duration.Seconds())))
	}
	return dst
}

// seconds converts any float from the network to a duration. NaN and negative values become 0.
func seconds(f float32) time.Duration {
	switch s := float64(f) * float64(time.Second); {
	case !(s > 0):
		return 0
	case s >= math.MaxInt64:
		return math.MaxInt64
	default:
		return time.Duration(s)
	}
}
