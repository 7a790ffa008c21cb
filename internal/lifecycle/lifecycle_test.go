package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// diary records what happened, in order.
type diary struct {
	mu  sync.Mutex
	all []string
}

func (d *diary) note(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, what)
}

// part returns a part that is ready some time after its start and ends some time after its context.
func (d *diary) part(name string, readyAfter, endsAfter time.Duration) Part {
	ready := make(chan struct{})
	return Part{Ready: ready, Run: func(ctx context.Context) error {
		d.note("starts " + name)
		time.Sleep(readyAfter) // time of the synctest bubble
		d.note("ready " + name)
		close(ready)
		<-ctx.Done()
		time.Sleep(endsAfter)
		d.note("ended " + name)
		return ctx.Err()
	}}
}

func TestStagesEndInOrder(t *testing.T) {
	for name, broken := range map[string]error{"when it is asked to end": nil, "when one fails": errors.New("broken")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var d diary
				first := Stage{d.part("first", 0, 2*time.Second), d.part("first, quick", 0, 0)}
				second := Stage{d.part("second", 0, time.Second)}
				third := Stage{d.part("third", 0, 0), {Run: func(context.Context) error { time.Sleep(time.Second); return broken }}}
				time.AfterFunc(time.Minute, cancel)
				err := Run(ctx, first, second, third)
				want := []string{"ended first, quick", "ended first", "ended second", "ended third"}
				if got := d.all[len(d.all)-len(want):]; !slices.Equal(got, want) {
					t.Errorf("%q, want %q", got, want)
				}
				if broken != nil && !errors.Is(err, broken) || broken == nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		})
	}
}

func TestPartsStartFromLastStageOnceReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var d diary
		slow := d.part("slow", time.Second, 0)
		slow.Ready = nil // no later part waits for it
		_ = Run(ctx, Stage{d.part("first", 0, 0)}, Stage{d.part("second", 0, 0), slow},
			Stage{d.part("a", time.Second, 0), d.part("b", 0, 0)})
		want := []string{
			"starts a", "ready a", "starts b", "ready b", "starts second", "ready second", "starts slow", "starts first", "ready first",
			"ready slow",
		}
		// The order of parts that start at the same time is not defined.
		got := slices.Clone(d.all[:len(want)])
		if i := slices.Index(got, "starts slow"); i > 6 {
			got = slices.Insert(slices.Delete(got, i, i+1), 6, "starts slow")
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

func TestPartThatIsNeverReadyBlocksLaterStages(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		run  func(context.Context) error
		want error
	}{
		"it fails":           {func(context.Context) error { return broken }, broken},
		"it is asked to end": {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Minute, cancel)
				var d diary
				never := Part{Run: c.run, Ready: make(chan struct{})}
				err := Run(ctx, Stage{d.part("first", 0, 0)}, Stage{d.part("begun", 0, time.Second), never, d.part("behind", 0, 0)})
				if want := []string{"starts begun", "ready begun", "ended begun"}; !slices.Equal(d.all, want) {
					t.Errorf("%q, want %q", d.all, want)
				}
				if !errors.Is(err, c.want) {
					t.Error(err)
				}
			})
		})
	}
}

// A part that returns the error of its context immediately must not hide the error of another part
// at shutdown.
func TestErrorsAtShutdownAreReturned(t *testing.T) {
	full, stuck := errors.New("the disk is full"), errors.New("it is stuck")
	ends := func(after time.Duration, with func(context.Context) error) Part {
		return Part{Run: func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(after) // time of the synctest bubble
			return with(ctx)
		}}
	}
	quick := ends(0, func(ctx context.Context) error { return fmt.Errorf("read: %w", ctx.Err()) })
	for name, c := range map[string]struct {
		parts Stage
		want  []error // in order
	}{
		"nothing fails": {Stage{quick, ends(0, context.Cause)}, nil},
		"one fails":     {Stage{quick, ends(time.Second, func(context.Context) error { return full })}, []error{full}},
		"one fails by itself": {
			Stage{quick, {Run: func(context.Context) error { time.Sleep(time.Second); return stuck }}},
			[]error{stuck},
		},
		"one says both": {
			Stage{quick, ends(0, func(ctx context.Context) error { return errors.Join(ctx.Err(), full) })},
			[]error{full},
		},
		"one says both in one": {
			Stage{quick, ends(0, func(ctx context.Context) error { return fmt.Errorf("%w: %w", full, ctx.Err()) })},
			[]error{full},
		},
		"two fail": {
			Stage{
				ends(2*time.Second, func(context.Context) error { return full }), quick,
				ends(time.Second, func(context.Context) error { return stuck }),
			},
			[]error{stuck, full},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				time.AfterFunc(time.Minute, cancel)
				err := Run(ctx, c.parts)
				if len(c.want) == 0 && err != context.Canceled { // identical, because serve distinguishes it from a failure that wraps it
					t.Errorf("%v, want only that the installation of the game was interrupted", err)
				}
				from := 0
				for _, want := range c.want {
					if !errors.Is(err, want) {
						t.Fatalf("got %v, want %v", err, want)
					}
					at := strings.Index(err.Error(), want.Error())
					if at < from {
						t.Errorf("%v comes too early in %q", want, err)
					}
					from = at
				}
			})
		})
	}
}
