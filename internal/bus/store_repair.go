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
	storeCheckEvery = 5 * time.Second        // interval for checking whether the store accepts messages
	noticedIn       = 100 * time.Millisecond // interval for checking the store during a publish
	restartIn       = 30 * time.Second       // limit for restarting the store
	minFree         = 256 << 10              // free bytes required to restart the store

	healthTries = 100 // attempts to get the server's health
)

// storeKeeper restores the store after a full disk.
//
// nats-server 2.15.2 permanently stops writing to a stream at its first write error, including
// ENOSPC: JetStream stays enabled, publishes to the stream are never answered, and free space
// doesn't change that. Healthz reports it. Shutting down JetStream and enabling it again rereads
// the store, which contains everything that was acknowledged.
type storeKeeper struct {
	config  server.JetStreamConfig // configuration of the store
	closing chan struct{}          // closed by Close
	close   sync.Once
	mu      sync.Mutex // held while the store is restarted
	relieve func() bool
	all     map[*consumption]bool
	repairs int // attempts since the store broke
	fault   atomic.Pointer[left4me.Error]
}

// Full returns an error if the store accepted no messages at the last check because its disk is
// full, otherwise nil.
func (b *Bus) Full() *left4me.Error { return b.fault.Load() }

// OnFull sets the function that frees space when the disk is full, and reports whether it did.
func (b *Bus) OnFull(relieve func() bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.relieve = relieve
}

// Run checks every 5 s, until ctx ends, whether the store is broken and there is space, and then
// restarts it and starts consumers that could not be started before. Without Run, only the next
// stored message causes a restart.
func (b *Bus) Run(ctx context.Context) error {
	periodic.Run(ctx, periodic.Schedule{Every: storeCheckEvery}, func(ctx context.Context) {
		_ = b.restore(ctx) // restore has logged the error
	})
	return nil
}

// broken returns why the store accepts no messages, or nil.
//
// Healthz first checks within one millisecond whether the server accepts connections. On a busy
// machine it sometimes reports that the server is not ready, and checks nothing else (nats-server
// 2.15.2). That result says nothing about the store.
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

// restore restarts the store if it is broken and there is space, and starts consumers that could
// not be started before. Errors: left4me.DiskFull.
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
		if b.repairs&(b.repairs-1) == 0 { // log at attempts 1, 2, 4, 8, …
			b.log.ErrorContext(ctx, "the bus takes no jobs: disk full", "store", b.dir, "err", why)
		}
		full := disk.Full(b.dir, minFree, why)
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
	return err == nil && free < minFree
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
		// Messages being handled are still finished. Without a new consumer the next message would
		// only arrive after the old one has missed heartbeats for half a minute.
		if c.running != nil {
			c.running.Drain()
			c.running = nil
		}
	}
	return b.begin(ctx)
}

// begin starts each consumer that isn't running.
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

// store publishes a message and waits until it is stored. Errors: left4me.DiskFull.
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

// tryStore publishes once. It gives up early if the store is broken, which would otherwise block
// until ctx ends.
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
	running jetstream.ConsumeContext // nil until it has started
	ended   []<-chan struct{}        // closed when no handler of a consumer is running
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
	// Closed must be called before Stop: called later, it may return a closed channel while a
	// handler still runs (nats.go 1.55).
	c.ended = append(c.ended, running.Closed())
	return nil
}

// consume passes the messages of a consumer to f until ctx ends, even if the store is restarted in
// between.
func (b *Bus) consume(ctx context.Context, stream string, config jetstream.ConsumerConfig, f func(jetstream.Msg)) error {
	c := &consumption{stream: stream, config: config, handle: f}
	b.mu.Lock()
	defer b.mu.Unlock()
	// A consumer of a broken store starts after the store is restored. Until then the server
	// doesn't answer requests about consumers.
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

// dismiss stops a consumption.
func (b *Bus) dismiss(c *consumption) (ended []<-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.all, c)
	if c.running != nil {
		c.running.Stop()
	}
	return c.ended
}
