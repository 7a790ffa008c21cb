package download

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/left4me"
)

// Cause classifies a failed download for callers: errors.Is(err, download.Refused).
type Cause string

// Causes of failures.
const (
	Refused      Cause = "refused"       // the URL or the target of a redirect is not permitted
	Gone         Cause = "gone"          // the server refuses the request, for example with 404 or 403
	Unreachable  Cause = "unreachable"   // no connection, or an untrusted certificate
	ServerBusy   Cause = "busy"          // the server failed or is overloaded: 408, 429 or 5xx
	Cut          Cause = "cut"           // every attempt was interrupted
	Stalled      Cause = "stalled"       // no data for too long
	WrongSize    Cause = "wrong size"    // not Request.Size
	WrongSum     Cause = "wrong sum"     // not Request.Sum
	WrongContent Cause = "wrong content" // rejected by Request.Head, or an unexpected Content-Encoding
	TooLarge     Cause = "too large"     // above Request.Limit
	DiskFull     Cause = "disk full"     // not enough free space
)

func (c Cause) Error() string { return string(c) }

// failure attaches to an error for users its cause, for callers, and the underlying error, which
// may be nil.
func failure(c Cause, e *left4me.Error, err error) *left4me.Error {
	if err == nil {
		return e.Because(c)
	}
	return e.Because(errors.Join(c, err))
}

// keepsPart reports whether received data should be kept after an error.
func keepsPart(err error) bool {
	for _, c := range []Cause{Unreachable, ServerBusy, Cut, Stalled} {
		if errors.Is(err, c) {
			return true
		}
	}
	return errors.Is(err, left4me.Busy)
}

// temporary is a failure that another attempt may resolve.
type temporary struct {
	cause Cause
	after time.Duration // delay requested by the server; 0: none
	err   error
}

func (t *temporary) Error() string { return t.err.Error() }
func (t *temporary) Unwrap() error { return t.err }

func (t *temporary) public(address string) *left4me.Error {
	var e *left4me.Error
	switch t.cause {
	case ServerBusy:
		e = left4me.NewError(left4me.Unavailable, "download.busy", "url", short(address), "reason", t.err)
	case Cut:
		e = left4me.NewError(left4me.Unavailable, "download.cut_off_again", "url", short(address), "reason", plain(t.err))
	case Stalled:
		e = left4me.NewError(left4me.Unavailable, "download.stalled", "url", short(address))
	default:
		e = left4me.NewError(left4me.Unavailable, "download.unreachable", "url", short(address), "reason", plain(t.err))
	}
	return failure(t.cause, e, t.err)
}

// plain returns an error without connection addresses and system call names: a coded error if the
// cause is known, or its text.
func plain(err error) any {
	var name *net.DNSError
	switch {
	case errors.As(err, &name):
		return left4me.NewError(left4me.Unavailable, "network.name_unknown", "name", name.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return left4me.NewError(left4me.Unavailable, "network.refused")
	case errors.Is(err, syscall.ECONNRESET):
		return left4me.NewError(left4me.Unavailable, "network.reset")
	case errors.Is(err, context.DeadlineExceeded):
		return left4me.NewError(left4me.Unavailable, "network.no_answer")
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	return err.Error()
}

// short returns a URL for messages: truncated, and without the user and the query, which may
// contain secrets.
func short(address string) string {
	s, _, _ := strings.Cut(address, "?")
	if u, err := url.Parse(s); err == nil && u.User != nil {
		u.User = nil
		s = u.String()
	}
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return s
}

// diskError converts an error from writing to the local disk to one for users.
func (d *transfer) diskError(err error) error {
	var public *left4me.Error
	var again *temporary
	if errors.As(err, &public) || errors.As(err, &again) {
		return err
	}
	if disk.IsFull(err) {
		return noRoom(d.part.f.Name(), max(0, d.Size-d.part.size), err)
	}
	return fmt.Errorf("download %s: %w", short(d.URL), err)
}

func noRoom(path string, need int64, err error) *left4me.Error {
	return disk.Full(path, need, errors.Join(DiskFull, err))
}
