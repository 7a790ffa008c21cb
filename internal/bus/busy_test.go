package bus_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// If a busy machine were mistaken for a broken store, the bus would restart the store in the middle
// of work and not start the delivery of jobs.
func TestBusyMachineIsNotBrokenStore(t *testing.T) {
	b, err := bus.Open(t.Context(), filepath.Join(t.TempDir(), "bus"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var idle atomic.Bool
	var busy, checking sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) {
		busy.Go(func() {
			for !idle.Load() {
			}
		})
	}
	for range 16 {
		checking.Go(func() {
			for range 30 {
				if err := b.Broken(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	checking.Wait()
	idle.Store(true)
	busy.Wait()
}

// keep runs a bus until the returned function is called.
func keep(t *testing.T, b *bus.Bus) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestFailedConsumerStartIsRetried(t *testing.T) {
	b, err := bus.Open(t.Context(), filepath.Join(t.TempDir(), "bus"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	defer keep(t, b)()
	got := make(chan bus.Delivery, 1)
	if err := b.Work(t.Context(), "local", func(d bus.Delivery) { got <- d }); err != nil {
		t.Fatal(err)
	}
	b.Unbegin()
	if err := b.Enqueue(t.Context(), "local",
		bus.JobMessage{V: bus.Version, ID: "one", Kind: left4me.StartServer, Target: "alpha"}); err != nil {
		t.Fatal(err)
	}
	if d := receive(t, got); d.ID != "one" {
		t.Errorf("got job %s", d.ID)
	} else if err := d.Done(); err != nil {
		t.Error(err)
	}
}
