// Package terminal provides pseudo-terminals for programs, and turns their output into clean lines. On
// a terminal, programs flush each line instead of buffering blocks.
package terminal

import (
	"errors"
	"fmt"
	"os"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// Open opens a pseudo-terminal without echo and output processing. It returns our end, which supports
// deadlines, and the end for the program.
func Open() (ours, theirs *os.File, err error) {
	ours, theirs, err = pty.Open()
	if err != nil {
		return nil, nil, fmt.Errorf("terminal: %w", err)
	}
	if err := disableEcho(theirs); err != nil {
		return nil, nil, fmt.Errorf("terminal: %w", errors.Join(err, ours.Close(), theirs.Close()))
	}
	return ours, theirs, nil
}

func disableEcho(tty *os.File) error {
	raw, err := tty.SyscallConn()
	if err != nil {
		return err
	}
	var errTerm error
	err = raw.Control(func(fd uintptr) {
		t, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
		if err != nil {
			errTerm = err
			return
		}
		t.Lflag &^= unix.ECHO | unix.ECHONL
		t.Oflag &^= unix.OPOST
		errTerm = unix.IoctlSetTermios(int(fd), unix.TCSETS, t)
	})
	return errors.Join(err, errTerm)
}
