package apiclient

import (
	"time"
)

// Pieces begin small, for proxies that take no large ones, and grow while they are
// answered.
const (
	firstPiece = 512 << 10
	mostPiece  = 16 << 20
	leastPiece = 16 << 10
	// growWithin keeps pieces below the time that proxies wait for one.
	growWithin = 10 * time.Second
	// announceWithin is how long a piece that was announced waits to be wanted.
	// nginx says nothing of it over HTTP/2 (1.22, ngx_http_test_expect).
	announceWithin = 200 * time.Millisecond

	// At most sideBySide pieces of mostAhead bytes together are on their way at a time,
	// when a proxy takes no longer ones and the last one was answered within quick.
	// left4me refuses what is more than 16 MiB ahead.
	sideBySide = 4
	mostAhead  = 8 << 20
	quick      = 5 * time.Second
)

// pieces says how long the next piece may be.
type pieces struct {
	size   int64
	proven int64 // the longest that was answered
	capped bool  // one that was longer was refused
	cuts   int   // how often the connection ended at one that was longer
}

// next is the length of the next piece of so many bytes.
func (p *pieces) next(left int64) int64 { return min(p.size, left) }

// answered grows pieces after one that took so long.
func (p *pieces) answered(n int64, took time.Duration) {
	p.proven = max(p.proven, n)
	if !p.capped && n == p.size && took < growWithin {
		p.size = min(2*p.size, mostPiece)
	}
}

// refused halves pieces for good, and reports whether that was possible.
func (p *pieces) refused(n int64) bool {
	if n <= leastPiece {
		return false
	}
	p.size, p.capped = n/2, true
	return true
}

// cut begins anew with pieces that were answered before. Some proxies end the
// connection instead of saying that a piece is too long.
func (p *pieces) cut(n int64) {
	if n > p.proven && p.proven > 0 {
		p.cuts++
	}
	if p.cuts > 1 {
		p.size, p.capped = min(p.size, p.proven), true
	}
	p.size = min(p.size, max(firstPiece, p.proven/2))
}
