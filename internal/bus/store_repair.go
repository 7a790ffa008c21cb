package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/periodic"
)

const (
	keepEvery = 5 * time.Second        // between two checks whether the store takes messages
	noticedIn = 100 * time.Millisecond // within which a publish that fails learns of it
	restartIn = 30 * time.Second       // the store
	leastRoom = 256 << 10              // for the store to be restarted

	healthTries = 100 // until the server says how its store is
)

// keeper brings the store back after a full disk.
//
// nats-server 2.15.2 stops writing to a stream for good at its first write
// error, ENOSPC too: JetStream stays enabled, publishes to the stream are not
// answered at all, and nothing changes when there is room again. Healthz tells
// of it. Shutting JetStream down and enabling it again reads the store anew:
// everything that was acknowledged is in it.
type keeper struct {
	config  server.JetStreamConfig // of the store
	closing chan struct{}          // closed by Close
	close   sync.Once
	mu      sync.Mutex // held while the store is restarted
	relieve func() bool
	all     map[*consumption]bool
	repairs int // tried on the broken store
	fault   atomic.Pointer[left4me.Error]
}

// Full says that the store takes no messages because its disk is full, as seen at
// the last check. Otherwise it returns nil.
func (b *Bus) Full() *left4me.Error { return b.fault.Load() }

// OnFull sets what gives back space when the disk is full and reports whether it
// did.
func (b *Bus) OnFull(relieve func() bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.relieve = relieve
}

// Run restarts the store when it is broken and there is room, and begins to read what
// could not be read before, until ctx ends: each 5 s. Without it, only the next message
// that is to be stored does.
func (b *Bus) Run(ctx context.Context) error {
	periodic.Run(ctx, periodic.Schedule{Every: keepEvery}, func(ctx context.Context) {
		_ = b.restore(ctx) // it has been logged
	})
	return nil
}

// broken says why the store takes no messages, or nothing.
//
// Healthz checks first whether the server takes connections, and gives that one
// millisecond: on a busy machine it says now and then that it was not ready,
// and checks nothing else (nats-server 2.15.2). That says nothing of the store.
func (b *Bus) broken() error {
	for range healthTries {
		h := b.server.Healthz(&server.HealthzOptions{Details: true})
		switch {
		case len(h.Errors) == 0:
			return nil
		case h.Errors[0].Type != server.HealthzErrorConn:
			return errors.New(h.Errors[0].Error)
		}
	}
	return nil
}

// restore restarts the store if it is broken and there is room, and begins each
// consumption that could not begin before. Errors: left4me.DiskFull.
func (b *Bus) restore(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	why := b.broken()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if why == nil {
		b.fault.Store(nil)
		return b.begin(ctx)
	}
	if b.full() && b.relieve != nil {
		b.relieve()
	}
	if b.repairs++; b.full() {
		if b.repairs&(b.repairs-1) == 0 { // more and more seldom
			b.log.ErrorContext(ctx, "the bus takes no jobs: disk full", "store", b.dir, "err", why)
		}
		full := disk.Full(b.dir, leastRoom, why)
		b.fault.Store(full)
		return full
	}
	ctx, cancel := context.WithTimeout(ctx, restartIn)
	defer cancel()
	if err := b.restart(ctx); err != nil {
		b.log.ErrorContext(ctx, "restart the store of the bus", "store", b.dir, "err", err)
		return fmt.Errorf("restart the store: %w", err)
	}
	b.repairs = 0
	b.fault.Store(nil)
	b.log.InfoContext(ctx, "the bus takes jobs again", "store", b.dir, "was", why)
	return nil
}

func (b *Bus) full() bool {
	free, err := disk.Free(b.dir)
	return err == nil && free < leastRoom
}

func (b *Bus) restart(ctx context.Context) error {
	if err := b.server.ShutdownJetStream(); err != nil {
		return err
	}
	config := b.config
	if err := b.server.EnableJetStream(&config); err != nil {
		return errors.Join(err, b.server.ShutdownJetStream())
	}
	if err := b.ensureStreams(ctx); err != nil {
		return err
	}
	for c := range b.all {
		// What it has in its hands is still worked on; without a new one, the next
		// message would come when the old one misses heartbeats, after half a minute.
		if c.running != nil {
			c.running.Drain()
			c.running = nil
		}
	}
	return b.begin(ctx)
}

// begin begins each consumption that isn't running.
func (b *Bus) begin(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, restartIn)
	defer cancel()
	for c := range b.all {
		if c.running != nil {
			continue
		}
		if failed := c.begin(ctx, b.js); failed != nil {
			b.log.ErrorContext(ctx, "begin to read what is queued", "stream", c.stream, "consumer", c.config.Durable, "err", failed)
			err = errors.Join(err, failed)
		}
	}
	return err
}

// store publishes a message and waits until it is stored. Errors:
// left4me.DiskFull.
func (b *Bus) store(ctx context.Context, subject, id string, data []byte) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	err := b.tryStore(ctx, subject, id, data)
	if err == nil || b.broken() == nil {
		return err
	}
	if err := b.restore(ctx); err != nil {
		return err
	}
	return b.tryStore(ctx, subject, id, data)
}

// tryStore publishes once. A broken store would answer nothing until ctx ends.
func (b *Bus) tryStore(ctx context.Context, subject, id string, data []byte) error {
	ctx, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		tick := time.NewTicker(noticedIn)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if err := b.broken(); err != nil {
					cancel(err)
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	_, err := b.js.Publish(ctx, subject, data, jetstream.WithMsgID(id))
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	cancel(nil)
	<-watched
	return err
}

// consumption is a consumer whose messages are handled until its context ends.
type consumption struct {
	stream  string
	config  jetstream.ConsumerConfig
	handle  func(jetstream.Msg)
	running jetstream.ConsumeContext // nil until it could begin
	ended   []<-chan struct{}        // closed when no handler of a consumer runs any more
}

func (c *consumption) begin(ctx context.Context, js jetstream.JetStream) error {
	consumer, err := js.CreateOrUpdateConsumer(ctx, c.stream, c.config)
	if err != nil {
		return err
	}
	running, err := consumer.Consume(c.handle)
	if err != nil {
		return err
	}
	c.running = running
	// Asked for after Stop it may be closed already, while a handler still runs
	// (nats.go 1.55).
	c.ended = append(c.ended, running.Closed())
	return nil
}

// consume hands the messages of a consumer to f until ctx ends, also when the
// store is restarted meanwhile.
func (b *Bus) consume(ctx context.Context, stream string, config jetstream.ConsumerConfig, f func(jetstream.Msg)) error {
	c := &consumption{stream: stream, config: config, handle: f}
	b.mu.Lock()
	defer b.mu.Unlock()
	// Otherwise it begins when the store takes messages again. The server answers
	// nothing about consumers until then.
	if b.broken() == nil {
		if err := c.begin(ctx, b.js); err != nil {
			return err
		}
	}
	if b.all == nil {
		b.all = map[*consumption]bool{}
	}
	b.all[c] = true
	b.serving.Go(func() {
		select {
		case <-ctx.Done():
		case <-b.closing:
		}
		for _, ended := range b.dismiss(c) {
			<-ended
		}
	})
	return nil
}

// dismiss ends a consumption.
func (b *Bus) dismiss(c *consumption) (ended []<-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.all, c)
	if c.running != nil {
		c.running.Stop()
	}
	return c.ended
}
