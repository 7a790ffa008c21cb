package backups

import (
	"context"
	"time"
)

// Tick is what Run does each time.
func (b *Backups) Tick(ctx context.Context) time.Duration { return b.tick(ctx) }
