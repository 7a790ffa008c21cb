package cli

import (
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/left4me/left4me"
)

// progress shows how far a job is: on a terminal as one line that is written
// over, else as a line for each step that ended.
type progress struct {
	w     io.Writer
	title string
	width int // of the terminal; 0 when there is none
	told  map[string]left4me.StepState
	drawn bool
}

func newProgress(w io.Writer, title string, width int) *progress {
	return &progress{w: w, title: title, width: width, told: map[string]left4me.StepState{}}
}

// show shows a job at a moment.
func (p *progress) show(job left4me.Job, now time.Time) {
	if p.width > 0 {
		fmt.Fprintf(p.w, "\r\x1b[K%s", statusLine(p.title, job, now, p.width))
		p.drawn = true
		return
	}
	for _, s := range job.Steps {
		if s.State == left4me.StepPending || s.State == left4me.StepRunning || p.told[s.Label] == s.State {
			continue
		}
		p.told[s.Label] = s.State
		fmt.Fprintf(p.w, "%s: %s\n", p.title, stepText(s))
	}
}

// end leaves the terminal as if nothing had been shown.
func (p *progress) end() {
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	p.drawn = false
}

// statusLine is what a job does now, in one line that fits the width.
func statusLine(title string, job left4me.Job, now time.Time, width int) string {
	line := title + ": " + string(job.State)
	since := job.CreatedAt
	for _, s := range job.Steps {
		if s.State != left4me.StepRunning {
			continue
		}
		line, since = title+": "+s.Label, s.StartedAt
		if s.Progress.Total > 0 {
			line += fmt.Sprintf(" %d%%", s.Progress.Done*100/s.Progress.Total)
		}
	}
	if spent := now.Sub(since); !since.IsZero() && spent >= time.Second {
		line += fmt.Sprintf(" (%s)", spent.Truncate(time.Second))
	}
	return fit(oneLine(line), width-1) // a full line would wrap
}

// fit cuts text to a number of characters.
func fit(s string, width int) string {
	if width < 1 || utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:width-1]) + "…"
}

// stepText is a step that ended.
func stepText(s left4me.Step) string {
	text := s.Label + ": " + string(s.State)
	if s.Progress.Total > 0 {
		text += fmt.Sprintf(", %d of %d %s", s.Progress.Done, s.Progress.Total, s.Progress.Unit)
	}
	if s.Note != "" {
		text += " (" + s.Note + ")"
	}
	return oneLine(text)
}
