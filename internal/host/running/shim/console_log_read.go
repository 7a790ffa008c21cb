package shim

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/running/gameuser"
	"github.com/left4me/left4me/internal/host/running/terminal"
)

// ReadLog reads the console of a stopped server from the directory of its logs: the output after the
// given position, or the newest output if after is negative or beyond the end, as after a restart of
// the console. It returns whole lines, about limit bytes at most, and never waits. Positions are the
// same as those of the shim. Symbolic links aren't followed.
func ReadLog(dir string, after int64, limit int) (Chunk, error) {
	f, err := openLogs(dir)
	if errors.Is(err, os.ErrNotExist) {
		return Chunk{}, nil // the server never ran
	}
	if err != nil {
		return Chunk{}, err
	}
	defer f.Close()
	l := &logFile{dir: f}
	end, err := l.wholeEnd()
	if err != nil {
		return Chunk{}, err
	}
	if after == end {
		return Chunk{After: after, Position: after}, nil
	}
	buf := make([]byte, min(max(limit, minChunk), MaxChunk))
	newest := after < 0 || after > end
	if newest {
		after = max(0, end-int64(len(buf)))
	}
	at, n := l.read(after, end, buf)
	for n > 0 && n < len(buf) { // continue in the next piece
		next, m := l.read(at+int64(n), end, buf[n:])
		if m == 0 || next != at+int64(n) {
			break
		}
		n += m
	}
	buf = buf[:n]
	if newest && at == after && at > 0 { // the first line is incomplete
		i := bytes.IndexByte(buf, '\n') + 1
		at, buf = at+int64(i), buf[i:]
	}
	k := Chunk{After: at, Position: at + int64(len(buf)), Lines: string(buf)}
	if !newest {
		k.Lost = at - after
	}
	return k, nil
}

// wholeEnd returns the position after the last complete line. An incomplete line after it was cut off
// by a kill; the next shim completes it with a line feed.
func (l *logFile) wholeEnd() (int64, error) {
	pieces, err := l.pieces()
	if err != nil {
		return 0, err
	}
	last := pieces[len(pieces)-1]
	f, err := gameuser.OpenAt(l.dir, last.name, unix.O_RDONLY)
	if errors.Is(err, os.ErrNotExist) {
		return last.start, nil
	}
	if err != nil {
		return 0, fmt.Errorf("console log: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("console log: %w", err)
	}
	var tail [2 * terminal.MaxLine]byte
	from := max(0, st.Size()-int64(len(tail)))
	n, _ := f.ReadAt(tail[:], from)
	return last.start + from + int64(bytes.LastIndexByte(tail[:n], '\n')) + 1, nil
}

// openLogs opens the directory that contains a server's logs.
func openLogs(dir string) (*os.File, error) {
	f, err := gameuser.OpenDir(filepath.Dir(dir), filepath.Base(dir))
	if err != nil {
		return nil, fmt.Errorf("console log: %w", err)
	}
	return f, nil
}
