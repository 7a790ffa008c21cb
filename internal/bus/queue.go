package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/left4me/left4me/internal/left4me"
)

// ackWait is how long a host may be silent about a job before the bus redelivers it. A working host
// reports progress much more often.
const ackWait = 30 * time.Second

// atOnce is how many jobs a host may hold at once. Jobs waiting there must not block others, such
// as a stop behind a thousand starts.
const atOnce = 4096

// Enqueue adds a job message to the queue of its host. The job id is the deduplication id: sending
// it again within Dedup has no effect. Errors: left4me.Invalid for a message that is too long.
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

// Fits checks that a job message is short enough to be sent. Errors: left4me.Invalid if it is too
// long.
func (b *Bus) Fits(m JobMessage) error {
	_, err := encode(aJob, m, b.limit)
	return err
}

// Delivery is a job message delivered to a host. Exactly one of Done and Later must be called at
// the end.
type Delivery struct {
	JobMessage
	msg jetstream.Msg
}

// Direct returns a Delivery for a job that arrived as a plain request. It isn't redelivered.
func Direct(m JobMessage) Delivery { return Delivery{JobMessage: m} }

// Working tells the bus that the host is still working on the job.
func (d Delivery) Working() error {
	if d.msg == nil {
		return nil
	}
	return d.msg.InProgress()
}

// Done removes the message from the queue and waits until that has happened, so that an agent
// started right after this one has ended doesn't get it again.
func (d Delivery) Done() error {
	if d.msg == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	return d.msg.DoubleAck(ctx)
}

// Later returns the message to the queue for redelivery after the delay.
func (d Delivery) Later(after time.Duration) error {
	if d.msg == nil {
		return nil
	}
	return d.msg.NakWithDelay(after)
}

// Work delivers the jobs of a host to f until ctx ends. f must not block. There is one agent per
// host; jobs that an earlier agent left unfinished are redelivered at once.
func (b *Bus) Work(ctx context.Context, host left4me.Name, f func(Delivery)) error {
	name := "host-" + string(host)
	// An existing consumer would wait for ackWait before it redelivers what it had delivered. The
	// agent that had those jobs is dead, otherwise this one could not run: a new consumer starts
	// with all unfinished jobs.
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

// Record stores an event of a host. Recording it again with the same id has no effect.
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

// Events delivers stored events of one kind from all hosts to f, in order and from the position of
// reader, until ctx ends. If f fails, the event is redelivered and later ones wait, because they
// may depend on it. Events of other kinds don't delay them. A reader may change its kind.
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
