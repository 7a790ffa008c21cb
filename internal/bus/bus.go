// Package bus is the only connection between the control packages and the hosts. It runs an
// embedded NATS server with JetStream, and defines the subjects and messages sent over it.
//
// On a single machine the server opens no socket, and both sides use in-process connections with
// the same subjects and messages as between machines. Every request has a deadline and every
// message a version.
package bus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/requestid"
)

// Limits of the embedded server's storage. Jobs are small and few; events are primarily limited by
// age.
const (
	maxPayload     = 4 << 20
	maxMemoryStore = 16 << 20
	maxFileStore   = 1 << 30
	maxEventsAge   = 7 * 24 * time.Hour
	maxEventsBytes = 64 << 20
	maxJobsBytes   = 64 << 20
	readyWithin    = 10 * time.Second
)

// Dedup is how long the bus remembers the id of a job message. A job sent again within that time,
// because left4me restarted, is not queued twice.
const Dedup = time.Hour

// Bus is a running message server with a connection to it. It is safe for concurrent use.
type Bus struct {
	dir      string
	server   *server.Server
	conn     *nats.Conn
	js       jetstream.JetStream
	log      *slog.Logger
	limit    int  // maximum JSON size of a message, in bytes
	newStore bool // the store was newly created
	*storeKeeper

	serving *sync.WaitGroup // counts running Answer, Listen, Work and Events
}

// Under returns the same bus for a component that waits for its own handlers: running counts each
// Answer, Listen, Work and Events from the call until its context has ended and its last handler
// has returned. A handler may add to running.
func (b *Bus) Under(running *sync.WaitGroup) *Bus {
	under := *b
	under.serving = running
	return &under
}

// Open starts the embedded server on the store in dir, creates missing streams, and connects
// in-process. It opens no socket. Run keeps the store working, and Close stops the server.
func Open(ctx context.Context, dir string, log *slog.Logger) (*Bus, error) {
	return open(ctx, dir, "", log, maxPayload)
}

func start(ctx context.Context, dir string, log *slog.Logger, payload int32) (*Bus, error) {
	srv, err := server.NewServer(&server.Options{
		ServerName:         "left4me",
		DontListen:         true,
		NoSigs:             true,
		NoLog:              true,
		JetStream:          true,
		StoreDir:           dir,
		MaxPayload:         payload,
		JetStreamMaxMemory: maxMemoryStore,
		JetStreamMaxStore:  maxFileStore,
	})
	if err != nil {
		return nil, err
	}
	srv.SetLogger(serverLog{log}, false, false)
	srv.Start()
	b := &Bus{
		dir:         dir,
		server:      srv,
		log:         log,
		limit:       int(payload) - wrapping,
		storeKeeper: &storeKeeper{closing: make(chan struct{})},
		serving:     &sync.WaitGroup{},
	}
	if err := b.connect(ctx); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (b *Bus) connect(ctx context.Context) error {
	if !b.server.ReadyForConnections(readyWithin) {
		return fmt.Errorf("not ready within %s", readyWithin)
	}
	config := b.server.JetStreamConfig()
	if config == nil {
		return errors.New("JetStream did not start")
	}
	b.config = *config
	b.config.StoreDir = b.dir // the server would append a directory of its own
	conn, err := nats.Connect("", nats.InProcessServer(b.server), nats.Name("left4me"),
		nats.MaxReconnects(-1),
		nats.ErrorHandler(func(_ *nats.Conn, s *nats.Subscription, err error) {
			subject := ""
			if s != nil {
				subject = s.Subject
			}
			b.log.WarnContext(ctx, "bus", "subject", subject, "err", err)
		}))
	if err != nil {
		return err
	}
	b.conn = conn
	if b.js, err = jetstream.New(conn); err != nil {
		return err
	}
	if err := b.ensureStreams(ctx); err != nil && full(b.dir) {
		// The store is opened once there is space; until then JetStream reports that it is not
		// enabled.
		b.log.ErrorContext(ctx, "the bus takes no jobs: disk full", "store", b.dir, "err", err)
		b.fault.Store(disk.Full(b.dir, minFree, err))
		return b.server.ShutdownJetStream()
	} else if err != nil {
		return err
	}
	return nil
}

func (b *Bus) ensureStreams(ctx context.Context) error {
	streams := []jetstream.StreamConfig{
		{
			Name:        streamJobs,
			Description: "work for hosts; a message goes when its job has ended",
			Subjects:    []string{"l4m.*.job.>"},
			Retention:   jetstream.WorkQueuePolicy,
			Discard:     jetstream.DiscardNew, // a job that doesn't fit must not displace a waiting one
			Duplicates:  Dedup,
			MaxBytes:    maxJobsBytes,
		},
		{
			Name:        streamEvents,
			Description: "what happened on hosts",
			Subjects:    []string{"l4m.*.evt.>"},
			Retention:   jetstream.LimitsPolicy,
			MaxAge:      maxEventsAge,
			MaxBytes:    maxEventsBytes,
			Duplicates:  Dedup,
		},
	}
	for _, s := range streams {
		if _, err := b.js.CreateOrUpdateStream(ctx, s); err != nil {
			return fmt.Errorf("stream %s: %w", s.Name, err)
		}
	}
	return nil
}

// Close closes the connection, stops the server and waits for its end.
func (b *Bus) Close() {
	b.close.Do(func() { close(b.closing) })
	if b.conn != nil {
		b.conn.Close()
	}
	b.server.Shutdown()
	b.server.WaitForShutdown()
}

// Ping checks that the bus answers, for readiness checks.
func (b *Bus) Ping(ctx context.Context) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return b.conn.FlushWithContext(ctx)
}

// answerWithin is the deadline of calls without one.
const answerWithin = 5 * time.Second

func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, answerWithin)
}

// Publish sends v to the current listeners on subject. It is not an error if there are none.
func (b *Bus) Publish(subject string, v any) error {
	data, err := encode(aMessage, v, b.limit)
	if err != nil {
		return fmt.Errorf("publish %s: %w", subject, err)
	}
	if err := b.conn.Publish(subject, data); err != nil {
		return fmt.Errorf("publish %s: %w", subject, err)
	}
	return nil
}

// reply is the answer to a request: a result or a public error, as one line of JSON. Console text
// is appended raw after that line. JSON-quoting it would cost more than the rest of the round trip.
type reply struct {
	V      int             `json:"v"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  *left4me.Error  `json:"error,omitempty"`
}

// Request sends in to subject and decodes the answer into out, which may be nil. Without a deadline
// in ctx, 5 s are used. A public error of the other side arrives as *left4me.Error; a host that
// doesn't answer is left4me.Unavailable. The request id of ctx is sent along: see requestid.
func (b *Bus) Request(ctx context.Context, subject string, in, out any) error {
	data, err := encode(aRequest, in, b.limit)
	if err != nil {
		return fmt.Errorf("request %s: %w", subject, err)
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	msg, err := b.conn.RequestMsgWithContext(ctx, &nats.Msg{Subject: subject, Data: data, Header: header(ctx)})
	switch {
	case errors.Is(err, nats.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		return left4me.NewError(left4me.Unavailable, "host.timeout", "host", hostOf(subject)).Because(fmt.Errorf("request %s: %w", subject,
			err))
	case errors.Is(err, nats.ErrNoResponders):
		return left4me.NewError(left4me.Unavailable, "host.unreachable", "host", hostOf(subject)).Because(fmt.Errorf("request %s: %w",
			subject, err))
	case err != nil:
		return fmt.Errorf("request %s: %w", subject, err)
	}
	var r reply
	head, text, _ := bytes.Cut(msg.Data, []byte("\n"))
	if err := json.Unmarshal(head, &r); err != nil {
		return fmt.Errorf("request %s: answer: %w", subject, err)
	}
	if r.V > Version {
		return fmt.Errorf("request %s: answer: %w", subject, newer(r.V))
	}
	if r.Error != nil {
		return r.Error
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(r.Result, out); err != nil {
		return fmt.Errorf("request %s: answer: %w", subject, err)
	}
	if c, ok := out.(*ConsoleChunk); ok {
		c.Text = string(text)
	}
	return nil
}

// header returns the headers of a request.
func header(ctx context.Context) nats.Header {
	id := requestid.From(ctx)
	if id == "" {
		return nil
	}
	return nats.Header{requestid.Header: {id}}
}

// Answer serves requests on subject, which may contain wildcards, with f until ctx ends. Each
// request runs in its own goroutine, with the request id it arrived with in its context. At most
// 256 run at once; further ones are answered with left4me.Busy. An error of f that isn't a
// *left4me.Error is logged and answered without its text.
func (b *Bus) Answer(ctx context.Context, subject string, f func(ctx context.Context, subject string, data []byte) (any, error)) error {
	slots := make(chan struct{}, 256)
	var handlers sync.WaitGroup
	sub, err := b.conn.Subscribe(subject, func(m *nats.Msg) {
		ctx := requestid.With(ctx, m.Header.Get(requestid.Header))
		select {
		case slots <- struct{}{}:
		default:
			b.respond(ctx, m, nil, left4me.NewError(left4me.Busy, "host.too_many_requests"))
			return
		}
		handlers.Go(func() {
			defer func() { <-slots }()
			out, err := f(ctx, m.Subject, m.Data)
			b.respond(ctx, m, out, err)
		})
	})
	if err != nil {
		return fmt.Errorf("answer %s: %w", subject, err)
	}
	b.serve(ctx, sub, &handlers)
	return nil
}

// serve ends a subscription when ctx ends, and counts it until its last handler has returned.
func (b *Bus) serve(ctx context.Context, sub *nats.Subscription, handlers *sync.WaitGroup) {
	closed := make(chan struct{}) // closed after the last message
	sub.SetClosedHandler(func(string) { close(closed) })
	b.serving.Go(func() {
		select {
		case <-ctx.Done():
			_ = sub.Unsubscribe()
			<-closed
		case <-closed: // the bus was closed
		}
		handlers.Wait()
	})
}

func (b *Bus) respond(ctx context.Context, m *nats.Msg, out any, err error) {
	if m.Reply == "" {
		return
	}
	if err != nil {
		public, ok := left4me.Public(disk.Explain(err))
		if !ok {
			b.log.ErrorContext(ctx, "request", "subject", m.Subject, "err", err)
			public = left4me.NewError(left4me.Unavailable, "host.internal", "subject", m.Subject)
		} else if public.Err != nil {
			b.log.WarnContext(ctx, "request", "subject", m.Subject, "err", public.Err)
		}
		b.send(ctx, m, refusal(public))
		return
	}
	data, err := answer(out, b.limit)
	if err != nil {
		b.log.ErrorContext(ctx, "answer", "subject", m.Subject, "err", err)
		public, ok := left4me.Public(err)
		if !ok {
			public = left4me.NewError(left4me.Unavailable, "host.answer_not_sent", "subject", m.Subject)
		}
		data = refusal(public)
	}
	b.send(ctx, m, data)
}

func (b *Bus) send(ctx context.Context, m *nats.Msg, data []byte) {
	if err := m.Respond(data); err != nil {
		b.log.WarnContext(ctx, "answer", "subject", m.Subject, "err", err)
	}
}

// answer encodes the reply for a result. Errors: left4me.Unavailable for a result that is too long,
// so that the requester doesn't wait in vain.
func answer(out any, limit int) ([]byte, error) {
	result, err := encode(anAnswer, out, limit)
	if errors.Is(err, left4me.Invalid) {
		e, _ := left4me.Public(err)
		return nil, left4me.NewError(left4me.Unavailable, "host.answer_too_long", "error", e)
	}
	if err != nil {
		return nil, err
	}
	data, err := Marshal(reply{V: Version, Result: result})
	if c, ok := out.(ConsoleChunk); ok && err == nil {
		if data = append(append(data, '\n'), c.Text...); len(data) > limit {
			return nil, left4me.NewError(left4me.Unavailable, "console.answer_too_long", "size", left4me.Bytes(len(data)), "limit",
				left4me.Bytes(limit))
		}
	}
	return data, err
}

// refusal encodes the reply for an error.
func refusal(e *left4me.Error) []byte {
	data, _ := Marshal(reply{V: Version, Error: e.Clipped()}) // cannot fail: the reply contains only texts
	return data
}

// Listen calls f for each message on subject, one at a time and in the order of sending, until ctx
// ends.
func (b *Bus) Listen(ctx context.Context, subject string, f func(subject string, data []byte)) error {
	sub, err := b.conn.Subscribe(subject, func(m *nats.Msg) { f(m.Subject, m.Data) })
	if err != nil {
		return fmt.Errorf("listen %s: %w", subject, err)
	}
	b.serve(ctx, sub, &sync.WaitGroup{})
	return nil
}
