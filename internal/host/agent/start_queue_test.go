package agent

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/left4me/left4me/internal/host/running/shim/shimtest"
)

func TestStartQueueLimitsConcurrentStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		starts := newStartQueue(2)
		var now, waited atomic.Int32
		for range 5 {
			go func() {
				give, err := starts.acquire(t.Context(), func() { waited.Add(1) })
				if err != nil {
					t.Error(err)
					return
				}
				if n := now.Add(1); n > 2 {
					t.Errorf("%d starts at the same time", n)
				}
				time.Sleep(time.Second) // simulated by synctest
				now.Add(-1)
				give()
				give() // a second call has no effect
			}()
		}
		time.Sleep(time.Minute)
		if now.Load() != 0 || waited.Load() != 3 {
			t.Errorf("%d starts still run and %d had to wait, want 0 and 3", now.Load(), waited.Load())
		}
	})
}

func TestHangingStartLosesItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		starts := newStartQueue(1)
		slow, err := starts.acquire(t.Context(), func() { t.Error("the first start had to wait") })
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		give, err := starts.acquire(t.Context(), func() {})
		if took := time.Since(begun); err != nil || took != maxHold {
			t.Errorf("the second start got its place after %v: %v", took, err)
		}
		slow() // the place belongs to another start already and must not be returned
		if len(starts) != 1 {
			t.Errorf("%d places are taken, want 1", len(starts))
		}
		give()
	})
}

func TestCancelledStartLeavesQueue(t *testing.T) {
	starts := newStartQueue(1)
	give, err := starts.acquire(t.Context(), func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer give()
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := starts.acquire(ctx, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// All servers start at the same time after a reboot. The time in the queue must not count against a
// start's deadline.
func TestStartDeadlineExcludesTimeInQueue(t *testing.T) {
	t.Parallel()
	r := shimtest.NewRoot(t)
	a := newWorker(t, r)
	a.servers.launchWithin = 5 * time.Second
	for range cap(a.servers.starts) {
		a.servers.starts <- struct{}{}
	}
	started := make(chan error, 1)
	go func() { started <- a.servers.start(t.Context(), r.Spec, a.mute()) }()
	select {
	case err := <-started:
		t.Fatalf("the start did not wait in the queue: %v", err)
	case <-time.After(a.servers.launchWithin + time.Second): // passing the deadline is what the test is about
	}
	<-a.servers.starts
	if err := <-started; err != nil {
		t.Error(err)
	}
	if err := a.servers.stop(t.Context(), r.Name, a.mute()); err != nil {
		t.Error(err)
	}
}
