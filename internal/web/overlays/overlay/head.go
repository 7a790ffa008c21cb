package overlay

import (
	"context"

	"github.com/left4me/left4me/internal/control/accounts"
)

// headWhy returns the reason why the user may not use the button in the header, or "".
func (o Page) headWhy(ctx context.Context) string {
	if !o.DeletedAt.IsZero() {
		return o.May(accounts.Manage).Why(ctx)
	}
	return o.May(accounts.Content).Why(ctx)
}
