package output

import (
	"fmt"
	"io"
	"time"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/bytesize"
	"github.com/left4me/left4me/internal/left4me"
)

// Progress shows how far a job is: on a terminal as one line that is written
// over, else as a line for each step that ended.
type Progress struct {
	w     io.Writer
	Title string // what is done, "start alpha"
	width int    // of the terminal; 0 when there is none
	told  map[string]left4me.StepState
	drawn bool
}

// NewProgress makes what shows a job on a terminal of a width; 0: on no terminal.
func NewProgress(w io.Writer, title string, width int) *Progress {
	return &Progress{w: w, Title: title, width: width, told: map[string]left4me.StepState{}}
}

// Show shows a job at a moment.
func (p *Progress) Show(job apitype.Job, now time.Time) {
	if p.width > 0 {
		fmt.Fprintf(p.w, "\r\x1b[K%s", statusLine(p.Title, job, now, p.width))
		p.drawn = true
		return
	}
	for _, s := range job.Steps {
		if s.State == left4me.StepPending || s.State == left4me.StepRunning || p.told[s.Label] == s.State {
			continue
		}
		p.told[s.Label] = s.State
		fmt.Fprintf(p.w, "%s: %s\n", p.Title, StepText(s))
	}
}

// End leaves the terminal as if nothing had been shown.
func (p *Progress) End() {
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	p.drawn = false
}

// statusLine is what a job does now, in one line that fits the width.
func statusLine(title string, job apitype.Job, now time.Time, width int) string {
	line := title + ": " + string(job.State)
	since := job.CreatedAt
	for _, s := range job.Steps {
		if s.State != left4me.StepRunning {
			continue
		}
		line, since = title+": "+s.Label, s.StartedAt
		line += progressText(s.Progress)
	}
	if spent := now.Sub(since); !since.IsZero() && spent >= time.Second {
		line += fmt.Sprintf(" (%s)", spent.Truncate(time.Second))
	}
	return Fit(OneLine(line), width-1) // a full line would wrap
}

// progressText is how far a step is: percent, and for bytes how many, how fast and how
// long yet.
func progressText(p left4me.Progress) string {
	if p.Total <= 0 {
		return ""
	}
	text := fmt.Sprintf(" %d%%", p.Done*100/p.Total)
	if p.Unit == "bytes" {
		text += fmt.Sprintf(", %s of %s", bytesize.Format(p.Done), bytesize.Format(p.Total))
	}
	if p.Rate <= 0 {
		return text
	}
	if p.Unit == "bytes" {
		text += ", " + bytesize.Format(p.Rate) + "/s"
	}
	if rest := p.Total - p.Done; rest > 0 {
		text += fmt.Sprintf(", %s left", time.Duration(rest/p.Rate)*time.Second)
	}
	return text
}

// StepText is a step that ended.
func StepText(s left4me.Step) string {
	text := s.Label + ": " + string(s.State)
	if s.Progress.Total > 0 {
		done, total := fmt.Sprint(s.Progress.Done), fmt.Sprintf("%d %s", s.Progress.Total, s.Progress.Unit)
		if s.Progress.Unit == "bytes" {
			done, total = bytesize.Format(s.Progress.Done), bytesize.Format(s.Progress.Total)
		}
		text += fmt.Sprintf(", %s of %s", done, total)
	}
	if s.Note != "" {
		text += " (" + s.Note + ")"
	}
	return OneLine(text)
}
