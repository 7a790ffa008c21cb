package apiclient

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/sleep"
)

const (
	eventLimit  = 4 << 20
	silentFor   = 50 * time.Second // left4me sends something every 15 s
	giveUpAfter = time.Minute
	firstPause  = 200 * time.Millisecond
	longPause   = 5 * time.Second
)

// Event is a server-sent event.
type Event struct {
	ID   string
	Name string
	Data []byte
}

// patience holds the time limits of a stream.
type patience struct{ silent, giveUp, pause time.Duration }

var patient = patience{silent: silentFor, giveUp: giveUpAfter, pause: firstPause}

// Follow returns the events of a stream after the event with the id after. It retries for one
// minute while left4me is unreachable; see follow.
func (c *Client) Follow(ctx context.Context, path, after string) iter.Seq2[Event, error] {
	return c.follow(ctx, path, after, patient)
}

// follow returns the events of a stream after the event with the id after; empty means from the
// beginning. After a lost connection it reconnects and resumes. It ends when ctx does, or with an
// error: immediately if the API refuses or the first connection fails, otherwise once left4me has
// been unreachable for too long.
func (c *Client) follow(ctx context.Context, path, after string, p patience) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		heard, pause := time.Time{}, p.pause // heard: time of the last data received
		for {
			var failed error
			for e, err := range c.stream(ctx, path, after, p.silent) {
				if err != nil {
					failed = err
					break
				}
				heard, pause = time.Now(), p.pause
				if e.ID != "" {
					after = e.ID
				}
				if e.Name != "" && !yield(e, nil) {
					return
				}
			}
			if ctx.Err() != nil {
				return
			}
			if heard.IsZero() && failed == nil {
				heard = time.Now()
			}
			if failed != nil && (heard.IsZero() || !mayPass(failed)) || time.Since(heard) > p.giveUp {
				if failed == nil {
					failed = c.Unexpected("its stream ends again and again")
				}
				yield(Event{}, failed)
				return
			}
			if sleep.For(ctx, pause) != nil {
				return
			}
			pause = min(2*pause, longPause)
		}
	}
}

// mayPass reports whether a retry may succeed.
func mayPass(err error) bool {
	var foreign *foreignError
	if errors.As(err, &foreign) {
		return foreign.mayPass()
	}
	return errors.Is(err, left4me.Unavailable) || errors.Is(err, left4me.Busy)
}

// stream returns the events of one connection. An event without a name is a heartbeat. An error
// comes last.
func (c *Client) stream(ctx context.Context, path, after string, silent time.Duration) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		watchdog := time.AfterFunc(silent, cancel)
		defer watchdog.Stop()
		header := http.Header{"Accept": {"text/event-stream"}}
		if after != "" {
			header.Set("Last-Event-ID", after)
		}
		res, err := c.send(ctx, http.MethodGet, path, nil, header)
		if err != nil {
			yield(Event{}, quiet(err, c))
			return
		}
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(make([]byte, 0, 4096), eventLimit)
		for {
			e, err := nextEvent(lines)
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil && e.Name == "error" {
				err = streamError(e.Data)
			} else if err != nil {
				err = quiet(c.unreachable(ctx, err), c)
			}
			watchdog.Reset(silent)
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// quiet replaces the error of a connection that was cancelled because it was silent. The caller
// checks whether its own context has ended.
func quiet(err error, c *Client) error {
	if errors.Is(err, context.Canceled) {
		return left4me.NewError(left4me.Unavailable, "client.silent", "where", c.where)
	}
	return err
}

func streamError(data []byte) error {
	var p problem
	if err := json.Unmarshal(data, &p); err != nil || p.Detail == "" {
		return left4me.NewError(left4me.Unavailable, "client.stream_error_unreadable")
	}
	return p.err()
}

// nextEvent reads up to the blank line that ends an event. A comment is returned as an event
// without a name. The length of a line is limited; left4me's events have one line of data.
func nextEvent(lines *bufio.Scanner) (Event, error) {
	var e Event
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) == 0 {
			return e, nil
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "id":
			e.ID = string(value)
		case "event":
			e.Name = string(value)
		case "data":
			e.Data = append([]byte(nil), value...)
		}
	}
	if err := lines.Err(); err != nil {
		return Event{}, err
	}
	return Event{}, io.EOF
}
