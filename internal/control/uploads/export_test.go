package uploads

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/hostfs"
)

// SetNow has another clock.
func (u *Uploads) SetNow(now func() time.Time) { u.now = now }

// SetFree has another disk.
func (u *Uploads) SetFree(free func() int64) {
	u.free = func(context.Context) (hostfs.Space, error) { return hostfs.Space{Free: free()}, nil }
}

// Sweep does what Run does now and then.
func (u *Uploads) Sweep() { u.sweep(context.Background()) }

// CheckPath is checkPath.
var CheckPath = checkPath
