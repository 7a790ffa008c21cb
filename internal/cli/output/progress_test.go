package output

import (
	"bytes"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/left4me"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func starting(state left4me.StepState, done int64) apitype.Job {
	return apitype.Job{State: left4me.JobRunning, Steps: []left4me.Step{
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

func TestProgressOverwritesOneTerminalLine(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out, "start alpha", 60)
	p.Show(starting(left4me.StepRunning, 2), now)
	p.Show(starting(left4me.StepRunning, 4), now)
	p.End()
	want := "\r\x1b[Kstart alpha: copy 25% (3s)\r\x1b[Kstart alpha: copy 50% (3s)\r\x1b[K"
	if out.String() != want {
		t.Errorf("got %q", out.String())
	}
}

func TestProgressShowsRateAndTimeLeft(t *testing.T) {
	job := starting(left4me.StepRunning, 2)
	job.Steps[1].Progress = left4me.Progress{Done: 1_500_000_000, Total: 6_000_000_000, Unit: "bytes", Rate: 30_000_000}
	if line := statusLine("update the game", job, now,
		200); line != "update the game: copy 25%, 1.50 GB of 6.00 GB, 30.0 MB/s, 2m30s left (3s)" {
		t.Errorf("got %q", line)
	}
	job.Steps[1].State = left4me.StepDone
	if text := StepText(job.Steps[1]); text != "copy: done, 1.50 GB of 6.00 GB" {
		t.Errorf("got %q", text)
	}
}

func TestProgressWithoutTerminalPrintsCompletedSteps(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out, "start alpha", 0)
	p.Show(starting(left4me.StepRunning, 2), now)
	p.Show(starting(left4me.StepRunning, 4), now)
	p.Show(starting(left4me.StepDone, 8), now)
	p.End()
	want := "start alpha: write configuration: done\nstart alpha: copy: done, 8 of 8 files\n"
	if out.String() != want {
		t.Errorf("got %q", out.String())
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
