package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// The exit codes.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitConflict    = 4
	exitDenied      = 5
	exitUnavailable = 6
	exitBusy        = 7
	exitInterrupted = 130 // what a shell says of a program that SIGINT ended
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
	left4me.Invalid:     exitUsage,
	left4me.NotFound:    exitNotFound,
	left4me.Conflict:    exitConflict,
	left4me.Denied:      exitDenied,
	left4me.Unavailable: exitUnavailable,
	left4me.DiskFull:    exitFailed,
	left4me.Busy:        exitBusy,
}

// several are failures of one command on several things.
type several []error

func (s several) Error() string { return errors.Join(s...).Error() }

func (s several) Unwrap() []error { return s }

// err is nothing, the one failure, or all of them.
func (s several) err() error {
	switch len(s) {
	case 0:
		return nil
	case 1:
		return s[0]
	}
	return s
}

// exitCode is that of all failures when they are of one kind.
func (s several) exitCode() int {
	code := ExitCode(s[0])
	for _, err := range s[1:] {
		if ExitCode(err) != code {
			return exitFailed
		}
	}
	return code
}

// ErrFailed is a failure that has been told already.
var ErrFailed = errors.New("failed")

// ExitCode is the exit code for an error of a command.
func ExitCode(err error) int {
	var e *left4me.Error
	var all several
	switch {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &all):
		return all.exitCode()
	case errors.Is(err, context.DeadlineExceeded):
		return exitUnavailable
	case errors.As(err, &e):
		if code, ok := codes[e.Kind]; ok {
			return code
		}
	}
	return exitFailed
}

// Report writes what went wrong, a line for each failure, and returns the exit code.
func Report(w io.Writer, err error) int {
	var all several
	if errors.As(err, &all) {
		for _, one := range all {
			Report(w, one)
		}
		return ExitCode(err)
	}
	if err != nil && !errors.Is(err, ErrFailed) {
		fmt.Fprintf(w, "left4me: %s\n", oneLine(err.Error()))
	}
	return ExitCode(err)
}

// jobError is a job that did not end well. It hides the kind of the job's own
// error: whatever the reason, the job failed.
type jobError struct{ job left4me.Job }

func (e *jobError) Error() string {
	text := "the job " + string(e.job.State)
	switch {
	case e.job.State == left4me.JobFailed && e.job.Error != nil:
		return e.job.Error.Error()
	case e.job.State == left4me.JobCancelled:
		return "the job was cancelled"
	case e.job.State == left4me.JobInterrupted:
		text = "the job was interrupted"
		if e.job.Error != nil {
			text += ": " + e.job.Error.Text
		}
		return text + "; try again with: left4me job retry " + string(e.job.ID)
	}
	return text
}

// usagef makes an error about the command line.
func usagef(format string, args ...any) error {
	return left4me.Errorf(left4me.Invalid, format, args...)
}

// OneLine makes text from outside harmless for a terminal and puts it on one line.
func OneLine(s string) string { return oneLine(strings.ToValidUTF8(s, "\uFFFD")) }

// oneLine makes text harmless and puts it on one line.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(harmless(s), func(r rune) bool { return r == '\n' }), " ")
}

// harmless replaces what could steer a terminal: a player chooses what stands in
// a console, and must not move anybody's cursor.
func harmless(s string) string {
	if !strings.ContainsFunc(s, steers) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if steers(r) {
			return '\uFFFD'
		}
		return r
	}, strings.ReplaceAll(s, "\r\n", "\n"))
}

// steers reports whether a terminal would act on r, or show text in another
// order than it is in.
func steers(r rune) bool { return r != '\n' && left4me.Hidden(r) }
