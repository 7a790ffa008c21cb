package accounts

import (
	"context"
	"iter"

	"github.com/left4me/left4me/internal/store"
)

// Watch gives a value whenever a user, a session or a token may be another, until
// ctx ends. Several changes while the caller is busy are one. It must be ranged over
// once.
func (a *Accounts) Watch(ctx context.Context) iter.Seq[struct{}] {
	return store.Rings(ctx, a.storage.Listen(ctx, "user", "session", "token"), nil)
}
