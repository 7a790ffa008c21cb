package accounts

import (
	"context"
	"iter"

	"github.com/left4me/left4me/internal/store"
)

// Watch yields a value whenever a user, session or token may have changed, until ctx ends. Changes
// while the caller is busy are coalesced. The sequence may be ranged over only once.
func (a *Accounts) Watch(ctx context.Context) iter.Seq[struct{}] {
	return store.Rings(ctx, a.storage.Listen(ctx, "user", "session", "token"), nil)
}
