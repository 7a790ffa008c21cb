package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// MaxLog is how many bytes from the beginning of a script's output are kept. If there is more, the
	// last maxTail bytes are kept as well.
	MaxLog  = 8 << 20
	maxTail = 16 << 10
)

// outputLog copies a pipe to the log, up to the limit.
type outputLog struct {
	pipe *os.File // write end, for the script
	read *os.File
	file *os.File
	done chan error
}

func openLog(dir string) (*outputLog, error) {
	file, err := os.OpenFile(filepath.Join(dir, LogName), os.O_WRONLY|os.O_APPEND|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	l := &outputLog{pipe: w, read: r, file: file, done: make(chan error, 1)}
	go func() { l.done <- l.copy() }()
	return l, nil
}

func (l *outputLog) copy() error {
	var wrong error
	write := func(b []byte) {
		if wrong == nil { // the script continues all the same
			_, wrong = l.file.Write(b)
		}
	}
	buf, tail := make([]byte, 64<<10), []byte(nil)
	for kept, left := 0, 0; ; {
		n, err := l.read.Read(buf)
		b := buf[:n]
		if k := min(n, MaxLog-kept); k > 0 {
			write(b[:k])
			kept, b = kept+k, b[k:]
		}
		left += len(b)
		tail = append(tail, b...)
		tail = tail[max(0, len(tail)-maxTail):]
		if err == nil {
			continue
		}
		if left > len(tail) {
			write(fmt.Appendf(nil, "\n[%d more bytes are left out here]\n", left-len(tail)))
		}
		write(tail)
		return wrong // wrong is nil at the end of the pipe, or if a process keeps it open past the deadline
	}
}

// close returns when all output is written. It doesn't wait for processes that keep the pipe open.
func (l *outputLog) close() error {
	err := l.pipe.Close()
	_ = l.read.SetReadDeadline(time.Now().Add(endWithin))
	return errors.Join(err, <-l.done, l.read.Close(), l.file.Close())
}
