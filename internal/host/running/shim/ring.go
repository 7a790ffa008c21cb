package shim

import "bytes"

// ring holds the newest bytes of the console. Positions are relative to the start of the whole console,
// as everywhere else. It has no lock of its own.
type ring struct {
	buf   []byte
	start int64 // position of the oldest byte
	end   int64 // position after the newest byte
	torn  bool  // the oldest byte may be in the middle of a line
}

func newRing(size int, position int64) ring {
	return ring{buf: make([]byte, size), start: position, end: position}
}

// write appends p, overwriting the oldest bytes. p must not be longer than the ring.
func (r *ring) write(p []byte) {
	at := int(r.end % int64(len(r.buf)))
	n := copy(r.buf[at:], p)
	copy(r.buf, p[n:])
	r.end += int64(len(p))
	if oldest := r.end - int64(len(r.buf)); oldest > r.start {
		r.start, r.torn = oldest, true
	}
}

// span returns the bytes between two positions as one or two slices of the ring.
func (r *ring) span(from, to int64) (first, second []byte) {
	size := int64(len(r.buf))
	if from >= to {
		return nil, nil
	}
	a, n := from%size, to-from
	if a+n <= size {
		return r.buf[a : a+n], nil
	}
	return r.buf[a:], r.buf[:a+n-size]
}

// lineAt returns the position of the first line that begins at or after from, at most to.
func (r *ring) lineAt(from, to int64) int64 {
	if from <= r.start {
		from = r.start
		if !r.torn {
			return from
		}
	} else {
		from-- // the byte before from shows whether a line begins at from
	}
	first, second := r.span(from, to)
	if i := bytes.IndexByte(first, '\n'); i >= 0 {
		return from + int64(i) + 1
	}
	if i := bytes.IndexByte(second, '\n'); i >= 0 {
		return from + int64(len(first)+i) + 1
	}
	return to
}

// append appends the bytes between two positions to dst.
func (r *ring) append(dst []byte, from, to int64) []byte {
	first, second := r.span(from, to)
	return append(append(dst, first...), second...)
}
