package cli

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/left4me"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func starting(state left4me.StepState, done int64) left4me.Job {
	return left4me.Job{State: left4me.JobRunning, Steps: []left4me.Step{
		{Label: "write configuration", State: left4me.StepDone},
		{
			Label:     "copy",
			State:     state,
			Progress:  left4me.Progress{Done: done, Total: 8, Unit: "files"},
			StartedAt: now.Add(-3 * time.Second),
		},
		{Label: "start server", State: left4me.StepPending},
	}}
}

func TestProgressOnATerminalIsOneLine(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, "start alpha", 60)
	p.show(starting(left4me.StepRunning, 2), now)
	p.show(starting(left4me.StepRunning, 4), now)
	p.end()
	want := "\r\x1b[Kstart alpha: copy 25% (3s)\r\x1b[Kstart alpha: copy 50% (3s)\r\x1b[K"
	if out.String() != want {
		t.Errorf("%q", out.String())
	}
}

func TestADownloadTellsBytesRateAndWhatIsLeft(t *testing.T) {
	job := starting(left4me.StepRunning, 2)
	job.Steps[1].Progress = left4me.Progress{Done: 1_500_000_000, Total: 6_000_000_000, Unit: "bytes", Rate: 30_000_000}
	if line := statusLine("update the game", job, now,
		200); line != "update the game: copy 25%, 1.50 GB of 6.00 GB, 30.0 MB/s, 2m30s left (3s)" {
		t.Errorf("%q", line)
	}
	job.Steps[1].State = left4me.StepDone
	if text := stepText(job.Steps[1]); text != "copy: done, 1.50 GB of 6.00 GB" {
		t.Errorf("%q", text)
	}
}

func TestProgressElsewhereIsALineForEachStepThatEnded(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, "start alpha", 0)
	p.show(starting(left4me.StepRunning, 2), now)
	p.show(starting(left4me.StepRunning, 4), now)
	p.show(starting(left4me.StepDone, 8), now)
	p.end()
	want := "start alpha: write configuration: done\nstart alpha: copy: done, 8 of 8 files\n"
	if out.String() != want {
		t.Errorf("%q", out.String())
	}
}

func TestStatusLineFitsTheTerminal(t *testing.T) {
	job := starting(left4me.StepRunning, 2)
	job.Steps[1].Label = "kopiere Dateien für Überlagerung"
	for width := 2; width < 80; width++ {
		if line := statusLine("start alpha", job, now, width); utf8.RuneCountInString(line) >= width || !utf8.ValidString(line) {
			t.Errorf("width %d: %q", width, line)
		}
	}
}

func TestTextFromOutsideCantSteerATerminal(t *testing.T) {
	for in, want := range map[string]string{
		"plain ünïcode\ttab\n":       "plain ünïcode\ttab\n",
		"a\r\nb":                     "a\nb",
		"\x1b]0;title\x07\x1b[2Jx":   "\uFFFD]0;title\uFFFD\uFFFD[2Jx",
		"\u009b31m":                  "\uFFFD31m",
		"abc\u202ecba":               "abc\uFFFDcba",
		"a\u200e\u061c\u2028\u3164b": "a\uFFFD\uFFFD\uFFFD\uFFFDb",
		"over\rwritten":              "over\uFFFDwritten",
	} {
		if got := harmless(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestErrorIsOneLineAndHasItsCode(t *testing.T) {
	conflict := left4me.Errorf(left4me.Conflict, "port 27015\nis used by \x1b[31mbeta").WithHint("choose another or stop beta")
	for _, tt := range []struct {
		err  error
		code int
		text string
	}{
		{nil, 0, ""},
		{ErrFailed, 1, ""},
		{errors.New("disk on fire"), 1, "left4me: disk on fire\n"},
		{
			fmt.Errorf("start alpha: %w", conflict), 4,
			"left4me: start alpha: port 27015 is used by \uFFFD[31mbeta; choose another or stop beta\n",
		},
		{fmt.Errorf("start alpha: %w",
			&jobError{left4me.Job{
				State: left4me.JobFailed,
				Error: &left4me.Error{Kind: left4me.Conflict, Text: "port taken", Hint: "wait"},
			}}), 1, "left4me: start alpha: port taken; wait\n"},
		{
			&jobError{left4me.Job{ID: "7", State: left4me.JobInterrupted}}, 1,
			"left4me: the job was interrupted; try again with: left4me job retry 7\n",
		},
	} {
		var out bytes.Buffer
		if code := Report(&out, tt.err); code != tt.code || out.String() != tt.text {
			t.Errorf("%v: code %d, %q", tt.err, code, out.String())
		}
	}
}

func TestLastLines(t *testing.T) {
	for n, want := range map[int]string{0: "", 1: "c\n", 2: "b\nc\n", 3: "a\nb\nc\n", 9: "a\nb\nc\n"} {
		if got := lastLines("a\nb\nc\n", n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	if got := lastLines(strings.Repeat("\n", 3), 2); got != "\n\n" {
		t.Errorf("%q", got)
	}
	if got := lastLines("a\nb", 1); got != "b" {
		t.Errorf("%q", got)
	}
}
