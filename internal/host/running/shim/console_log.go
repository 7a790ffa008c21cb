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

// logFile is the console on disk. console.log is the current piece; rotated pieces are called
// console.log.N, where N is the position at which the piece ends. File names alone therefore give the
// position of each piece, even if pieces were removed, compressed (console.log.N.zst) or truncated by a
// full disk. The position of console.log starts at the greatest N.
//
// A hostile plugin may be able to write to the directory, so symbolic links aren't followed and only
// regular files are opened.
type logFile struct {
	dir   *os.File
	limit int64 // size in bytes at which a piece is rotated
	keep  int   // number of rotated pieces to retain

	f     *os.File // nil if the file could not be opened
	start int64
	size  int64
	torn  bool // the last write ended in the middle of a line
}

// piece is one file of the log.
type piece struct {
	name  string
	start int64 // derived from the size for the first piece; see pieces
	end   int64
	plain bool
}

// openLog opens the log in dir and takes ownership of dir.
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

// end returns the position after the last byte that was written.
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
	// A shim that was killed during a write left an incomplete line.
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

// write appends p, which begins at the position at. If the log ends elsewhere, it has a gap and a new
// piece begins. The returned count is valid even if write fails.
func (l *logFile) write(at int64, p []byte) (int, error) {
	if l.f == nil {
		if err := l.open(); err != nil {
			return 0, err
		}
	}
	// Never split a line across pieces: readers return whole lines of one piece.
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

// rotate renames the current piece and begins a new one at the position next.
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

// expire removes the oldest pieces above the limit. Errors are ignored, because the next rotation tries
// again.
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

// pieces lists the files of the log, oldest first. The start of the first one is derived from its size.
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
		if i > 0 && p.end == out[i-1].end { // compression is in progress: both files exist
			p.start = out[i-1].start
		}
		start = p.end
		if i == 0 { // the piece before it no longer exists
			var st unix.Stat_t
			if err := unix.Fstatat(int(l.dir.Fd()), p.name, &st, unix.AT_SYMLINK_NOFOLLOW); err == nil {
				p.start = max(0, p.end-st.Size)
			}
		}
	}
	return append(out, piece{name: logName, start: start, end: 1 << 61, plain: true}), nil
}

// read reads whole lines into buf, from the position after or from the first later position that the
// log still has. It stops before limit and returns n == 0 if there is nothing to read.
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
