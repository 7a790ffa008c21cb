package host

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/bus"
	"github.com/left4me/left4me/host/install"
)

func TestAStepIsToldBeforeItsWorkAndWithItsEnd(t *testing.T) {
	b, err := bus.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	told := make(chan []left4me.Step, 16)
	err = b.Listen(t.Context(), bus.Live("local", bus.KindJob), func(_ string, data []byte) {
		var r bus.JobReport
		if err := bus.Decode(data, &r); err != nil {
			t.Error(err)
		}
		told <- r.Steps
	})
	if err != nil {
		t.Fatal(err)
	}
	next := func() []left4me.Step {
		t.Helper()
		select {
		case steps := <-told:
			return steps
		case <-time.After(10 * time.Second):
			t.Fatal("nothing was told")
			return nil
		}
	}
	p := &progress{agent: &Agent{Config: Config{Host: "local"}, bus: b, log: slog.New(slog.DiscardHandler)}, id: "1"}
	p.plan("one", "two")
	if s := next(); len(s) != 2 || s[0].State != left4me.StepPending || s[1].State != left4me.StepPending {
		t.Errorf("planned: %+v", s)
	}
	_ = p.step(t.Context(), "one", func(context.Context) (string, error) {
		if s := next(); s[0].State != left4me.StepRunning || s[0].StartedAt.IsZero() {
			t.Errorf("while it works: %+v", s)
		}
		return "as found", nil
	})
	if s := next(); s[0].State != left4me.StepDone || s[0].Note != "as found" || s[0].EndedAt.IsZero() {
		t.Errorf("at its end: %+v", s)
	}
	// Nobody hears it any more; the work is the same.
	b.Close()
	broken := errors.New("broken")
	if err := p.step(t.Context(), "two", func(context.Context) (string, error) { return "", broken }); !errors.Is(err, broken) {
		t.Errorf("without a bus: %v", err)
	}
	if s := p.snapshot(); s[1].State != left4me.StepFailed {
		t.Errorf("without a bus: %+v", s)
	}
}

// SteamCMD installs twice where Steam refuses the game for Linux.
func TestStepsThatComeAgainBeginAnew(t *testing.T) {
	p := &progress{mute: true}
	p.plan(steamSteps...)
	f := installed{p: p}
	at := time.Unix(1764000000, 0).UTC()
	tell := func(step string, done int64) {
		at = at.Add(time.Second)
		f.told(install.Line{At: at, Step: step})
		if done > 0 {
			f.told(install.Line{At: at, Progress: &left4me.Progress{Done: done, Total: 100, Unit: "bytes"}})
		}
	}
	for _, step := range steamSteps {
		tell(step, 100)
	}
	tell(left4me.StepLogIn, 0)
	f.told(install.Line{Note: "once more, for linux"})
	steps := p.snapshot()
	for i, want := range []left4me.StepState{left4me.StepDone, left4me.StepRunning, left4me.StepPending, left4me.StepPending, left4me.StepPending} {
		if steps[i].State != want {
			t.Errorf("%s is %s, want %s", steps[i].Label, steps[i].State, want)
		}
	}
	if s := steps[1]; s.Progress != (left4me.Progress{}) || s.StartedAt != at || !s.EndedAt.IsZero() || s.Note != "once more, for linux" {
		t.Errorf("%+v", s)
	}
	tell(left4me.StepVerifyFiles, 0)
	tell(left4me.StepDownload, 10)
	steps = p.snapshot()
	for i := range 2 {
		if steps[i+1].EndedAt != steps[i+2].StartedAt {
			t.Errorf("%s ends at %s, %s begins at %s", steps[i+1].Label, steps[i+1].EndedAt, steps[i+2].Label, steps[i+2].StartedAt)
		}
	}
	if s := steps[3]; s.State != left4me.StepRunning || s.Progress.Done != 10 || f.left != 90 {
		t.Errorf("%+v, %d bytes left", s, f.left)
	}
}
