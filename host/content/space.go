package content

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me"
)

// room says whether so many bytes may be written: servers write to the same
// disk, so 1 GiB, or a fiftieth of a small one, stays free. Errors:
// left4me.Unavailable with the bytes that are missing.
func (s *Shelf) room(need int64) error {
	free, reserve, err := s.space()
	if err != nil {
		return err
	}
	if free-need < reserve {
		return full(reserve + need - free)
	}
	return nil
}

func (s *Shelf) space() (free, reserve int64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(s.root, &st); err != nil {
		return 0, 0, fmt.Errorf("disk space: %w", err)
	}
	return int64(st.Bavail) * st.Bsize, min(1<<30, int64(st.Blocks)*st.Bsize/50), nil
}

// full makes of an error for want of space one that says how much is missing.
func (s *Shelf) full(err error, need int64) error {
	if !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EDQUOT) {
		return err
	}
	free, reserve, serr := s.space()
	if serr != nil {
		return err
	}
	return full(max(need-free+reserve, 1))
}

func full(missing int64) error {
	return &left4me.Error{
		Kind: left4me.Unavailable, Err: unix.ENOSPC,
		Text: fmt.Sprintf("the disk has no room for it: %.1f MB are missing", float64(max(missing, 100_000))/1e6), Hint: "make room and try again",
	}
}
