package backups

import (
	"context"
	"time"
)

// Tick runs one pass of the schedule.
func (b *Backups) Tick(ctx context.Context) time.Duration { return b.tick(ctx) }
