package a2s

import (
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
)

// Limits of a split reply.
const (
	MaxFragments = 64
	MaxReply     = 1 << 20 // bytes after decompression
	SplitSize    = 1248    // bytes of the reply in one fragment, the default of servers
)

// Compressed is the bit of a split reply's ID that marks its data as compressed with bzip2.
const Compressed uint32 = 1 << 31

const splitHeader = 12

// Split cuts a reply, which begins with ff ff ff ff, into fragments with size bytes of payload each, or
// [SplitSize] if size is 0 or too large. The ID must differ from that of the previous reply; some
// clients require an ID below 0x8000. Split does not compress: with [Compressed] in the ID, payload
// must already consist of a u32 size, a u32 CRC-32 and a bzip2 stream. Split returns nil for a reply
// that needs more than [MaxFragments], because clients would reject it.
func Split(payload []byte, id uint32, size int) [][]byte {
	if size <= 0 || size > 0xffff-splitHeader {
		size = SplitSize
	}
	total := max(1, (len(payload)+size-1)/size)
	if total > MaxFragments {
		return nil
	}
	fragments := make([][]byte, total)
	for n := range fragments {
		part := payload[n*size : min((n+1)*size, len(payload))]
		b := make([]byte, 0, splitHeader+len(part))
		b = append(b, split...)
		b = binary.LittleEndian.AppendUint32(b, id)
		b = append(b, byte(total), byte(n))
		b = binary.LittleEndian.AppendUint16(b, uint16(size))
		fragments[n] = append(b, part...)
	}
	return fragments
}

// Assembler joins the fragments of one server's replies. Fragments may arrive in any order and more
// than once. It holds at most four incomplete replies and [MaxReply] bytes in total, and discards the
// oldest reply to make room. The zero value is ready to use. Use one Assembler per server, because
// servers may use the same IDs, and call Reset before each query, because a restarted server reuses its
// IDs. An Assembler is not safe for concurrent use.
type Assembler struct {
	replies []*partial // oldest first
	size    int        // bytes held in replies
}

type partial struct {
	id    uint32
	parts [][]byte
	left  int // fragments still missing
	size  int
}

const maxPartial = 4

// Add copies a fragment into its reply. It returns the whole reply, which begins with ff ff ff ff, once
// the last fragment has arrived, and nil before. After ErrMalformed the fragment, or the reply that it
// completed, is discarded; after ErrTooLarge the whole reply is discarded.
func (a *Assembler) Add(b []byte) ([]byte, error) {
	if len(b) < splitHeader || string(b[:4]) != split {
		return nil, fmt.Errorf("a2s: fragment: %w", ErrMalformed)
	}
	id := binary.LittleEndian.Uint32(b[4:])
	total, number := int(b[8]), int(b[9])
	part := b[splitHeader:]
	if total > MaxFragments {
		return nil, fmt.Errorf("a2s: reply of %d fragments: %w", total, ErrTooLarge)
	}
	if number >= total {
		return nil, fmt.Errorf("a2s: fragment %d of %d: %w", number, total, ErrMalformed)
	}

	p := a.find(id)
	if p != nil && len(p.parts) != total {
		a.drop(p) // the server reuses the ID
		p = nil
	}
	switch {
	case p == nil:
		p = &partial{id: id, parts: make([][]byte, total), left: total}
		if len(a.replies) == maxPartial {
			a.drop(a.replies[0])
		}
		a.replies = append(a.replies, p)
	case p.parts[number] != nil:
		return nil, nil // a duplicate
	}

	for a.size+len(part) > MaxReply && a.replies[0] != p {
		a.drop(a.replies[0])
	}
	if a.size+len(part) > MaxReply {
		a.drop(p)
		return nil, fmt.Errorf("a2s: split reply: %w", ErrTooLarge)
	}
	p.parts[number] = append(make([]byte, 0, len(part)), part...) // never nil, even when empty
	p.size += len(part)
	a.size += len(part)
	if p.left--; p.left > 0 {
		return nil, nil
	}
	a.drop(p)
	return p.join()
}

// Reset discards all incomplete replies.
func (a *Assembler) Reset() { *a = Assembler{} }

func (a *Assembler) find(id uint32) *partial {
	for _, p := range a.replies {
		if p.id == id {
			return p
		}
	}
	return nil
}

func (a *Assembler) drop(p *partial) {
	a.size -= p.size
	a.replies = slices.DeleteFunc(a.replies, func(q *partial) bool { return p == q })
}

func (p *partial) join() ([]byte, error) {
	b := slices.Concat(p.parts...)
	if p.id&Compressed != 0 {
		var err error
		if b, err = decompress(b); err != nil {
			return nil, err
		}
	}
	if _, _, ok := cutHeader(b); !ok {
		return nil, fmt.Errorf("a2s: split reply without header: %w", ErrMalformed)
	}
	return b, nil
}

// decompress decodes a u32 size, the u32 CRC-32 (IEEE) of the data, and a bzip2 stream.
func decompress(b []byte) ([]byte, error) {
	if len(b) < 8 {
		return nil, fmt.Errorf("a2s: compressed reply: %w", ErrMalformed)
	}
	size, sum := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	if size > MaxReply {
		return nil, fmt.Errorf("a2s: compressed reply of %d bytes: %w", size, ErrTooLarge)
	}
	// The decompressed data limits the memory used, not the size in the header. Reading one byte more
	// than that size detects a wrong size.
	data, err := io.ReadAll(io.LimitReader(bzip2.NewReader(bytes.NewReader(b[8:])), int64(size)+1))
	if err != nil {
		return nil, fmt.Errorf("a2s: compressed reply: %w: %w", ErrMalformed, err)
	}
	if len(data) != int(size) || crc32.ChecksumIEEE(data) != sum {
		return nil, fmt.Errorf("a2s: compressed reply: size or checksum differs: %w", ErrMalformed)
	}
	return data, nil
}
