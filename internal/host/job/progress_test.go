package job_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/left4me"
)

func TestStepIsPublishedAtStartAndEnd(t *testing.T) {
	b, err := bus.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	told := make(chan []left4me.Step, 16)
	err = b.Listen(t.Context(), bus.Broadcast("local", bus.KindJob), func(_ string, data []byte) {
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
			t.Fatal("no report arrived within 10 s")
			return nil
		}
	}
	p := job.New(t.Context(), "1", "local", b, slog.New(slog.DiscardHandler))
	p.Plan("one", "two")
	if s := next(); len(s) != 2 || s[0].State != left4me.StepPending || s[1].State != left4me.StepPending {
		t.Errorf("after Plan: got %+v", s)
	}
	_ = p.Step(t.Context(), "one", func(context.Context) (left4me.Notes, error) {
		if s := next(); s[0].State != left4me.StepRunning || s[0].StartedAt.IsZero() {
			t.Errorf("during the step: got %+v", s)
		}
		return left4me.Notes{left4me.NewNote("server.was_not_running"), left4me.NewNote("disk.free", "size", left4me.Bytes(2000))}, nil
	})
	if s := next(); s[0].State != left4me.StepDone || s[0].Note != "was not running; 2.0 kB free" || len(s[0].Notes) != 2 ||
		s[0].EndedAt.IsZero() {
		t.Errorf("after the step: got %+v", s)
	}
	// Without a bus nothing is published, but the work continues.
	b.Close()
	broken := errors.New("broken")
	if err := p.Step(t.Context(), "two", func(context.Context) (left4me.Notes, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("without a bus: got %v", err)
	}
	if s := p.Steps(); s[1].State != left4me.StepFailed {
		t.Errorf("without a bus: got %+v", s)
	}
}
