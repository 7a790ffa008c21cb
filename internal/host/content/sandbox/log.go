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
	// MaxLog is how much of what a script prints is kept from its beginning, and
	// maxTail how much of its end if it was more.
	MaxLog  = 8 << 20
	maxTail = 16 << 10
)

// logged writes what comes through a pipe to the log, and no more than is of use
// to anybody.
type logged struct {
	pipe *os.File // for the script
	read *os.File
	file *os.File
	done chan error
}

func openLog(dir string) (*logged, error) {
	file, err := os.OpenFile(filepath.Join(dir, LogName), os.O_WRONLY|os.O_APPEND|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	l := &logged{pipe: w, read: r, file: file, done: make(chan error, 1)}
	go func() { l.done <- l.copy() }()
	return l, nil
}

func (l *logged) copy() error {
	var wrong error
	write := func(b []byte) {
		if wrong == nil { // the script may go on all the same
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
		return wrong // the end, or that somebody keeps the pipe
	}
}

// close returns when all is written. Who still has the pipe is not waited for.
func (l *logged) close() error {
	err := l.pipe.Close()
	_ = l.read.SetReadDeadline(time.Now().Add(endWithin))
	return errors.Join(err, <-l.done, l.read.Close(), l.file.Close())
}
