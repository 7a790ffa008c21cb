package shim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/running/gameuser"
)

const logName = "console.log"

// logFile is the console on disk: console.log, and beside it the older pieces,
// console.log.N, where N is the position that the piece ends at. So the
// directory alone says where each piece stands in the whole, also when pieces
// were removed, compressed (console.log.N.zst) or left short by a full disk.
// The size of console.log counts from the greatest N.
//
// The directory may be writable by a hostile plugin: no link is followed, and
// what is no regular file is not opened.
type logFile struct {
	dir   *os.File
	limit int64 // size at which a piece is complete
	keep  int   // older pieces that stay

	f     *os.File // nil while it could not be opened
	start int64
	size  int64
	torn  bool // the last write ended in the middle of a line
}

// piece is one file of the log.
type piece struct {
	name  string
	start int64 // as far as it can be known
	end   int64
	plain bool
}

// openLog opens the log in dir, which it keeps.
func openLog(dir *os.File, limit int64, keep int) (*logFile, error) {
	l := &logFile{dir: dir, limit: limit, keep: keep}
	pieces, err := l.pieces()
	if err != nil {
		return nil, err
	}
	for _, p := range pieces {
		if p.name != logName {
			l.start = p.end
		}
	}
	if err := l.open(); err != nil && !noSpace(err) {
		return nil, err
	}
	return l, nil
}

// end is the position behind the last byte that was written.
func (l *logFile) end() int64 { return l.start + l.size }

func (l *logFile) open() error {
	f, err := gameuser.OpenAt(l.dir, logName, unix.O_RDWR|unix.O_APPEND|unix.O_CREAT)
	if err != nil {
		return fmt.Errorf("console log: %w", err)
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return fmt.Errorf("console log: %w", err)
	}
	l.f, l.size, l.torn = f, st.Size(), false
	// A shim that was killed in the middle of a write left half a line.
	var last [1]byte
	if l.size > 0 {
		if _, err := f.ReadAt(last[:], l.size-1); err == nil && last[0] != '\n' {
			n, _ := f.Write([]byte("\n"))
			l.size += int64(n)
		}
	}
	return nil
}

func (l *logFile) close() {
	if l.f != nil {
		l.f.Close()
	}
	l.dir.Close()
}

// write appends p, which begins at the position at. When that isn't where the
// log ends, the log has a gap and begins a new piece. It says how much of p was
// written also when it fails.
func (l *logFile) write(at int64, p []byte) (int, error) {
	if l.f == nil {
		if err := l.open(); err != nil {
			return 0, err
		}
	}
	// A line stays in one piece: readers give whole lines of a piece.
	if l.size >= l.limit && !l.torn || l.end() != at {
		if err := l.rotate(at); err != nil {
			return 0, err
		}
	}
	n, err := l.f.Write(p)
	n = max(n, 0)
	l.size += int64(n)
	if n > 0 {
		l.torn = p[n-1] != '\n'
	}
	return n, err
}

// rotate puts the current piece aside and begins one at the position next.
func (l *logFile) rotate(next int64) error {
	old := logName + "." + strconv.FormatInt(next, 10)
	d := int(l.dir.Fd())
	if err := unix.Renameat(d, logName, d, old); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("rotate console log: %w", err)
	}
	l.f.Close()
	l.f, l.start, l.size = nil, next, 0
	err := l.open()
	l.expire()
	return err
}

// expire removes the pieces that are too many. That it could not is no reason
// to stop writing: the next rotation tries again.
func (l *logFile) expire() {
	pieces, err := l.pieces()
	if err != nil {
		return
	}
	old := slices.DeleteFunc(pieces, func(p piece) bool { return p.name == logName })
	for i := 0; i < len(old)-l.keep; i++ {
		_ = unix.Unlinkat(int(l.dir.Fd()), old[i].name, 0)
	}
}

// pieces lists the files of the log, oldest first.
func (l *logFile) pieces() ([]piece, error) {
	d, err := gameuser.OpenAt(l.dir, ".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, fmt.Errorf("console log: %w", err)
	}
	defer d.Close()
	names, err := d.Readdirnames(10_000)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("console log: %w", err)
	}
	var out []piece
	for _, name := range names {
		rest, ok := strings.CutPrefix(name, logName+".")
		if !ok {
			continue
		}
		digits, compressed := strings.CutSuffix(rest, ".zst")
		end, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || end < 0 || end > 1<<60 {
			continue
		}
		out = append(out, piece{name: name, end: end, plain: !compressed})
	}
	slices.SortFunc(out, func(a, b piece) int { return int(min(max(a.end-b.end, -1), 1)) })
	var start int64
	for i := range out {
		p := &out[i]
		p.start = start
		if i > 0 && p.end == out[i-1].end { // it is being compressed
			p.start = out[i-1].start
		}
		start = p.end
		if i == 0 { // of the one before nothing is left
			var st unix.Stat_t
			if err := unix.Fstatat(int(l.dir.Fd()), p.name, &st, unix.AT_SYMLINK_NOFOLLOW); err == nil {
				p.start = max(0, p.end-st.Size)
			}
		}
	}
	return append(out, piece{name: logName, start: start, end: 1 << 61, plain: true}), nil
}

// read reads whole lines from the position after, or from the first position
// behind it that the log still has, into buf. It reads what is before limit, and
// gives nothing when there is nothing.
func (l *logFile) read(after, limit int64, buf []byte) (at int64, n int) {
	pieces, err := l.pieces()
	if err != nil {
		return after, 0
	}
	for _, p := range pieces {
		if p.end <= after || !p.plain {
			continue
		}
		at = max(after, p.start)
		if at >= limit {
			return after, 0
		}
		if n = l.readPiece(p, at, buf[:min(int64(len(buf)), limit-at)]); n > 0 {
			return at, n
		}
	}
	return after, 0
}

func (l *logFile) readPiece(p piece, at int64, buf []byte) int {
	f, err := gameuser.OpenAt(l.dir, p.name, unix.O_RDONLY)
	if err != nil {
		return 0
	}
	defer f.Close()
	n, err := f.ReadAt(buf, at-p.start)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0
	}
	return bytes.LastIndexByte(buf[:n], '\n') + 1
}

func noSpace(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG)
}
