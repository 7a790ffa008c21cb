package bus_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/disk/disktest"
	"github.com/left4me/left4me/internal/left4me"
)

func TestQueueRecoversFromFullDisk(t *testing.T) {
	disktest.OnSmall(t, "4m", func(t *testing.T, dir string) {
		b, err := bus.Open(t.Context(), filepath.Join(dir, "bus"), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		got, events := make(chan bus.Delivery, 1000), make(chan string, 1000)
		if err := b.Work(ctx, "local", func(d bus.Delivery) { got <- d }); err != nil {
			t.Fatal(err)
		}
		if err := b.Events(ctx, "reader", bus.KindCrash,
			func(_ string, data []byte) error { events <- string(data); return nil }); err != nil {
			t.Fatal(err)
		}
		n := 0
		send := func() error {
			n++
			ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
			defer cancel()
			spec := []byte(`"` + strings.Repeat("x", 1000) + `"`)
			return b.Enqueue(ctx, "local",
				bus.JobMessage{V: bus.Version, ID: left4me.JobID(fmt.Sprint("job-", n)), Kind: "server.start", Target: "a", Spec: spec})
		}
		// One job stays with the host, and one is done.
		if err := errors.Join(send(), send()); err != nil {
			t.Fatal(err)
		}
		held, done := receive(t, got), receive(t, got)
		if err := done.Done(); err != nil {
			t.Fatal(err)
		}

		filler := filepath.Join(dir, "filler")
		disktest.Fill(t, dir, 0)
		for err = nil; err == nil && n < 100; { // some messages still fit into blocks of files that are already allocated
			err = send()
			if err == nil {
				_ = receive(t, got).Done()
			}
		}
		if e, ok := left4me.Public(err); !ok || e.Kind != left4me.DiskFull || !strings.Contains(e.Text, dir+"/bus has ") {
			t.Fatalf("on a full disk: %v", err)
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		if err := send(); err != nil {
			t.Fatalf("with free space: %v", err)
		}
		if d := receive(t, got); d.ID != left4me.JobID(fmt.Sprint("job-", n)) {
			t.Errorf("got job %s", d.ID)
		} else if err := d.Done(); err != nil {
			t.Error(err)
		}
		if err := b.Record(ctx, "local", bus.KindCrash, "one", "after"); err != nil || receive(t, events) != `"after"` {
			t.Errorf("events: %v", err)
		}
		if err := held.Done(); err != nil {
			t.Errorf("job that stayed with the host: %v", err)
		}

		// OnFull frees space, so that the next message is accepted at once.
		disktest.Fill(t, dir, 0)
		var relieved atomic.Bool
		b.OnFull(func() bool { relieved.Store(true); return os.Remove(filler) == nil })
		for range 100 {
			if err := send(); err != nil {
				t.Fatalf("with a reserve: %v", err)
			}
			if err := receive(t, got).Done(); err != nil {
				t.Logf("done: %v", err)
			}
			if relieved.Load() {
				break
			}
		}
		if !relieved.Load() {
			t.Error("the disk was not full")
		}
		silent(t, got, "it came twice")
	})
}

func TestQueueOpensAfterStartOnFullDisk(t *testing.T) {
	disktest.OnSmall(t, "4m", func(t *testing.T, dir string) {
		store := filepath.Join(dir, "bus")
		b, err := bus.Open(t.Context(), store, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		b.Close()
		// Open would remove these jobs and thereby free space.
		if err := os.RemoveAll(filepath.Join(store, "jetstream/$G/streams/JOBS")); err != nil {
			t.Fatal(err)
		}
		disktest.Fill(t, dir, 0)
		b, err = bus.Open(t.Context(), store, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		got := make(chan bus.Delivery, 1)
		if err := b.Work(ctx, "local", func(d bus.Delivery) { got <- d }); err != nil {
			t.Fatal(err)
		}
		send := func() error {
			return b.Enqueue(ctx, "local", bus.JobMessage{V: bus.Version, ID: "a", Kind: "server.start", Target: "a", Spec: []byte(`{}`)})
		}
		if err := send(); !errors.Is(err, left4me.DiskFull) || b.Full() == nil {
			t.Errorf("on a full disk: %v, full: %v", err, b.Full())
		}
		disktest.Empty(t, dir)
		if err := send(); err != nil || b.Full() != nil {
			t.Fatalf("with free space: %v, full: %v", err, b.Full())
		}
		if err := receive(t, got).Done(); err != nil {
			t.Error(err)
		}
	})
}
