package uploads

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/hostfs"
)

// SetNow replaces the clock.
func (u *Uploads) SetNow(now func() time.Time) { u.now = now }

// SetFree replaces the source of the free disk space.
func (u *Uploads) SetFree(free func() int64) {
	u.free = func(context.Context) (hostfs.Space, error) { return hostfs.Space{Free: free()}, nil }
}

// Sweep runs one sweep, as Run does periodically.
func (u *Uploads) Sweep() { u.sweep(context.Background()) }

// CheckPath exports checkPath.
var CheckPath = checkPath
