// Package events reads what has happened, for the parts of left4me that must not miss
// any of it.
//
// Whoever makes a change writes its event in the same transaction of the store. A
// Reader gets each event in the order of the commits, and keeps how far it has come in
// the transaction of what it did with them: a process that is killed at any moment goes
// on exactly where it was. Pages and streams, which only show how things are now, use
// the watchers of the packages instead.
package events

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/periodic"
	"github.com/left4me/left4me/internal/requestid"
	"github.com/left4me/left4me/internal/store"
)

// The names of all readers. The position of one that isn't here is forgotten when
// left4me starts, so that events are not kept for it for ever.
const (
	GameReader     = "game"     // builds and their rollouts
	OverlaysReader = "overlays" // rollouts of revisions
	ServersReader  = "servers"  // what is known of servers that were deleted, and names on hosts
)

var readers = []string{GameReader, OverlaysReader, ServersReader}

// How long events are kept: the newest Keep of them, as long as they are not older than
// KeepFor. An event that a reader has not read stays.
const (
	Keep    = 200_000
	KeepFor = 365 * 24 * time.Hour
)

const (
	pruneEvery  = time.Hour
	batch       = 1000 // events at once
	firstWait   = 200 * time.Millisecond
	longestWait = 30 * time.Second
)

// Reader does something with each event. Work and Keep get the same batches: events
// one after the other, oldest first, at most 1,000. A batch whose Work or Keep failed
// comes again, perhaps with more events behind it.
type Reader struct {
	Name string // one of this package; a new one begins with the oldest event there is

	// Work does what is no row of the store, or has transactions of its own. It runs
	// before Keep, and again when left4me ends between the two: it must be safe to
	// repeat. nil: nothing.
	Work func(ctx context.Context, batch []left4me.Event) error

	// Keep writes rows through tx, and nothing else: they are there exactly once,
	// together with the position of the reader. nil: nothing.
	Keep func(ctx context.Context, tx *store.Store, batch []left4me.Event) error

	most int // events in a batch; 0 is the usual
}

// Run reads until ctx ends, and returns then. What fails is logged and tried again,
// less often each time, up to every 30 s; it holds up nobody but this reader.
func (r Reader) Run(ctx context.Context, st *store.Store, log *slog.Logger) {
	r.run(ctx, st.Events(), log, firstWait)
}

func (r Reader) run(ctx context.Context, from store.Events, log *slog.Logger, first time.Duration) {
	wake := from.Listen(ctx) // before reading: what is written meanwhile wakes
	wait := first
	for {
		batch := requestid.Ensure(ctx)
		n, err := r.next(batch, from)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.ErrorContext(batch, "events are read again", "reader", r.Name, "in", wait, "err", err)
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return
			}
			wait = min(2*wait, longestWait)
			continue
		}
		wait = first
		if n > 0 {
			continue
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return
		}
	}
}

// next does one batch, and returns how many events were in it.
func (r Reader) next(ctx context.Context, from store.Events) (int, error) {
	at, err := from.Position(ctx, r.Name)
	if err != nil {
		return 0, err
	}
	events, err := from.After(ctx, at, cmp.Or(r.most, batch))
	if err != nil || len(events) == 0 {
		return 0, err
	}
	if r.Work != nil {
		if err := r.Work(ctx, events); err != nil {
			return 0, err
		}
	}
	var keep func(context.Context, *store.Store) error
	if r.Keep != nil {
		keep = func(ctx context.Context, tx *store.Store) error { return r.Keep(ctx, tx, events) }
	}
	return len(events), from.Advance(ctx, r.Name, at, events[len(events)-1].Position, keep)
}

// Prune forgets readers that there are no more, and removes old events every hour until
// ctx ends.
func Prune(ctx context.Context, st *store.Store, log *slog.Logger) {
	forgotten := false
	periodic.Run(ctx, periodic.Schedule{Every: pruneEvery, AtOnce: true}, func(ctx context.Context) {
		var err error
		if !forgotten {
			err = st.Events().KeepReaders(ctx, readers)
			forgotten = err == nil
		}
		n, perr := st.Events().Prune(ctx, Keep, time.Now().Add(-KeepFor))
		if err = errors.Join(err, perr); err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "remove old events", "err", err)
		}
		if n > 0 {
			log.InfoContext(ctx, "old events removed", "events", n)
		}
	})
}
