package shim

import "bytes"

// ring holds the newest bytes of the console. Positions are those of the whole
// console, so that they never have to be translated. It is not locked.
type ring struct {
	buf   []byte
	start int64 // the oldest byte that is there
	end   int64 // behind the newest
	torn  bool  // the oldest byte need not begin a line
}

func newRing(size int, position int64) ring {
	return ring{buf: make([]byte, size), start: position, end: position}
}

// write appends p, which is not longer than the ring, over the oldest bytes.
func (r *ring) write(p []byte) {
	at := int(r.end % int64(len(r.buf)))
	n := copy(r.buf[at:], p)
	copy(r.buf, p[n:])
	r.end += int64(len(p))
	if oldest := r.end - int64(len(r.buf)); oldest > r.start {
		r.start, r.torn = oldest, true
	}
}

// span gives the bytes from one position to another as they lie in the ring, in
// one or two pieces.
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

// lineAt is the first beginning of a line at from or behind it, at most to.
func (r *ring) lineAt(from, to int64) int64 {
	if from <= r.start {
		from = r.start
		if !r.torn {
			return from
		}
	} else {
		from-- // the byte before tells whether a line begins here
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
