package sleep_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/left4me/left4me/internal/sleep"
)

func TestSleepLastsAsLongAsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, d := range []time.Duration{-time.Second, 0, time.Hour} {
			begun := time.Now()
			if err := sleep.For(t.Context(), d); err != nil || time.Since(begun) != max(d, 0) {
				t.Errorf("a sleep of %v took %v: %v", d, time.Since(begun), err)
			}
		}
	})
}

func TestSleepReturnsContextCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("nobody waits any more")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(why) })
		begun := time.Now()
		if err := sleep.For(ctx, time.Hour); !errors.Is(err, why) || time.Since(begun) != time.Second {
			t.Errorf("the sleep ended after %v with %v", time.Since(begun), err)
		}
		for _, d := range []time.Duration{0, time.Hour} { // the context has already ended
			if err := sleep.For(ctx, d); !errors.Is(err, why) || time.Since(begun) != time.Second {
				t.Errorf("%v: the sleep ended after %v with %v", d, time.Since(begun), err)
			}
		}
	})
}
