// Package terminal runs programs that print as people like to read it: on a
// pseudo-terminal, so that they print at once rather than by the block, and with
// what they print made into clean lines.
package terminal

import (
	"errors"
	"fmt"
	"os"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// Open opens a pseudo-terminal that neither repeats what is typed nor changes
// what is printed: the end that we keep, which knows deadlines, and the one for
// the program.
func Open() (ours, theirs *os.File, err error) {
	ours, theirs, err = pty.Open()
	if err != nil {
		return nil, nil, fmt.Errorf("terminal: %w", err)
	}
	if err := quiet(theirs); err != nil {
		return nil, nil, fmt.Errorf("terminal: %w", errors.Join(err, ours.Close(), theirs.Close()))
	}
	return ours, theirs, nil
}

func quiet(tty *os.File) error {
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
