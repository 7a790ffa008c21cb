package rcon

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Packet types. ExecCommand (from the client) and AuthResponse (from the server) have the same number.
const (
	ResponseValue int32 = 0
	ExecCommand   int32 = 2
	AuthResponse  int32 = 2
	Auth          int32 = 3
)

// AuthFailed is the ID of an AuthResponse that refuses the password.
const AuthFailed int32 = -1

// MaxBody is the maximum body of one packet from a server, in bytes. Longer answers need several
// packets.
const MaxBody = 4086

// maxSize limits the size field. Servers are specified to send at most 4096; some send slightly more.
const maxSize = 16 << 10

// minSize is the size field of a packet with an empty body: ID, type and two zero bytes.
const minSize = 10

// ErrMalformed is returned for bytes that are not a packet. The connection is unusable afterwards.
var ErrMalformed = errors.New("malformed packet")

// Packet is one packet in either direction. The body may contain any bytes, including zeros. A
// multi-byte character may continue in the next packet.
type Packet struct {
	ID, Type int32
	Body     string
}

// AppendPacket appends p in wire format. It does not check the length of the body.
func AppendPacket(dst []byte, p Packet) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(p.Body)+minSize))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(p.ID))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(p.Type))
	dst = append(dst, p.Body...)
	return append(dst, 0, 0)
}

// ReadPacket reads exactly one packet. It returns io.EOF at the end of r, io.ErrUnexpectedEOF within a
// packet, and ErrMalformed for an invalid size. It allocates at most 16 KiB.
func ReadPacket(r io.Reader) (Packet, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return Packet{}, fmt.Errorf("rcon: read: %w", err)
	}
	size := binary.LittleEndian.Uint32(head[:])
	if err := checkSize(size); err != nil {
		return Packet{}, err
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(r, b); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return Packet{}, fmt.Errorf("rcon: read: %w", err)
	}
	return decode(b), nil
}

// cut removes the first packet from b. It returns rest == nil if the packet is incomplete.
func cut(b []byte) (p Packet, rest []byte, err error) {
	if len(b) < 4 {
		return Packet{}, nil, nil
	}
	size := binary.LittleEndian.Uint32(b)
	if err := checkSize(size); err != nil {
		return Packet{}, nil, err
	}
	if len(b)-4 < int(size) {
		return Packet{}, nil, nil
	}
	return decode(b[4 : 4+size]), b[4+size:], nil
}

func checkSize(size uint32) error {
	if size < minSize || size > maxSize {
		return fmt.Errorf("rcon: packet of %d bytes: %w", int32(size), ErrMalformed)
	}
	return nil
}

// decode decodes the bytes after the size field, at least minSize. It ignores the last two bytes, which
// should be zero: some servers put the last byte of a truncated body there.
func decode(b []byte) Packet {
	return Packet{
		ID:   int32(binary.LittleEndian.Uint32(b)),
		Type: int32(binary.LittleEndian.Uint32(b[4:])),
		Body: string(b[8 : len(b)-2]),
	}
}
