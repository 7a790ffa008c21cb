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

// Cause is why a download failed, for the program: errors.Is(err, download.Refused).
type Cause string

// The causes.
const (
	Refused      Cause = "refused"       // the address, or one that it leads to, may not be asked
	Gone         Cause = "gone"          // the server says that there is no such thing, or that we may not have it
	Unreachable  Cause = "unreachable"   // no connection, or none that can be trusted
	ServerBusy   Cause = "busy"          // the server answers that it can't now
	Cut          Cause = "cut"           // the connection ended too early, each time
	Stalled      Cause = "stalled"       // nothing came for too long
	WrongSize    Cause = "wrong size"    //
	WrongSum     Cause = "wrong sum"     //
	WrongContent Cause = "wrong content" // Request.Head refused it, or it is packed in a way that wasn't asked for
	TooLarge     Cause = "too large"     //
	DiskFull     Cause = "disk full"     //
)

func (c Cause) Error() string { return string(c) }

// failure gives an error for people its cause for the program, and the one below,
// which may be nil.
func failure(c Cause, e *left4me.Error, err error) *left4me.Error {
	if err == nil {
		return e.Because(c)
	}
	return e.Because(errors.Join(c, err))
}

// keeps reports whether what came so far is of use after an error.
func keeps(err error) bool {
	for _, c := range []Cause{Unreachable, ServerBusy, Cut, Stalled} {
		if errors.Is(err, c) {
			return true
		}
	}
	return errors.Is(err, left4me.Busy)
}

// temporary is a failure after which another attempt may help.
type temporary struct {
	cause Cause
	after time.Duration // what the server asks for; 0: nothing
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

// plain is an error without addresses of connections and names of calls: one with a
// code when it is known, or its text.
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

// short is an address for people: without what stands behind a question mark,
// which may be a secret, and not endless.
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

// onDisk turns an error of our own disk into words.
func (d *transfer) onDisk(err error) error {
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
