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

func TestNoMoreStartAtOnceThanThereAreTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		starts := newStartQueue(2)
		var now, waited atomic.Int32
		for range 5 {
			go func() {
				give, err := starts.take(t.Context(), func() { waited.Add(1) })
				if err != nil {
					t.Error(err)
					return
				}
				if n := now.Add(1); n > 2 {
					t.Errorf("%d at once", n)
				}
				time.Sleep(time.Second) // of the bubble
				now.Add(-1)
				give()
				give() // twice is once
			}()
		}
		time.Sleep(time.Minute)
		if now.Load() != 0 || waited.Load() != 3 {
			t.Errorf("%d are at it, %d had to wait", now.Load(), waited.Load())
		}
	})
}

func TestAStartThatHangsLosesItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		starts := newStartQueue(1)
		slow, err := starts.take(t.Context(), func() { t.Error("the first one had to wait") })
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		give, err := starts.take(t.Context(), func() {})
		if took := time.Since(begun); err != nil || took != turnWithin {
			t.Errorf("the second one had its turn after %v: %v", took, err)
		}
		slow() // it was another's already: nobody's turn ends
		if len(starts) != 1 {
			t.Errorf("%d turns are taken", len(starts))
		}
		give()
	})
}

func TestWhoIsCancelledWaitsNoLonger(t *testing.T) {
	starts := newStartQueue(1)
	give, err := starts.take(t.Context(), func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer give()
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := starts.take(ctx, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("after a cancel: %v", err)
	}
}

// All servers are started at once after a reboot: what one waits for its turn must
// not be taken from the time that it has to start.
func TestDeadlineOfAStartCountsFromItsTurn(t *testing.T) {
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
		t.Fatalf("it did not wait for its turn: %v", err)
	case <-time.After(a.servers.launchWithin + time.Second): // the time is what is tested
	}
	<-a.servers.starts
	if err := <-started; err != nil {
		t.Error(err)
	}
	if err := a.servers.stop(t.Context(), r.Name, a.mute()); err != nil {
		t.Error(err)
	}
}
