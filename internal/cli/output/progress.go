package output

import (
	"fmt"
	"io"
	"time"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/bytesize"
	"github.com/left4me/left4me/internal/left4me"
)

// Progress shows the progress of a job: on a terminal as one line that is overwritten, otherwise as
// one line for each completed step.
type Progress struct {
	w     io.Writer
	Title string // what the job does: "start alpha"
	width int    // width of the terminal; 0: not a terminal
	told  map[string]left4me.StepState
	drawn bool
}

// NewProgress returns a display for a terminal of the given width; 0: not a terminal.
func NewProgress(w io.Writer, title string, width int) *Progress {
	return &Progress{w: w, Title: title, width: width, told: map[string]left4me.StepState{}}
}

// Show displays the state of a job.
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

// End clears the display.
func (p *Progress) End() {
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	p.drawn = false
}

// statusLine returns the current activity of a job in one line that fits the width.
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

// progressText returns the progress of a step: percentage and, for bytes, amount, rate and
// remaining time.
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

// StepText returns the result of a completed step.
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
