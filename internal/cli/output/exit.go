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
	ExitInterrupted = 130 // what a shell says of a program that SIGINT ended
)

// ExitCodes says what each exit code means, one on a line.
const ExitCodes = `  0  it is done
  1  it failed: the job failed, was cancelled or interrupted, or doctor, reach or vpk verify found something broken
  2  the command line, a setting or a value is wrong
  3  there is no such thing
  4  conflict: it is taken, or not possible as things are
  5  denied, or not logged in
  6  left4me, or something that it needs, is not reachable or does not answer in time
  7  busy: try again later
130  interrupted by a signal
`

// codes is the one table of what a kind of failure is as an exit code.
var codes = map[left4me.Kind]int{
	left4me.Invalid:     ExitUsage,
	left4me.NotFound:    ExitNotFound,
	left4me.Conflict:    ExitConflict,
	left4me.Denied:      ExitDenied,
	left4me.Unavailable: ExitUnavailable,
	left4me.DiskFull:    ExitFailed,
	left4me.Busy:        ExitBusy,
}

// Failures are failures of one command on several things.
type Failures []error

func (s Failures) Error() string { return errors.Join(s...).Error() }

func (s Failures) Unwrap() []error { return s }

// Err is nothing, the one failure, or all of them.
func (s Failures) Err() error {
	switch len(s) {
	case 0:
		return nil
	case 1:
		return s[0]
	}
	return s
}

// exitCode is that of all failures when they are of one kind.
func (s Failures) exitCode() int {
	code := ExitCode(s[0])
	for _, err := range s[1:] {
		if ExitCode(err) != code {
			return ExitFailed
		}
	}
	return code
}

// ErrFailed is a failure that has been told already.
var ErrFailed = errors.New("failed")

// ExitCode is the exit code for an error of a command.
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

// Report writes what went wrong, a line for each failure, and returns the exit code.
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
