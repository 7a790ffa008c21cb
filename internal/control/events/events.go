// Package events delivers events to the parts of left4me that must not miss any.
//
// Every change writes its event in the same transaction of the store. A Reader gets the events in
// commit order and saves its position in the transaction that handles them, so a process killed at
// any moment resumes exactly where it stopped. Pages and streams, which only show the current
// state, use the watchers of the packages instead.
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

// Names of all readers. At start, left4me forgets the position of any other reader, so that no
// events are kept for it.
const (
	GameReader     = "game"     // builds and their rollouts
	OverlaysReader = "overlays" // rollouts of revisions
	ServersReader  = "servers"  // deleted servers, and names on hosts
)

var readers = []string{GameReader, OverlaysReader, ServersReader}

// Retention of events: the newest Keep events that are at most KeepFor old. Events that a reader
// hasn't read are kept.
const (
	Keep    = 200_000
	KeepFor = 365 * 24 * time.Hour
)

const (
	pruneEvery  = time.Hour
	batch       = 1000 // events per call
	firstWait   = 200 * time.Millisecond
	longestWait = 30 * time.Second
)

// Reader processes each event. Work and Keep get the same batches of at most 1,000 consecutive
// events, oldest first. A batch whose Work or Keep failed is repeated, possibly with more events
// appended.
type Reader struct {
	Name string // one of the names in this package; a new reader begins with the oldest event

	// Work does what isn't a row of the store, or uses transactions of its own. It runs before
	// Keep, and runs again if left4me exits between the two, so it must be safe to repeat. It may
	// be nil.
	Work func(ctx context.Context, batch []left4me.Event) error

	// Keep writes rows through tx and does nothing else. They are committed exactly once, together
	// with the position of the reader. It may be nil.
	Keep func(ctx context.Context, tx *store.Store, batch []left4me.Event) error

	most int // events per batch; 0 is the default
}

// Run processes events until ctx ends. Errors are logged and retried with back-off up to 30 s; they
// delay no other reader.
func (r Reader) Run(ctx context.Context, st *store.Store, log *slog.Logger) {
	r.run(ctx, st.Events(), log, firstWait)
}

func (r Reader) run(ctx context.Context, from store.Events, log *slog.Logger, first time.Duration) {
	wake := from.Listen(ctx) // before reading, so that events written during the read wake it
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

// next processes one batch and returns the number of events in it.
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

// Prune forgets unknown readers once, and removes old events every hour until ctx ends.
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
