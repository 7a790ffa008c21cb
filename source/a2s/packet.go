package a2s

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Request kinds: the byte after the ff ff ff ff header of a request.
const (
	KindInfo    byte = 'T'
	KindPlayers byte = 'U'
	KindRules   byte = 'V'
)

// Reply kinds: the byte after the ff ff ff ff header of a reply. ReplySplit is not such a byte; it
// stands for a datagram that contains a fragment and must be passed to an [Assembler].
const (
	ReplyChallenge byte = 'A'
	ReplyInfo      byte = 'I'
	ReplyPlayers   byte = 'D'
	ReplyRules     byte = 'E'
	ReplySplit     byte = 0xfe
)

// NoChallenge as the challenge of a request asks the server to send one.
const NoChallenge uint32 = 0xffffffff

// MaxDatagram is the size in bytes above which servers split a reply.
const MaxDatagram = 1400

var (
	// ErrMalformed is returned for a packet that does not follow the format.
	ErrMalformed = errors.New("malformed packet")
	// ErrTooLarge is returned for a split reply that exceeds the limits of [Assembler].
	ErrTooLarge = errors.New("reply too large")
	// ErrChallenge is returned if a server answers every request with another challenge.
	ErrChallenge = errors.New("too many challenges")
)

const (
	single = "\xff\xff\xff\xff"
	split  = "\xfe\xff\xff\xff"
	query  = "Source Engine Query\x00"
)

// Request is a query received by a server.
type Request struct {
	Kind         byte   // KindInfo, KindPlayers or KindRules
	Challenge    uint32 // as sent; NoChallenge if absent
	HasChallenge bool   // false if the client requests a challenge: none sent, 00000000 or ffffffff
}

// ParseRequest parses a query. It ignores trailing bytes, as servers do. It returns ErrMalformed for
// any other kind of request.
func ParseRequest(b []byte) (Request, error) {
	kind, rest, ok := cutHeader(b)
	if !ok {
		return Request{}, fmt.Errorf("a2s: request: %w", ErrMalformed)
	}
	switch kind {
	case KindInfo:
		if len(rest) < len(query) || string(rest[:len(query)]) != query {
			return Request{}, fmt.Errorf("a2s: info request: %w", ErrMalformed)
		}
		rest = rest[len(query):]
	case KindPlayers, KindRules:
	default:
		return Request{}, fmt.Errorf("a2s: request of kind %#02x: %w", kind, ErrMalformed)
	}
	r := Request{Kind: kind, Challenge: NoChallenge}
	if len(rest) >= 4 {
		r.Challenge = binary.LittleEndian.Uint32(rest)
		r.HasChallenge = r.Challenge != NoChallenge && r.Challenge != 0
	}
	return r, nil
}

// AppendRequest appends a query. With [NoChallenge], an info query has its short form of 25 bytes; the
// other kinds have ff ff ff ff as the challenge.
func AppendRequest(dst []byte, kind byte, challenge uint32) []byte {
	dst = append(dst, single...)
	dst = append(dst, kind)
	if kind == KindInfo {
		dst = append(dst, query...)
		if challenge == NoChallenge {
			return dst
		}
	}
	return binary.LittleEndian.AppendUint32(dst, challenge)
}

// AppendChallenge appends the reply that asks the client to repeat its request with this challenge.
func AppendChallenge(dst []byte, challenge uint32) []byte {
	dst = append(dst, single...)
	dst = append(dst, ReplyChallenge)
	return binary.LittleEndian.AppendUint32(dst, challenge)
}

// ParseChallenge parses a challenge reply.
func ParseChallenge(b []byte) (uint32, error) {
	kind, rest, ok := cutHeader(b)
	if !ok || kind != ReplyChallenge || len(rest) < 4 {
		return 0, fmt.Errorf("a2s: challenge: %w", ErrMalformed)
	}
	return binary.LittleEndian.Uint32(rest), nil
}

// ReplyOf returns the kind of a datagram from a server: one of the Reply constants, another byte for a
// reply that this package does not support, or 0 if the datagram is not a reply.
func ReplyOf(b []byte) byte {
	if kind, _, ok := cutHeader(b); ok {
		if kind == ReplySplit {
			return 0
		}
		return kind
	}
	if len(b) >= splitHeader && string(b[:4]) == split {
		return ReplySplit
	}
	return 0
}

// replyTo returns the kind of reply that answers a request of the given kind.
func replyTo(kind byte) byte {
	switch kind {
	case KindInfo:
		return ReplyInfo
	case KindPlayers:
		return ReplyPlayers
	case KindRules:
		return ReplyRules
	}
	return 0
}

func cutHeader(b []byte) (kind byte, rest []byte, ok bool) {
	if len(b) < 5 || string(b[:4]) != single {
		return 0, nil, false
	}
	return b[4], b[5:], true
}

// appendString appends a zero-terminated string. It cuts s at the first zero byte, which would shift
// all later fields.
func appendString(dst []byte, s string) []byte {
	s, _, _ = strings.Cut(s, "\x00")
	return append(append(dst, s...), 0)
}

// reader reads fields from a packet. After the first missing field it returns zero values and sets
// short.
type reader struct {
	b     []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if len(r.b) < n {
		r.short, r.b = true, nil
		return nil
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) u8() byte {
	if v := r.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if v := r.take(2); v != nil {
		return binary.LittleEndian.Uint16(v)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if v := r.take(4); v != nil {
		return binary.LittleEndian.Uint32(v)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if v := r.take(8); v != nil {
		return binary.LittleEndian.Uint64(v)
	}
	return 0
}

// text reads a string into s. It leaves s alone if the text is the same, which saves an allocation.
func (r *reader) text(s *string) {
	for i, c := range r.b {
		if c == 0 {
			if *s != string(r.b[:i]) {
				*s = string(r.b[:i])
			}
			r.b = r.b[i+1:]
			return
		}
	}
	r.short, r.b = true, nil
	*s = ""
}
