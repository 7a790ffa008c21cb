package systemd

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/coreos/go-systemd/v22/journal"
)

// OutliveLog keeps this process alive if the reader of its standard output or error is closed: Go would
// end the program with SIGPIPE at the next write. This happens when systemd-journald is stopped and
// started, since it keeps the streams of services only across a restart. Child processes handle SIGPIPE
// as usual; with signal.Ignore they would ignore it.
func OutliveLog() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// Log returns the writer for the log: standard error, with one line per Write. If standard error is a
// journal stream that journald has closed, lines are sent to journald's socket.
func Log() io.Writer {
	if ours, err := journal.StderrIsJournalStream(); err != nil || !ours {
		return os.Stderr
	}
	return logWriter{os.Stderr, func(line string) error {
		return journal.Send(line, journal.PriInfo, map[string]string{"SYSLOG_IDENTIFIER": "left4me"})
	}}
}

type logWriter struct {
	stream io.Writer
	send   func(line string) error
}

func (w logWriter) Write(p []byte) (int, error) {
	n, err := w.stream.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		n, err = len(p), w.send(strings.TrimSuffix(string(p), "\n"))
	}
	return n, err
}
