package bus_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// crossing returns errors with every kind of argument, and errors of other versions: one with a
// code that is unknown here, and one without a code.
func crossing() map[string]*left4me.Error {
	return map[string]*left4me.Error{
		"a text and a number": left4me.NewError(left4me.Conflict, "port.in_use", "port", 27015, "server", "beta").InField("port"),
		"bytes":               left4me.NewError(left4me.DiskFull, "disk.full", "path", "/var", "free", left4me.Bytes(1<<30), "needed", nil),
		"a duration":          left4me.NewError(left4me.Unavailable, "git.timeout", "within", 90*time.Second),
		"a time": left4me.NewError(left4me.Unavailable, "github.limit", "until",
			time.Date(2026, 11, 29, 20, 15, 0, 0, time.UTC)),
		"an error": left4me.NewError(left4me.DiskFull, "disk.full_for_changes", "error",
			left4me.NewError(left4me.DiskFull, "disk.no_inodes", "path", "/srv", "needed", nil)),
		"a newer version": left4me.Received(left4me.Busy, "port.of_tomorrow", left4me.Args{"gate": int64(7)}, "the gate is shut",
			"open it"),
		"an older version": left4me.Received(left4me.Busy, "", nil, "it fell over", "lift it"),
		"without a cause":  left4me.NewError(left4me.Invalid, "command.empty").Because(errors.New("only for the log here")),
	}
}

// same compares a received error with the one sent. The cause isn't transmitted.
func same(t *testing.T, way string, got error, sent *left4me.Error) {
	t.Helper()
	want := *sent
	want.Err = nil
	e, ok := left4me.Public(got)
	if !ok {
		t.Fatalf("%s: %v", way, got)
	}
	if d := cmp.Diff(&want, e); d != "" {
		t.Errorf("%s\n%s", way, d)
	}
}

// Errors keep code, arguments and text in both directions over the bus: in answers to Command and
// Ask, within a successful answer, in the end of a job, and in broadcasts.
func TestErrorsKeepCodeAndArgumentsOverBus(t *testing.T) {
	b := open(t, t.TempDir())
	ctx := t.Context()
	all := crossing()
	refuse := func(_ context.Context, _ string, data []byte) (any, error) {
		var r bus.CommandRequest
		if err := bus.Decode(data, &r); err != nil {
			return nil, err
		}
		return nil, all[r.Command]
	}
	reported, listened, recorded := make(chan bus.JobReport, 1), make(chan bus.JobReport, 1), make(chan bus.JobReport, 1)
	into := func(c chan bus.JobReport, data []byte) error {
		var r bus.JobReport
		err := bus.Decode(data, &r)
		c <- r
		return err
	}
	err := errors.Join(
		b.Answer(ctx, bus.Command("local", bus.VerbCommand), refuse),
		b.Answer(ctx, bus.Ask("local", bus.VerbClaim), refuse),
		b.Answer(ctx, bus.Command("local", bus.VerbPort), func(_ context.Context, _ string, data []byte) (any, error) {
			var r bus.CommandRequest
			err := bus.Decode(data, &r)
			return left4me.Plan{Problem: all[r.Command]}, err
		}),
		b.Answer(ctx, bus.Ask("local", bus.VerbReport), func(_ context.Context, _ string, data []byte) (any, error) {
			return bus.Empty{}, into(reported, data)
		}),
		b.Listen(ctx, bus.Broadcast("local", bus.KindJob), func(_ string, data []byte) { _ = into(listened, data) }),
		b.Events(ctx, "errors", bus.KindCrash, func(_ string, data []byte) error { return into(recorded, data) }),
	)
	if err != nil {
		t.Fatal(err)
	}
	for name, e := range all {
		ask := bus.CommandRequest{V: bus.Version, Command: name}
		same(t, name+" from a host", b.Request(ctx, bus.Command("local", bus.VerbCommand), ask, nil), e)
		same(t, name+" from control", b.Request(ctx, bus.Ask("local", bus.VerbClaim), ask, nil), e)
		var plan left4me.Plan
		if err := b.Request(ctx, bus.Command("local", bus.VerbPort), ask, &plan); err != nil {
			t.Fatal(err)
		}
		same(t, name+" within an answer", plan.Problem, e)

		r := bus.JobReport{V: bus.Version, ID: "1", State: left4me.JobFailed, Error: e}
		err := errors.Join(b.Request(ctx, bus.Ask("local", bus.VerbReport), r, nil), b.Publish(bus.Broadcast("local", bus.KindJob), r),
			b.Record(ctx, "local", bus.KindCrash, name, r))
		if err != nil {
			t.Fatal(err)
		}
		same(t, name+" as the end of a job", receive(t, reported).Error, e)
		long := r
		long.Log = []string{strings.Repeat("x", 5<<20)}
		if err := b.Request(ctx, bus.Ask("local", bus.VerbReport), long, nil); err != nil {
			t.Fatal(err)
		}
		same(t, name+" as the end of a job that printed too much", receive(t, reported).Error, e)
		same(t, name+" while a job runs", receive(t, listened).Error, e)
		same(t, name+" in the queue of events", receive(t, recorded).Error, e)
	}
}

// A version without error codes reads the text of an error and ignores the rest.
func TestErrorTextIsReadableWithoutCodes(t *testing.T) {
	b, err := json.Marshal(crossing()["a text and a number"])
	if err != nil {
		t.Fatal(err)
	}
	var before struct{ Kind, Field, Text, Hint string }
	if err := json.Unmarshal(b, &before); err != nil || before.Kind != "conflict" || before.Field != "port" ||
		before.Text != "port 27015 is already used by beta" || before.Hint == "" {
		t.Errorf("%s became %+v, %v", b, before, err)
	}
}
