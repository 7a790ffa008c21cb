package bus

import (
	"context"
	"log/slog"
)

// OpenSmall is Open with a smaller bound of messages.
func OpenSmall(ctx context.Context, dir string, log *slog.Logger, payload int32) (*Bus, error) {
	return open(ctx, dir, "", log, payload)
}
