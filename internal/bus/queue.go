package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/left4me/left4me/internal/left4me"
)

// ackWait is how long a host may be silent about a job before the bus gives it
// to its successor. A working host says "in progress" much more often.
const ackWait = 30 * time.Second

// atOnce is how many jobs a host has in its hands. Those that wait there for their
// turn must not keep others from it: a stop behind a thousand starts.
const atOnce = 4096

// Enqueue puts a job's message into its host's queue. The job's id is the
// deduplication id: sending it again within Dedup does nothing. Errors:
// left4me.Invalid for a message that is too long.
func (b *Bus) Enqueue(ctx context.Context, host left4me.Name, m JobMessage) error {
	data, err := encode(aJob, m, b.limit)
	if err != nil {
		return fmt.Errorf("enqueue job %s: %w", m.ID, err)
	}
	if err := b.store(ctx, JobSubject(host, m.Kind), string(m.ID), data); err != nil {
		return fmt.Errorf("enqueue job %s: %w", m.ID, err)
	}
	return nil
}

// Fits reports whether a job's message can be sent. Errors: left4me.Invalid for one
// that is too long.
func (b *Bus) Fits(m JobMessage) error {
	_, err := encode(aJob, m, b.limit)
	return err
}

// Delivery is a job's message in the hands of a host. Exactly one of Done and
// Later must be called at the end.
type Delivery struct {
	JobMessage
	msg jetstream.Msg
}

// Direct is a job that came by a plain request: nothing brings it again.
func Direct(m JobMessage) Delivery { return Delivery{JobMessage: m} }

// Working tells the bus that the host still works on it.
func (d Delivery) Working() error {
	if d.msg == nil {
		return nil
	}
	return d.msg.InProgress()
}

// Done removes the message from the queue. It waits until the bus has done so:
// an agent that starts right after this one has ended doesn't get it again.
func (d Delivery) Done() error {
	if d.msg == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	return d.msg.DoubleAck(ctx)
}

// Later gives the message back, to come again after the delay.
func (d Delivery) Later(after time.Duration) error {
	if d.msg == nil {
		return nil
	}
	return d.msg.NakWithDelay(after)
}

// Work delivers the jobs of a host to f until ctx ends. f must not block. There
// is one agent for a host; whatever an earlier one left unfinished is delivered
// again at once.
func (b *Bus) Work(ctx context.Context, host left4me.Name, f func(Delivery)) error {
	name := "host-" + string(host)
	// A consumer remembers what it handed out and would wait for ackWait until
	// it hands it out again. The agent it was handed to is dead, or this one
	// would not be here: a new consumer starts with all that is not done.
	if b.broken() == nil {
		if err := b.js.DeleteConsumer(ctx, streamJobs, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("work for host %s: %w", host, err)
		}
	}
	err := b.consume(ctx, streamJobs, jetstream.ConsumerConfig{
		Durable:       name,
		FilterSubject: "l4m." + string(host) + ".job.>",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxAckPending: atOnce,
	}, func(msg jetstream.Msg) {
		d := Delivery{msg: msg}
		err := Decode(msg.Data(), &d.JobMessage)
		if errors.Is(err, left4me.Unavailable) {
			b.log.ErrorContext(ctx, "job message waits", "subject", msg.Subject(), "err", err)
			_ = msg.NakWithDelay(ackWait)
			return
		}
		if err != nil {
			b.log.ErrorContext(ctx, "job message dropped", "subject", msg.Subject(), "err", err)
			_ = msg.Term()
			return
		}
		f(d)
	})
	if err != nil {
		return fmt.Errorf("work for host %s: %w", host, err)
	}
	return nil
}

// Record keeps an event of a host; id makes sending it twice harmless.
func (b *Bus) Record(ctx context.Context, host left4me.Name, kind, id string, v any) error {
	data, err := encode(anEvent, v, b.limit)
	if err != nil {
		return fmt.Errorf("record %s: %w", kind, err)
	}
	if err := b.store(ctx, Event(host, kind), id, data); err != nil {
		return fmt.Errorf("record %s: %w", kind, err)
	}
	return nil
}

// Events delivers kept events of a kind of all hosts to f, in order, from where
// reader stopped the last time, until ctx ends. An event that f fails on comes
// again, and those behind it wait: they may be about what it made. Events of other
// kinds are never waited for. A reader may change its kind.
func (b *Bus) Events(ctx context.Context, reader, kind string, f func(subject string, data []byte) error) error {
	err := b.consume(ctx, streamEvents, jetstream.ConsumerConfig{
		Durable:       reader,
		FilterSubject: Event(AnyHost, kind),
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxAckPending: 1,
	}, func(msg jetstream.Msg) {
		if err := f(msg.Subject(), msg.Data()); err != nil {
			b.log.ErrorContext(ctx, "event", "subject", msg.Subject(), "err", err)
			_ = msg.NakWithDelay(time.Second)
			return
		}
		_ = msg.Ack()
	})
	if err != nil {
		return fmt.Errorf("read events as %s: %w", reader, err)
	}
	return nil
}
