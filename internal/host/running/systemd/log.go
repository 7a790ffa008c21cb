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

// OutliveLog keeps this process alive when what reads its standard output and
// error is gone: Go ends a program that writes to it by SIGPIPE then. So it is
// when systemd-journald is stopped and started: the streams of services are kept
// over its restart only. Programs that this one starts get SIGPIPE as usual;
// signal.Ignore would have them ignore it.
func OutliveLog() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// Log is where to write the log: standard error, one line in each Write. When
// journald has let go of the stream that standard error is, lines go to its
// socket.
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
