package overlay

import "github.com/left4me/left4me/internal/control/accounts"

// headWhy is why somebody may not do what the head of the page offers.
func (o Page) headWhy() string {
	if !o.DeletedAt.IsZero() {
		return o.May(accounts.Manage).Why
	}
	return o.May(accounts.Content).Why
}
