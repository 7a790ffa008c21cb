package bus

import (
	"context"
	"log/slog"
)

// OpenSmall is like Open with a lower limit for messages.
func OpenSmall(ctx context.Context, dir string, log *slog.Logger, payload int32) (*Bus, error) {
	return open(ctx, dir, "", log, payload)
}

// Broken returns why the store accepts no messages, or nil.
func (b *Bus) Broken() error { return b.broken() }

// Unbegin makes every consumption look as if it could not start.
func (b *Bus) Unbegin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.all {
		c.running.Stop()
		c.running = nil
	}
}
