package events

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var discardLog = slog.New(slog.DiscardHandler)

func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

func open(tb testing.TB, dir string) *store.Store {
	tb.Helper()
	st := must(store.Open(tb.Context(), filepath.Join(dir, "left4me.db")))(tb)
	tb.Cleanup(st.Close)
	return st
}

func withServer(tb testing.TB) *store.Store {
	tb.Helper()
	st := open(tb, tb.TempDir())
	err := st.Servers().Create(tb.Context(), left4me.Server{Name: "alpha", Host: "local", Port: 27015, Blueprint: "default"})
	if err != nil {
		tb.Fatal(err)
	}
	return st
}

// hold writes n events in n transactions.
func hold(tb testing.TB, st *store.Store, n int) {
	tb.Helper()
	for i := range n {
		held := left4me.HeldCrashed
		if i%2 == 1 {
			held = ""
		}
		if err := st.Servers().Hold(tb.Context(), "alpha", held); err != nil {
			tb.Fatal(err)
		}
	}
}

func count(batch []left4me.Event, kind left4me.EventKind) (n int) {
	for _, e := range batch {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// Environment variables for the process that is killed: its directory, and where it is killed.
const (
	killDirVar   = "LEFT4ME_TEST_EVENTS_DIR"
	killPointVar = "LEFT4ME_TEST_EVENTS_POINT"
)

const readsFile = "reads" // file with the batches that Work got, as "FROM TO" lines

// tally returns a reader that adds the number of events to a row. Unlike a set, a sum reveals
// events that were processed twice or not at all.
func tally(tb testing.TB, dir, point string, done func()) Reader {
	die := func(at string) {
		if at == point {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	return Reader{
		Name: GameReader, most: 25,
		Work: func(_ context.Context, batch []left4me.Event) error {
			die("work")
			f := must(os.OpenFile(filepath.Join(dir, readsFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600))(tb)
			defer f.Close()
			fmt.Fprintln(f, batch[0].Position, batch[len(batch)-1].Position)
			return nil
		},
		Keep: func(ctx context.Context, tx *store.Store, batch []left4me.Event) error {
			n := count(batch, left4me.ServerHeld)
			if n == 0 {
				done() // past the event of the reader's own last change
				return nil
			}
			have, err := tx.Site().ArchiveNames(ctx)
			if err != nil {
				return err
			}
			was, _ := strconv.Atoi(have)
			err = tx.Site().SetArchiveNames(ctx, strconv.Itoa(was+n), false)
			die("keep")
			return err
		},
	}
}

// TestHelperKilledReader runs in the child process of TestReaderResumesAfterKill. It reads
// events and kills itself at the given point.
func TestHelperKilledReader(t *testing.T) {
	dir, point := os.Getenv(killDirVar), os.Getenv(killPointVar)
	if dir == "" {
		t.Skip("run by TestReaderResumesAfterKill")
	}
	ctx, end := context.WithCancel(t.Context())
	defer end()
	st := open(t, dir)
	r := tally(t, dir, point, end)
	if point == "committed" {
		for {
			n := must(r.next(ctx, st.Events()))(t)
			if n > 0 {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
		}
	}
	r.Run(ctx, st, discardLog)
}

// Wherever the process is killed, each event is counted once and none is skipped.
func TestReaderResumesAfterKill(t *testing.T) {
	st := withServer(t)
	dir := filepath.Dir(st.Path())
	want := 0
	for _, point := range []string{"work", "keep", "committed", "keep", "work", "", "keep", ""} {
		hold(t, st, 40) // two batches
		want += 40
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestHelperKilledReader$", "-test.v")
		cmd.Env = append(os.Environ(), killDirVar+"="+dir, killPointVar+"="+point)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		killed := errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
		if killed != (point != "") || point == "" && !strings.Contains(string(out), "--- PASS") {
			t.Fatalf("at %q: %v\n%s", point, err, out)
		}
		if point != "" {
			continue
		}
		if got := must(st.Site().ArchiveNames(t.Context()))(t); got != strconv.Itoa(want) {
			t.Errorf("%s events were counted, %d were written", got, want)
		}
	}
	next := int64(1)
	for line := range strings.Lines(string(must(os.ReadFile(filepath.Join(dir, readsFile)))(t))) {
		var from, to int64
		if _, err := fmt.Sscan(line, &from, &to); err != nil {
			t.Fatal(err)
		}
		if from > next {
			t.Errorf("Work skipped events %d to %d", next, from-1)
		}
		next = max(next, to+1)
	}
}

// A reader whose Work or Keep fails gets the same events again, and none are lost.
func TestReaderRetriesFailedBatch(t *testing.T) {
	st := withServer(t)
	hold(t, st, 5)
	ctx, end := context.WithCancel(t.Context())
	var seen []int64
	calls := 0
	Reader{Name: GameReader, Keep: func(ctx context.Context, tx *store.Store, batch []left4me.Event) error {
		calls++
		if calls < 4 {
			// Rows written by a failed Keep must be rolled back.
			return errors.Join(tx.Servers().Hold(ctx, "alpha", left4me.HeldBoot), io.ErrUnexpectedEOF)
		}
		for _, e := range batch {
			seen = append(seen, e.Position)
		}
		end()
		return nil
	}}.run(ctx, st.Events(), discardLog, time.Millisecond)
	if want := []int64{1, 2, 3, 4, 5, 6}; calls != 4 || !slices.Equal(seen, want) {
		t.Errorf("%d calls, events %v", calls, seen)
	}
	if v := must(st.Servers().Get(t.Context(), "alpha"))(t); v.Held != left4me.HeldCrashed {
		t.Errorf("Held = %q after a failed Keep", v.Held)
	}
}

// A reader that keeps failing is called at growing intervals, up to 30 s, until it succeeds.
func TestReaderBacksOffUpTo30Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "left4me.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		event := func(names string) {
			t.Helper()
			if err := st.Site().SetArchiveNames(t.Context(), names, false); err != nil {
				t.Fatal(err)
			}
		}
		event("cp932")
		want := []time.Duration{0}
		for wait := firstWait; len(want) < 11; wait = min(2*wait, 30*time.Second) {
			want = append(want, wait)
		}
		want = append(want, 0, firstWait) // the eleventh call succeeds
		ctx, end := context.WithCancel(t.Context())
		last := time.Now()
		var waits []time.Duration
		Reader{Name: GameReader, Work: func(context.Context, []left4me.Event) error {
			waits, last = append(waits, time.Since(last)), time.Now()
			switch len(waits) {
			case 11:
				event("gbk")
				return nil
			case len(want):
				end()
			}
			return io.ErrUnexpectedEOF
		}}.Run(ctx, st, discardLog)
		if !slices.Equal(waits, want) {
			t.Errorf("called after %v, want %v", waits, want)
		}
	})
}

// A commit wakes a reader, which gets bursts of events in order and in batches of limited size, and
// ends with its context.
func TestCommitWakesReader(t *testing.T) {
	st := withServer(t)
	const few = 50
	ctx, end := context.WithCancel(t.Context())
	got, ended := make(chan []left4me.Event), make(chan struct{})
	go func() {
		defer close(ended)
		Reader{Name: GameReader, most: few, Work: func(ctx context.Context, batch []left4me.Event) error {
			select {
			case got <- batch:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}.Run(ctx, st, discardLog)
	}()
	next := int64(1)
	read := func(until int64) {
		t.Helper()
		for next <= until {
			var b []left4me.Event
			select {
			case b = <-got:
			case <-time.After(10 * time.Second):
				t.Fatalf("event %d was not delivered", next)
			}
			if len(b) > few {
				t.Fatalf("batch of %d events", len(b))
			}
			for _, e := range b {
				if e.Position != next {
					t.Fatalf("got event %d, want %d", e.Position, next)
				}
				next++
			}
		}
	}
	read(1) // the server's creation
	hold(t, st, 1)
	read(2)
	hold(t, st, 2*few+1) // while the test doesn't read: a reader with a full batch continues
	read(2 + 2*few)
	end()
	<-ended
}

// A reader of another version of left4me doesn't keep events; the current readers keep unread
// events from the start.
func TestUnknownReadersDoNotKeepEvents(t *testing.T) {
	st := withServer(t)
	must(st.Events().Position(t.Context(), "older"))(t)
	if err := st.Events().KeepReaders(t.Context(), readers); err != nil {
		t.Fatal(err)
	}
	future := time.Now().Add(time.Hour)
	if n := must(st.Events().Prune(t.Context(), 0, future))(t); n != 0 {
		t.Errorf("pruned %d events that %v have not read", n, readers)
	}
	for _, name := range readers {
		if err := st.Events().Advance(t.Context(), name, 0, 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := must(st.Events().Prune(t.Context(), 0, future))(t); n != 1 {
		t.Errorf("pruned %d events, want 1", n)
	}
}

// BenchmarkReader measures a reader that catches up with 100,000 events.
func BenchmarkReader(b *testing.B) {
	const n = 100_000
	st := withServer(b)
	hold(b, st, n)
	for b.Loop() {
		if err := st.Events().KeepReaders(b.Context(), nil); err != nil { // makes it a new reader each time
			b.Fatal(err)
		}
		r, seen := Reader{Name: GameReader}, 0
		r.Work = func(_ context.Context, batch []left4me.Event) error {
			seen += count(batch, left4me.ServerHeld)
			return nil
		}
		for must(r.next(b.Context(), st.Events()))(b) > 0 {
		}
		if seen != n {
			b.Fatalf("%d events", seen)
		}
	}
}
