package cli

import (
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/left4me"
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
		line += far(s.Progress)
	}
	if spent := now.Sub(since); !since.IsZero() && spent >= time.Second {
		line += fmt.Sprintf(" (%s)", spent.Truncate(time.Second))
	}
	return fit(oneLine(line), width-1) // a full line would wrap
}

// far is how far a step is: percent, and for bytes how many, how fast and how
// long yet.
func far(p left4me.Progress) string {
	if p.Total <= 0 {
		return ""
	}
	text := fmt.Sprintf(" %d%%", p.Done*100/p.Total)
	if p.Unit == "bytes" {
		text += fmt.Sprintf(", %s of %s", size(p.Done), size(p.Total))
	}
	if p.Rate <= 0 {
		return text
	}
	if p.Unit == "bytes" {
		text += ", " + size(p.Rate) + "/s"
	}
	if rest := p.Total - p.Done; rest > 0 {
		text += fmt.Sprintf(", %s left", time.Duration(rest/p.Rate)*time.Second)
	}
	return text
}

// size is a number of bytes for people.
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000*1000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1000*1000*1000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.2f GB", float64(n)/1e9)
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
		done, total := fmt.Sprint(s.Progress.Done), fmt.Sprintf("%d %s", s.Progress.Total, s.Progress.Unit)
		if s.Progress.Unit == "bytes" {
			done, total = size(s.Progress.Done), size(s.Progress.Total)
		}
		text += fmt.Sprintf(", %s of %s", done, total)
	}
	if s.Note != "" {
		text += " (" + s.Note + ")"
	}
	return oneLine(text)
}
