package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/left4me/left4me/internal/httpserver"
	"github.com/left4me/left4me/internal/left4me"
)

// event is one server-sent event.
type event struct {
	id   string
	name string
	data any // encoded as one line of JSON
}

// feed sends events until there are no more. An error is sent to the client as the last event.
type feed func(send func(event)) error

// stream is an operation that answers with server-sent events of one name. D is the type of their
// data.
func stream[D, I any](c *core, path, id, summary, name string, f func(context.Context, *I) (feed, error)) operation {
	return operation{get, path, id, http.StatusOK, summary, func(h huma.API, op huma.Operation) {
		op.Responses["200"] = &huma.Response{
			Description: "Server-sent events named " + name +
				", with data of this schema. If an error occurs, the last event is named error and contains a problem document",
			Content: map[string]*huma.MediaType{"text/event-stream": {Schema: schemaOf[D](h)}},
		}
		huma.Register(h, op, func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
			ctx, cancel := context.WithCancel(ctx)
			events, err := f(ctx, in)
			if err != nil {
				cancel()
				return nil, problemOf(ctx, err)
			}
			return &huma.StreamResponse{Body: func(hc huma.Context) {
				r, w := humago.Unwrap(hc)
				end, err := c.count(r)
				if err != nil {
					cancel()
					writeProblem(w, problemOf(ctx, err))
					return
				}
				defer end()
				c.serve(ctx, cancel, w, r, events)
			}}, nil
		})
	}}
}

// streamOn is stream for an operation on an object.
func streamOn[D, T, I any](c *core, path, id, summary, name string, f func(context.Context, T, *I) (feed, error)) operationOn[T] {
	return operationOn[T](stream[D](c, path, id, summary, name, found(f)))
}

// count counts the open streams of a token until end is called. Requests without a token come from
// this machine's administrator and are not counted. Errors: left4me.Busy.
func (c *core) count(r *http.Request) (end func(), err error) {
	_, token := tokenOf(r.Header.Get("Authorization"))
	if token == "" {
		return func() {}, nil
	}
	return c.Accounts.Stream(token)
}

// send writes an event with its data encoded as JSON.
func send(to *httpserver.Events, e event) error {
	data, err := json.Marshal(e.data)
	if err != nil {
		return err
	}
	return to.Send(e.id, e.name, data)
}

// serve writes the events of f until there are no more, the client disconnects, the actor no longer
// exists or loses the right, or ctx, the context of the handler, ends.
func (c *core) serve(ctx context.Context, cancel context.CancelFunc, w http.ResponseWriter, r *http.Request, f feed) {
	events := make(chan event)
	go func() {
		defer close(events)
		send := func(e event) {
			select {
			case events <- e:
			case <-ctx.Done():
			}
		}
		if err := f(send); err != nil && ctx.Err() == nil {
			send(event{name: "error", data: problemOf(ctx, err)})
		}
	}()
	defer func() {
		cancel()
		for range events { // wait until the feed has ended
		}
	}()
	s := httpserver.NewEvents(w)
	defer s.End()
	ended := c.Accounts.Ended()
	err := s.Comment("left4me")
	if c.still(ctx, r) != nil { // the right may have been lost before the subscription
		return
	}
	beat := time.NewTicker(c.beat)
	defer beat.Stop()
	for err == nil {
		select {
		case e, ok := <-events:
			if !ok {
				return
			}
			err = send(s, e)
		case <-beat.C:
			// An expired token must not receive more events.
			if c.still(ctx, r) != nil {
				return
			}
			err = s.Comment("still here")
		case <-ended:
			ended = c.Accounts.Ended()
			if c.still(ctx, r) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func position(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, badHeader("Last-Event-ID", left4me.NewError(left4me.Invalid, "console.position_invalid"))
	}
	return n, nil
}

// sendWhileAllowed sends a long answer. It aborts the answer when the token is revoked or the user
// loses the right. ctx is the context of the handler.
func (c *core) sendWhileAllowed(ctx context.Context, hc huma.Context, send func(r *http.Request)) {
	r, w := humago.Unwrap(hc)
	httpserver.SendWhile(w, r, c.Accounts.Cut, func() error { return c.still(ctx, r) }, send)
}
