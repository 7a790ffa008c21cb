package overlay

import (
	"context"

	"github.com/left4me/left4me/internal/control/accounts"
)

// headWhy is why somebody may not do what the head of the page offers.
func (o Page) headWhy(ctx context.Context) string {
	if !o.DeletedAt.IsZero() {
		return o.May(accounts.Manage).Why(ctx)
	}
	return o.May(accounts.Content).Why(ctx)
}
