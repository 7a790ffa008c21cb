package page

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/httpserver"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	// beatEvery is the time between heartbeats of a stream.
	beatEvery = 15 * time.Second
)

// Event is a message of a stream. An html event replaces the elements with the ids that it contains, a
// console event is appended to the console.
type Event struct {
	Name string
	ID   string // position after which a reconnecting browser resumes
	Data []byte
}

// Feed sends events until ctx ends. send blocks while the browser is slow; changes in the meantime are
// coalesced.
type Feed func(ctx context.Context, send func(Event)) error

// errOther ends a long answer to a user whose rights have changed since its start.
var errOther = left4me.NewError(left4me.Denied, "right.see")

// still checks that the session of a long request still belongs to the same user with the same rights.
// Errors: left4me.Denied.
func (p *Panel) still(r *http.Request, who accounts.Actor) error {
	now, err := p.Identify(r)
	if err == nil && !now.Same(who) {
		err = errOther
	}
	return err
}

// stream sends the events of all feeds to a browser until it disconnects, its session ends, the rights
// of the actor change, or a feed ends. Errors, before the first byte: left4me.Busy if the session has too
// many streams.
func (p *Panel) stream(w http.ResponseWriter, r *http.Request, who accounts.Actor, feeds ...Feed) error {
	end, err := p.Accounts.Stream(p.Sessions.Secret(r))
	if err != nil {
		return err
	}
	defer end()
	ctx, cancel := context.WithCancel(r.Context())
	events := make(chan Event)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	for _, f := range feeds {
		work.Go(func() {
			defer cancel()
			send := func(e Event) {
				select {
				case events <- e:
				case <-ctx.Done():
				}
			}
			if err := f(ctx, send); err != nil && ctx.Err() == nil {
				p.Log.WarnContext(r.Context(), "stream", "path", r.URL.Path, "err", err)
			}
		})
	}
	out, done := outlet(w)
	defer done()
	ended := p.Accounts.Ended()
	err = out.send(Event{Name: "beat"})
	if p.still(r, who) != nil { // the session may have ended before Ended was called
		return nil
	}
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for err == nil {
		select {
		case e := <-events:
			err = out.send(e)
		case <-beat.C:
			if p.still(r, who) != nil {
				return nil
			}
			err = out.send(Event{Name: "beat"})
		case <-ended:
			ended = p.Accounts.Ended()
			if p.still(r, who) != nil {
				return nil
			}
		case <-ctx.Done():
			return nil
		}
	}
	return nil // the browser has disconnected
}

// outlet returns the destination of a stream's events: a connection of its own, or a stream that several
// pages share.
func outlet(w http.ResponseWriter) (out interface{ send(Event) error }, done func()) {
	if c, ok := w.(carried); ok {
		return c, func() {}
	}
	s := sse{httpserver.NewEvents(w)}
	return s, s.events.End
}

// sse sends events over a connection of their own.
type sse struct{ events *httpserver.Events }

func (s sse) send(e Event) error { return s.events.Send(e.ID, e.Name, e.Data) }
