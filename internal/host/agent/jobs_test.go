package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

// reports receives the reports that the agent sends to control about one job.
type reports struct {
	told  chan bus.JobReport
	ended chan bus.JobReport
}

// newClaimedJob returns an agent with one delivered job. Control answers its report with the result of
// refuse.
func newClaimedJob(t *testing.T, refuse func() error) (*jobs, bus.Delivery, reports) {
	t.Helper()
	b, err := bus.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	r := reports{told: make(chan bus.JobReport, 1000), ended: make(chan bus.JobReport, 10)}
	decode := func(data []byte) bus.JobReport {
		var v bus.JobReport
		if err := bus.Decode(data, &v); err != nil {
			t.Error(err)
		}
		return v
	}
	if err := b.Listen(t.Context(), bus.Broadcast("local", bus.KindJob),
		func(_ string, data []byte) { r.told <- decode(data) }); err != nil {
		t.Fatal(err)
	}
	if err := b.Answer(t.Context(), bus.Ask("local", bus.VerbReport), func(_ context.Context, _ string, data []byte) (any, error) {
		if err := refuse(); err != nil {
			return nil, err
		}
		r.ended <- decode(data)
		return bus.Empty{V: bus.Version}, nil
	}); err != nil {
		t.Fatal(err)
	}
	deliveries := make(chan bus.Delivery, 10)
	if err := b.Work(t.Context(), "local", func(d bus.Delivery) { deliveries <- d }); err != nil {
		t.Fatal(err)
	}
	if err := b.Enqueue(t.Context(), "local",
		bus.JobMessage{V: bus.Version, ID: "1", Kind: left4me.BuildOverlay, Target: "maps"}); err != nil {
		t.Fatal(err)
	}
	return newJobs(&core{Config: Config{Host: "local"}, bus: b, log: slog.New(slog.DiscardHandler)}, nil, nil), receive(t, deliveries), r
}

// receive returns the next value of c.
func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(20 * time.Second):
		t.Fatal("no value arrived within 20 s")
		panic("unreachable")
	}
}

func TestJobReportsWithHostileOutputAreBounded(t *testing.T) {
	for _, text := range []string{"<", "\x01", "\xff"} {
		a, d, r := newClaimedJob(t, func() error { return nil })
		p := newProgress(t.Context(), a.core, "1")
		long := strings.Repeat(text, 4<<10)
		p.Plan(left4me.StepRunScript)
		receive(t, r.told)
		for range 200 {
			p.Print(long)
		}
		p.Set(left4me.StepRunScript, func(s *left4me.Step) { s.Note = strings.Repeat(long, 1000) })
		told := receive(t, r.told)
		a.report(t.Context(), d, p.End(&left4me.Error{Kind: left4me.Invalid, Text: strings.Repeat(long, 1000)}, nil))
		ended := receive(t, r.ended)
		for what, v := range map[string]bus.JobReport{"told": told, "ended": ended} {
			data, err := bus.Marshal(v)
			if err != nil || len(data) > 300<<10 {
				t.Errorf("%s with %q in %d bytes, %v", what, text, len(data), err)
			}
			if n := len(v.Log); n < 60 || !strings.HasSuffix(v.Steps[0].Note, " bytes cut)") {
				t.Errorf("%s with %q: got %d lines and a note that ends in %q", what, text, n,
					v.Steps[0].Note[max(0, len(v.Steps[0].Note)-30):])
			}
		}
		if ended.State != left4me.JobFailed || !strings.HasSuffix(ended.Error.Text, " bytes cut)") {
			t.Errorf("with %q: got state %s", text, ended.State)
		}
	}
}

func TestReportIsRepeatedUntilConfirmed(t *testing.T) {
	tries := 0
	a, d, r := newClaimedJob(t, func() error {
		if tries++; tries < 4 {
			return errors.New("database or disk is full")
		}
		return nil
	})
	a.report(t.Context(), d, bus.JobReport{V: bus.Version, ID: "1", State: left4me.JobDone})
	if v := receive(t, r.ended); v.State != left4me.JobDone || tries != 4 {
		t.Errorf("got %+v at attempt %d, want the end of the job at attempt 4", v, tries)
	}
}

func TestStatusIsBounded(t *testing.T) {
	long := strings.Repeat("\x01\xff<", 8<<10)
	st := left4me.Status{Reason: long, Hostname: long, Map: long}
	for range 255 {
		st.Online = append(st.Online, left4me.Player{Name: long})
	}
	clipStatus(&st)
	data, err := bus.Marshal(st)
	if err != nil || len(data) > 40<<10 || len(st.Online) != maxOnline {
		t.Errorf("got %d bytes, %d players, %v", len(data), len(st.Online), err)
	}
}

// A new bus store has no events. Events that no reader has processed come from the logs of the
// servers.
func TestCrashesArePublishedAgainToNewStore(t *testing.T) {
	b, err := bus.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if !b.IsNewStore() {
		t.Error("got Anew false for a new store")
	}
	root := t.TempDir()
	for _, n := range []string{"alpha", "beta"} {
		dir := filepath.Join(root, "logs", n, "crashes")
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.MkdirAll(filepath.Join(root, "instances", n), 0o755)); err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			text := fmt.Sprintf(`{"at":"2026-11-29T11:00:0%dZ","exit":"signal: killed","lines":["%s"]}`, i, strings.Repeat("<", 64<<10))
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.json", i)), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	a := &crashes{core: &core{
		Config: Config{Host: "local", Files: instance.Files{Root: instance.Root(root)}}, bus: b, log: slog.New(slog.DiscardHandler),
	}}
	a.publishAll(t.Context())
	a.publishAll(t.Context()) // publishing twice is harmless
	events := make(chan bus.Crash, 10)
	if err := b.Events(t.Context(), "reader", bus.KindCrash, func(_ string, data []byte) error {
		var c bus.Crash
		err := bus.Decode(data, &c)
		events <- c
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"alpha 0", "alpha 1", "beta 0", "beta 1"} {
		c := receive(t, events)
		if got := fmt.Sprintf("%s %d", c.Server, c.At.Second()); got != want || len(c.Lines) != 1 ||
			!strings.HasSuffix(c.Lines[0], " bytes cut)") {
			t.Errorf("got %s with %d lines, want %s", got, len(c.Lines), want)
		}
	}
}
