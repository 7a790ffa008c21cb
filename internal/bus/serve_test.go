package bus_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
)

// Under's counter includes handlers of every kind that are still running when their context ends.
func TestUnderWaitsForHandlers(t *testing.T) {
	b, err := bus.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for name, begin := range map[string]func(ctx context.Context, b *bus.Bus, handle func()) error{
		"a request": func(ctx context.Context, b *bus.Bus, handle func()) error {
			err := b.Answer(ctx, "l4m.local.cmd.wait",
				func(context.Context, string, []byte) (any, error) { handle(); return bus.Empty{}, nil })
			if err != nil {
				return err
			}
			return b.Publish("l4m.local.cmd.wait", bus.Empty{})
		},
		"a message": func(ctx context.Context, b *bus.Bus, handle func()) error {
			if err := b.Listen(ctx, "l4m.local.live.wait", func(string, []byte) { handle() }); err != nil {
				return err
			}
			return b.Publish("l4m.local.live.wait", bus.Empty{})
		},
		"a job": func(ctx context.Context, b *bus.Bus, handle func()) error {
			if err := b.Work(ctx, "local", func(bus.Delivery) { handle() }); err != nil {
				return err
			}
			return b.Enqueue(ctx, "local", bus.JobMessage{V: bus.Version, ID: "1", Kind: "server.start", Target: "alpha"})
		},
		"an event": func(ctx context.Context, b *bus.Bus, handle func()) error {
			if err := b.Events(ctx, "test", bus.KindCrash, func(string, []byte) error { handle(); return nil }); err != nil {
				return err
			}
			return b.Record(ctx, "local", bus.KindCrash, "1", bus.Crash{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			var running sync.WaitGroup
			entered, leave := make(chan struct{}), make(chan struct{})
			if err := begin(ctx, b.Under(&running), func() { close(entered); <-leave }); err != nil {
				t.Fatal(err)
			}
			<-entered
			cancel()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				running.Wait()
			}()
			select {
			case <-ended:
				t.Error("the counter reached zero while the handler ran")
			case <-time.After(50 * time.Millisecond):
			}
			close(leave)
			select {
			case <-ended:
			case <-time.After(10 * time.Second):
				t.Error("the counter stays after the handler has returned")
			}
		})
	}
}

// The counter also reaches zero when the bus closes, even if the context doesn't end.
func TestCloseEndsCountedHandlers(t *testing.T) {
	b, err := bus.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	under := b.Under(&running)
	if err := under.Listen(context.Background(), "l4m.local.live.x", func(string, []byte) {}); err != nil {
		t.Fatal(err)
	}
	if err := under.Work(context.Background(), "local", func(bus.Delivery) {}); err != nil {
		t.Fatal(err)
	}
	b.Close()
	running.Wait()
}
