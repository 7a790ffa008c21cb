package uploads

import "time"

// SetNow has another clock.
func (u *Uploads) SetNow(now func() time.Time) { u.now = now }

// SetFree has another disk.
func (u *Uploads) SetFree(free func() (int64, error)) { u.free = free }

// Sweep does what Run does now and then.
func (u *Uploads) Sweep() { u.sweep() }

// CheckPath is checkPath.
var CheckPath = checkPath
