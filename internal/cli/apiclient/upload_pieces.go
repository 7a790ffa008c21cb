package apiclient

import (
	"time"
)

// Pieces are small at first, for proxies with a low body limit, and grow while they are accepted.
const (
	firstPiece = 512 << 10
	mostPiece  = 16 << 20
	leastPiece = 16 << 10
	// growWithin keeps the time per piece below the time limits of proxies.
	growWithin = 10 * time.Second
	// announceWithin is the maximum time to wait for permission to send an announced piece. nginx
	// does not answer announcements over HTTP/2 (1.22, ngx_http_test_expect).
	announceWithin = 200 * time.Millisecond

	// At most sideBySide pieces with at most mostAhead bytes in total are sent in parallel, if a
	// proxy limits their size and the last piece was answered within quick. left4me rejects pieces
	// that are more than 16 MiB ahead.
	sideBySide = 4
	mostAhead  = 8 << 20
	quick      = 5 * time.Second
)

// pieces chooses the length of the next piece.
type pieces struct {
	size   int64
	proven int64 // longest piece that was accepted
	capped bool  // a longer piece was refused
	cuts   int   // number of connections lost while sending a piece longer than proven
}

// next returns the length of the next piece if left bytes remain.
func (p *pieces) next(left int64) int64 { return min(p.size, left) }

// answered records an accepted piece and lets pieces grow if the answer was fast enough.
func (p *pieces) answered(n int64, took time.Duration) {
	p.proven = max(p.proven, n)
	if !p.capped && n == p.size && took < growWithin {
		p.size = min(2*p.size, mostPiece)
	}
}

// refused permanently halves the length of pieces, and reports whether that was possible.
func (p *pieces) refused(n int64) bool {
	if n <= leastPiece {
		return false
	}
	p.size, p.capped = n/2, true
	return true
}

// cut returns to a length that was accepted before, if a connection was lost repeatedly. Some
// proxies close the connection instead of reporting that a piece is too long.
func (p *pieces) cut(n int64) {
	if n > p.proven && p.proven > 0 {
		p.cuts++
	}
	if p.cuts > 1 {
		p.size, p.capped = min(p.size, p.proven), true
	}
	p.size = min(p.size, max(firstPiece, p.proven/2))
}
