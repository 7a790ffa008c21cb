package disk

import (
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// copyAtOnce is the number of bytes copied between two checks of the context and the disk.
const copyAtOnce = 16 << 20

// Fits checks that more bytes can be written to the file system of path without using the margin
// that Room returns. Errors: left4me.DiskFull.
func Fits(path string, more int64) error {
	free, margin, err := Room(path)
	if err == nil && free-more < margin {
		err = Full(path, more+margin, nil)
	}
	return err
}

// Copy copies the first size bytes of from to the empty file to. Holes stay holes, and another
// process may write to from at the same time. Copy calls said, unless nil, with the number of bytes
// processed so far. It returns the number of bytes processed, which is less than size if from was
// truncated. Errors: that of ctx, and left4me.DiskFull before the margin of the disk is used.
func Copy(ctx context.Context, to, from *os.File, size int64, said func(bytes int64)) (n int64, err error) {
	if said == nil {
		said = func(int64) {}
	}
	for n < size {
		begin, end, err := nextData(from, n, size)
		if err != nil {
			return n, err
		}
		if n = begin; n == size {
			break
		}
		whole, err := copyData(ctx, to, from, n, end, said)
		if n = whole; err != nil {
			return n, err
		}
		if whole < end { // the file was truncated
			size = whole
		}
	}
	if st, err := from.Stat(); err == nil {
		n = min(n, st.Size())
	}
	said(n)
	return n, explain(to, to.Truncate(n))
}

// copyData copies a part of a file and returns the offset at which it stopped.
func copyData(ctx context.Context, to, from *os.File, at, end int64, said func(int64)) (int64, error) {
	for _, f := range []*os.File{from, to} {
		if _, err := f.Seek(at, io.SeekStart); err != nil {
			return at, err
		}
	}
	for at < end {
		if err := context.Cause(ctx); err != nil {
			return at, err
		}
		more := min(end-at, copyAtOnce)
		if err := Fits(to.Name(), more); err != nil {
			return at, err
		}
		n, err := io.CopyN(to, from, more)
		at += n
		said(at)
		if errors.Is(err, io.EOF) {
			return at, nil
		}
		if err != nil {
			return at, explain(to, err)
		}
	}
	return at, nil
}

// nextData returns the begin and end of the next part of a file that is not a hole; both are size
// if there is none. If the file system cannot report holes, everything counts as data.
func nextData(f *os.File, at, size int64) (begin, end int64, err error) {
	begin, err = unix.Seek(int(f.Fd()), at, unix.SEEK_DATA)
	switch {
	case errors.Is(err, unix.ENXIO): // only a hole follows
		return size, size, nil
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOTSUP):
		return at, size, nil
	case err != nil:
		return 0, 0, &os.PathError{Op: "seek", Path: f.Name(), Err: err}
	case begin >= size:
		return size, size, nil
	}
	if end, err = unix.Seek(int(f.Fd()), begin, unix.SEEK_HOLE); err != nil {
		return begin, size, nil //nolint:nilerr // the file was truncated in the meantime
	}
	return begin, min(end, size), nil
}

func explain(f *os.File, err error) error {
	if IsFull(err) {
		return Full(f.Name(), 0, err)
	}
	return err
}
