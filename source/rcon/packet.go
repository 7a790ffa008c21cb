package rcon

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Types of a packet. ExecCommand from the client and AuthResponse from the server are the same number.
const (
	ResponseValue int32 = 0
	ExecCommand   int32 = 2
	AuthResponse  int32 = 2
	Auth          int32 = 3
)

// AuthFailed is the id of an AuthResponse that refuses.
const AuthFailed int32 = -1

// MaxBody is the length of the body in one packet of a server, in bytes; longer answers need several packets.
const MaxBody = 4086

// maxSize bounds the size field. Servers promise 4096, some send a little more.
const maxSize = 16 << 10

// minSize is the size field of a packet with an empty body: id, type, two zero bytes.
const minSize = 10

// ErrMalformed is returned for bytes that are no packet. The connection is useless then.
var ErrMalformed = errors.New("malformed packet")

// Packet is one packet in either direction. The body may hold any bytes, zeros too; a multi-byte character may
// continue in the next packet.
type Packet struct {
	ID, Type int32
	Body     string
}

// AppendPacket appends p in wire form. It doesn't check the length of the body.
func AppendPacket(dst []byte, p Packet) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(p.Body)+minSize))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(p.ID))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(p.Type))
	dst = append(dst, p.Body...)
	return append(dst, 0, 0)
}

// ReadPacket reads one packet and not a byte more. It returns io.EOF if there is none, io.ErrUnexpectedEOF within
// one, and ErrMalformed for a size that cannot be; it allocates at most 16 KiB.
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

// cut takes the first packet off b. It returns rest == nil while the packet isn't complete.
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

// decode reads what follows the size field, at least minSize bytes. Whatever stands in the place of the two zero bytes
// is dropped: servers are known to put the last byte of a cut body there.
func decode(b []byte) Packet {
	return Packet{
		ID:   int32(binary.LittleEndian.Uint32(b)),
		Type: int32(binary.LittleEndian.Uint32(b[4:])),
		Body: string(b[8 : len(b)-2]),
	}
}
