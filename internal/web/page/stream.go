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

// Event is one message of a stream: html replaces the elements with the ids
// that it holds, console adds to the console.
type Event struct {
	Name string
	ID   string // position to resume behind
	Data []byte
}

// Feed gives events until ctx ends. A send waits while the browser is slow;
// what changed meanwhile is then one change.
type Feed func(ctx context.Context, send func(Event)) error

// errOther ends what was begun for somebody whose rights have changed since.
var errOther = left4me.NewError(left4me.Denied, "right.see")

// still says whether a request that is answered for long is of the same person with the
// same rights still. Errors: left4me.Denied.
func (p *Panel) still(r *http.Request, who accounts.Actor) error {
	now, err := p.Identify(r)
	if err == nil && !now.Same(who) {
		err = errOther
	}
	return err
}

// stream sends the events of all feeds to one browser until it goes, its
// session ends, the rights of who become others or a feed fails. Errors, before the
// first byte: left4me.Busy when the session has too many streams.
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
	if p.still(r, who) != nil { // ended before it was waited for
		return nil
	}
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for err == nil {
		select {
		case e := <-events:
			err = out.send(e)
		case <-beat.C:
			// A session that has ended sees nothing more.
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
	return nil // the browser has gone
}

// outlet is where the events of a stream go: over a connection of its own, or as
// part of a stream that several pages share.
func outlet(w http.ResponseWriter) (out interface{ send(Event) error }, done func()) {
	if c, ok := w.(carried); ok {
		return c, func() {}
	}
	s := sse{httpserver.NewEvents(w)}
	return s, s.events.End
}

// sse is a connection of its own.
type sse struct{ events *httpserver.Events }

func (s sse) send(e Event) error { return s.events.Send(e.ID, e.Name, e.Data) }
