package bus

import (
	"context"
	"log/slog"
)

// OpenSmall is Open with a smaller bound of messages.
func OpenSmall(ctx context.Context, dir string, log *slog.Logger, payload int32) (*Bus, error) {
	return open(ctx, dir, "", log, payload)
}

// Broken says why the store takes no messages, or nothing.
func (b *Bus) Broken() error { return b.broken() }

// Unbegin makes every consumption one that could not begin.
func (b *Bus) Unbegin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.all {
		c.running.Stop()
		c.running = nil
	}
}
