package overlays

import (
	"github.com/left4me/left4me/internal/disk"
)

// room says whether so many bytes may be written: servers write to the same
// disk, so a margin stays free. Errors: left4me.DiskFull.
func (s *Repository) room(need int64) error { return disk.Fits(s.root, need) }

// full makes of an error for want of space one that says so; need is 0 when it
// isn't known.
func (s *Repository) full(err error, need int64) error {
	if !disk.IsFull(err) {
		return err
	}
	return disk.Full(s.root, need, err)
}
