package output

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/left4me/left4me/internal/left4me"
)

// The exit codes.
const (
	ExitFailed      = 1
	ExitUsage       = 2
	ExitNotFound    = 3
	ExitConflict    = 4
	ExitDenied      = 5
	ExitUnavailable = 6
	ExitBusy        = 7
	ExitInterrupted = 130 // what shells report for a program ended by SIGINT
)

// ExitCodes lists the meaning of each exit code, one per line.
const ExitCodes = `  0  success
  1  failure: the job failed, was cancelled or interrupted, or doctor, reach or vpk verify found a problem
  2  invalid command line, setting or value
  3  not found
  4  conflict: already in use, or not possible in the current state
  5  permission denied, or not signed in
  6  left4me or a service that it needs is unreachable or timed out
  7  busy: try again later
130  interrupted by a signal
`

// codes maps kinds of failures to exit codes.
var codes = map[left4me.Kind]int{
	left4me.Invalid:     ExitUsage,
	left4me.NotFound:    ExitNotFound,
	left4me.Conflict:    ExitConflict,
	left4me.Denied:      ExitDenied,
	left4me.Unavailable: ExitUnavailable,
	left4me.DiskFull:    ExitFailed,
	left4me.Busy:        ExitBusy,
}

// Failures are the failures of one command on several objects.
type Failures []error

func (s Failures) Error() string { return errors.Join(s...).Error() }

func (s Failures) Unwrap() []error { return s }

// Err returns nil, the single failure, or all of them.
func (s Failures) Err() error {
	switch len(s) {
	case 0:
		return nil
	case 1:
		return s[0]
	}
	return s
}

// exitCode returns the exit code that all failures have in common, or ExitFailed.
func (s Failures) exitCode() int {
	code := ExitCode(s[0])
	for _, err := range s[1:] {
		if ExitCode(err) != code {
			return ExitFailed
		}
	}
	return code
}

// ErrFailed reports a failure whose message was already printed.
var ErrFailed = errors.New("failed")

// ExitCode returns the exit code for the error of a command.
func ExitCode(err error) int {
	var e *left4me.Error
	var all Failures
	switch {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.As(err, &all):
		return all.exitCode()
	case errors.Is(err, context.DeadlineExceeded):
		return ExitUnavailable
	case errors.As(err, &e):
		if code, ok := codes[e.Kind]; ok {
			return code
		}
	}
	return ExitFailed
}

// Report prints the error, one line per failure, and returns the exit code.
func Report(w io.Writer, err error) int {
	var all Failures
	if errors.As(err, &all) {
		for _, one := range all {
			Report(w, one)
		}
		return ExitCode(err)
	}
	if err != nil && !errors.Is(err, ErrFailed) {
		fmt.Fprintf(w, "left4me: %s\n", OneLine(err.Error()))
	}
	return ExitCode(err)
}
