package bus_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

const patience = time.Minute

func open(t *testing.T, dir string) *bus.Bus {
	t.Helper()
	b, err := bus.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// receive returns the next value, and fails the test if none arrives.
func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("nothing arrived within %s", patience)
		panic("unreachable")
	}
}

// silent checks that nothing arrives for a while.
func silent[T any](t *testing.T, c <-chan T, what string) {
	t.Helper()
	select {
	case v := <-c:
		t.Errorf("%s: %+v", what, v)
	case <-time.After(200 * time.Millisecond):
	}
}

func TestRequestIsAnswered(t *testing.T) {
	b := open(t, t.TempDir())
	err := b.Answer(t.Context(), bus.Command("local", "*"), func(_ context.Context, subject string, data []byte) (any, error) {
		switch bus.VerbOf(subject) {
		case "double":
			var r bus.PortRequest
			if err := bus.Decode(data, &r); err != nil {
				return nil, err
			}
			return bus.PortRequest{Port: 2 * r.Port}, nil
		case "refuse":
			return nil, fmt.Errorf("wrapped: %w",
				&left4me.Error{Kind: left4me.Conflict, Field: "port", Text: "taken", Hint: "choose", Err: errors.New("secret cause")})
		case "break":
			return nil, errors.New("secret cause")
		}
		return make(chan int), nil // cannot be encoded
	})
	if err != nil {
		t.Fatal(err)
	}
	var out bus.PortRequest
	if err := b.Request(t.Context(), bus.Command("local", "double"), bus.PortRequest{V: bus.Version, Port: 21}, &out); err != nil ||
		out.Port != 42 {
		t.Errorf("got %+v, error %v", out, err)
	}
	if err := b.Request(t.Context(), bus.Command("local", "double"), bus.PortRequest{}, nil); err != nil {
		t.Errorf("ignored answer: %v", err)
	}
	err = b.Request(t.Context(), bus.Command("local", "refuse"), bus.Empty{}, nil)
	if e, ok := left4me.Public(err); !ok || e.Kind != left4me.Conflict || e.Field != "port" || e.Text != "taken" || e.Hint != "choose" ||
		e.Err != nil {
		t.Errorf("public error: %+v", err)
	}
	for _, verb := range []string{"break", "chan"} {
		err := b.Request(t.Context(), bus.Command("local", verb), bus.Empty{}, nil)
		if e, ok := left4me.Public(err); !ok || e.Kind != left4me.Unavailable || strings.Contains(e.Error(), "secret cause") ||
			!strings.HasSuffix(e.Hint, "subject="+bus.Command("local", verb)) {
			t.Errorf("internal error: %+v", err)
		}
	}
}

func TestRequestWithoutHost(t *testing.T) {
	b := open(t, t.TempDir())
	start := time.Now()
	err := b.Request(t.Context(), bus.Command("away", bus.VerbStatus), bus.Empty{}, nil)
	if !errors.Is(err, left4me.Unavailable) || time.Since(start) > 2*time.Second {
		t.Errorf("%v after %s", err, time.Since(start))
	}
	if e, _ := left4me.Public(err); e == nil || e.Text != "host away does not answer" {
		t.Errorf("want an error naming the host: %v", err)
	}
	release := make(chan struct{})
	defer close(release)
	if err := b.Answer(t.Context(), bus.Command("slow", "*"),
		func(context.Context, string, []byte) (any, error) { <-release; return bus.Empty{}, nil }); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := b.Request(ctx, bus.Command("slow", "x"), bus.Empty{}, nil); !errors.Is(err, left4me.Unavailable) {
		t.Errorf("after the deadline: %v", err)
	}
}

func TestAnswerEndsWithContext(t *testing.T) {
	b := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	if err := b.Answer(ctx, bus.Command("local", "*"),
		func(context.Context, string, []byte) (any, error) { return bus.Empty{}, nil }); err != nil {
		t.Fatal(err)
	}
	if err := b.Request(t.Context(), bus.Command("local", "x"), bus.Empty{}, nil); err != nil {
		t.Fatal(err)
	}
	cancel()
	answers := func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		return b.Request(ctx, bus.Command("local", "x"), bus.Empty{}, nil) == nil
	}
	for end := time.Now().Add(patience); answers(); {
		if time.Now().After(end) {
			t.Fatal("still answers after its context ended")
		}
	}
}

func TestTooManyRequestsAreRefused(t *testing.T) {
	b := open(t, t.TempDir())
	release := make(chan struct{})
	var running atomic.Int32
	if err := b.Answer(t.Context(), bus.Command("local", "*"), func(context.Context, string, []byte) (any, error) {
		running.Add(1)
		<-release
		return bus.Empty{}, nil
	}); err != nil {
		t.Fatal(err)
	}
	results := make(chan error, 257)
	for range cap(results) {
		go func() { results <- b.Request(t.Context(), bus.Command("local", "x"), bus.Empty{}, nil) }()
	}
	if err := receive(t, results); !errors.Is(err, left4me.Busy) {
		t.Errorf("first answer %v, want Busy", err)
	}
	close(release)
	for range cap(results) - 1 {
		if err := receive(t, results); err != nil {
			t.Errorf("accepted request: %v", err)
		}
	}
	if n := running.Load(); n != 256 {
		t.Errorf("%d requests ran at once, want 256", n)
	}
}

func TestBroadcastsArriveInOrder(t *testing.T) {
	b := open(t, t.TempDir())
	got := make(chan int, 100)
	if err := b.Listen(t.Context(), bus.Broadcast(bus.AnyHost, bus.KindStatus), func(subject string, data []byte) {
		var n bus.PortRequest
		if err := bus.Decode(data, &n); err != nil || bus.HostOf(subject) != "far" || bus.VerbOf(subject) != bus.KindStatus {
			t.Errorf("%s %s: %v", subject, data, err)
		}
		got <- n.Port
	}); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if err := b.Publish(bus.Broadcast("far", bus.KindStatus), bus.PortRequest{Port: i}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		if n := receive(t, got); n != i {
			t.Fatalf("got %d, want %d", n, i)
		}
	}
	if err := b.Publish(bus.Broadcast("far", "nothing"), bus.Empty{}); err != nil {
		t.Errorf("publish without listeners: %v", err)
	}
}

func message(id left4me.JobID) bus.JobMessage {
	return bus.JobMessage{
		V:      bus.Version,
		ID:     id,
		Kind:   left4me.StartServer,
		Target: "alpha",
		Spec:   json.RawMessage(`{"name":"alpha","port":27015}`),
	}
}

func TestRepeatedJobIsDeliveredOnce(t *testing.T) {
	b := open(t, t.TempDir())
	for range 3 {
		if err := b.Enqueue(t.Context(), "local", message("one")); err != nil {
			t.Fatal(err)
		}
	}
	got := make(chan bus.Delivery, 10)
	if err := b.Work(t.Context(), "local", func(d bus.Delivery) { got <- d }); err != nil {
		t.Fatal(err)
	}
	d := receive(t, got)
	if d.ID != "one" || d.Kind != left4me.StartServer || string(d.Spec) != `{"name":"alpha","port":27015}` {
		t.Errorf("got %+v", d.JobMessage)
	}
	if err := d.Working(); err != nil {
		t.Error(err)
	}
	if err := d.Done(); err != nil {
		t.Error(err)
	}
	if err := b.Enqueue(t.Context(), "local", message("one")); err != nil {
		t.Fatal(err)
	}
	if err := b.Enqueue(t.Context(), "other", message("of another host")); err != nil {
		t.Fatal(err)
	}
	silent(t, got, "it came again")
}

func TestFullQueueRefusesAndLosesNothing(t *testing.T) {
	b := open(t, t.TempDir())
	var err error
	for i := 0; err == nil; i++ {
		m := message(left4me.JobID(fmt.Sprint(i)))
		m.Spec = json.RawMessage(`"` + strings.Repeat("x", 3<<20) + `"`)
		if err = b.Enqueue(t.Context(), "local", m); i > 100 {
			t.Fatal("the queue never fills up")
		}
	}
	got := make(chan bus.Delivery, 100)
	if err := b.Work(t.Context(), "local", func(d bus.Delivery) { got <- d }); err != nil {
		t.Fatal(err)
	}
	if d := receive(t, got); d.ID != "0" {
		t.Errorf("first job %s, want 0", d.ID)
	}
}

func TestUnfinishedJobIsRedeliveredToNextAgent(t *testing.T) {
	b := open(t, t.TempDir())
	for _, id := range []left4me.JobID{"done", "left"} {
		if err := b.Enqueue(t.Context(), "local", message(id)); err != nil {
			t.Fatal(err)
		}
	}
	got := make(chan bus.Delivery, 10)
	first, dies := context.WithCancel(t.Context())
	if err := b.Work(first, "local", func(d bus.Delivery) { got <- d }); err != nil {
		t.Fatal(err)
	}
	if err := receive(t, got).Done(); err != nil {
		t.Fatal(err)
	}
	receive(t, got) // the agent never finishes this job
	dies()
	start := time.Now()
	if err := b.Work(t.Context(), "local", func(d bus.Delivery) { got <- d }); err != nil {
		t.Fatal(err)
	}
	if d := receive(t, got); d.ID != "left" || time.Since(start) > 5*time.Second {
		t.Errorf("%s after %s", d.ID, time.Since(start))
	}
	silent(t, got, "what was done came again")
}

func TestQueueSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	b, err := bus.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Enqueue(t.Context(), "local", message("one")); err != nil {
		t.Fatal(err)
	}
	b.Close()
	b = open(t, dir)
	if err := b.Enqueue(t.Context(), "local", message("one")); err != nil {
		t.Fatal(err)
	}
	got := make(chan bus.Delivery, 10)
	if err := b.Work(t.Context(), "local", func(d bus.Delivery) { got <- d }); err != nil {
		t.Fatal(err)
	}
	if d := receive(t, got); d.ID != "one" || d.Later(20*time.Millisecond) != nil {
		t.Errorf("got %+v", d)
	}
	if d := receive(t, got); d.ID != "one" || d.Done() != nil {
		t.Errorf("redelivered as %+v", d)
	}
	silent(t, got, "it was doubled")
}

// A reader only gets events of its kind: it would fail permanently on others. A reader whose kind
// changes continues from its position.
func TestReaderGetsEventsOfItsKind(t *testing.T) {
	dir := t.TempDir()
	got := make(chan string, 10)
	read := func(b *bus.Bus, kind string) (stop func()) {
		t.Helper()
		var running sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		err := b.Under(&running).Events(ctx, "reader", kind, func(subject string, data []byte) error {
			if v := bus.VerbOf(subject); v != bus.KindCrash && v != "first" {
				return errors.New("not understood")
			}
			got <- string(data)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return func() { cancel(); running.Wait() }
	}
	record := func(b *bus.Bus, kind, id string) {
		t.Helper()
		if err := b.Record(t.Context(), "local", kind, id, id); err != nil {
			t.Fatal(err)
		}
	}
	b, err := bus.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	record(b, "first", "before")
	stop := read(b, "first")
	if s := receive(t, got); s != `"before"` {
		t.Errorf("got event %s", s)
	}
	stop()
	if err := b.Ping(t.Context()); err != nil { // follows the acknowledgement, so that one has arrived
		t.Fatal(err)
	}
	b.Close()
	if b, err = bus.Open(t.Context(), dir, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	record(b, "other", "nothing to it")
	record(b, bus.KindCrash, "crash")
	defer read(b, bus.KindCrash)()
	if s := receive(t, got); s != `"crash"` {
		t.Errorf("got event %s", s)
	}
	silent(t, got, "more")
}

func TestEventsContinueFromPosition(t *testing.T) {
	dir := t.TempDir()
	b, err := bus.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	record := func(id string) {
		t.Helper()
		if err := b.Record(t.Context(), "local", bus.KindCrash, id, bus.Crash{V: bus.Version, Server: left4me.Name(id)}); err != nil {
			t.Fatal(err)
		}
	}
	got := make(chan string, 10)
	read := func(fail *atomic.Bool) (stop func()) {
		t.Helper()
		var running sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		err := b.Under(&running).Events(ctx, "reader", bus.KindCrash, func(subject string, data []byte) error {
			var c bus.Crash
			if err := bus.Decode(data, &c); err != nil || bus.VerbOf(subject) != bus.KindCrash {
				t.Errorf("%s %s: %v", subject, data, err)
			}
			if fail.CompareAndSwap(true, false) {
				return errors.New("the disk is full")
			}
			got <- string(c.Server)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return func() { cancel(); running.Wait() }
	}
	var fail atomic.Bool
	record("one")
	record("one") // a repetition of the same event
	stop := read(&fail)
	if s := receive(t, got); s != "one" {
		t.Errorf("first event %s, want one", s)
	}
	fail.Store(true)
	record("two")
	record("three")
	// A failed event is repeated, and no other overtakes it.
	if s := receive(t, got); s != "two" {
		t.Errorf("second event %s, want two", s)
	}
	if s := receive(t, got); s != "three" {
		t.Errorf("third event %s, want three", s)
	}
	record("four")
	receive(t, got)
	stop()
	if err := b.Ping(t.Context()); err != nil { // follows the acknowledgement, so that one has arrived
		t.Fatal(err)
	}
	b.Close()

	b = open(t, dir)
	record("five")
	defer read(&fail)()
	if s := receive(t, got); s != "five" {
		t.Errorf("first event after a restart: %s, want five", s)
	}
	silent(t, got, "an event came twice")
}

func TestDecodeRefusesNewerVersion(t *testing.T) {
	var r bus.PortRequest
	for text, kind := range map[string]error{
		`{"v":1,"port":2}`:         nil,
		`{"port":2}`:               nil,
		`{}`:                       nil,
		`{"v":2,"port":2}`:         left4me.Unavailable,
		`{"v":2,"port":{"low":2}}`: left4me.Unavailable, // the format differs too, but the version decides
		`{"v":1,"port":"x"}`:       left4me.Invalid,
		`{"v":`:                    left4me.Invalid,
		``:                         left4me.Invalid,
	} {
		if err := bus.Decode([]byte(text), &r); (kind == nil) != (err == nil) || kind != nil && !errors.Is(err, kind) {
			t.Errorf("%s: %v, want %v", text, err, kind)
		}
	}
	var names []left4me.Name
	if err := bus.Decode([]byte(`["a","b"]`), &names); err != nil || len(names) != 2 {
		t.Errorf("a list: %v, %v", names, err)
	}
	if err := bus.Decode([]byte(`["../a"]`), &names); !errors.Is(err, left4me.Invalid) {
		t.Errorf("a path as a name: %v", err)
	}
}

func TestJobOfNewerVersionIsNotDelivered(t *testing.T) {
	b := open(t, t.TempDir())
	m := message("new")
	m.V = bus.Version + 1
	if err := b.Enqueue(t.Context(), "local", m); err != nil {
		t.Fatal(err)
	}
	if err := b.Enqueue(t.Context(), "local", message("old")); err != nil {
		t.Fatal(err)
	}
	got := make(chan bus.Delivery, 10)
	if err := b.Work(t.Context(), "local", func(d bus.Delivery) { got <- d }); err != nil {
		t.Fatal(err)
	}
	if d := receive(t, got); d.ID != "old" {
		t.Errorf("job %s was delivered, want old", d.ID)
	}
}

func TestSubjectsNameHostAndVerb(t *testing.T) {
	for subject, host := range map[string]left4me.Name{
		bus.Command("local", "x"): "local", bus.Ask("a-b", "x"): "a-b", bus.Broadcast(bus.AnyHost, "x"): "", "l4m.local": "", "": "",
		"l4m..x": "", "l4m.A.x": "",
	} {
		if got := bus.HostOf(subject); got != host {
			t.Errorf("%q is of host %q, want %q", subject, got, host)
		}
	}
	if s := bus.JobSubject("local", left4me.StartServer); s != "l4m.local.job.server.start" {
		t.Error(s)
	}
	if v := bus.VerbOf("nothing"); v != "nothing" {
		t.Error(v)
	}
}

func TestOpenFailsOnFile(t *testing.T) {
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := bus.Open(t.Context(), file, slog.New(slog.DiscardHandler)); err == nil {
		b.Close()
		t.Error("Open succeeded on a file")
	}
}

func TestReportRoundTrip(t *testing.T) {
	in := bus.JobReport{
		V:     bus.Version,
		ID:    "x",
		State: left4me.JobFailed,
		Error: &left4me.Error{Kind: left4me.Conflict, Text: "a", Hint: "b"},
		Steps: []left4me.Step{{Label: "s"}},
	}
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out bus.JobReport
	if err := bus.Decode(data, &out); err != nil || !errors.Is(out.Error, left4me.Conflict) || len(out.Steps) != 1 {
		t.Errorf("got %+v, error %v", out, err)
	}
}
