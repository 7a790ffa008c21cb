package lifecycle

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// diary keeps what happened, in order.
type diary struct {
	mu  sync.Mutex
	all []string
}

func (d *diary) note(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, what)
}

// part is ready some time after it started, and ends some time after its context.
func (d *diary) part(name string, readyAfter, endsAfter time.Duration) Part {
	ready := make(chan struct{})
	return Part{Ready: ready, Run: func(ctx context.Context) error {
		d.note("starts " + name)
		time.Sleep(readyAfter) // of the bubble
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

func TestPartsStartFromTheLastStageWhenThoseBeforeAreReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var d diary
		slow := d.part("slow", time.Second, 0)
		slow.Ready = nil // nobody waits for it
		_ = Run(ctx, Stage{d.part("first", 0, 0)}, Stage{d.part("second", 0, 0), slow},
			Stage{d.part("a", time.Second, 0), d.part("b", 0, 0)})
		want := []string{
			"starts a", "ready a", "starts b", "ready b", "starts second", "ready second", "starts slow", "starts first", "ready first",
			"ready slow",
		}
		// Of what starts at once nobody says which is first.
		got := slices.Clone(d.all[:len(want)])
		if i := slices.Index(got, "starts slow"); i > 6 {
			got = slices.Insert(slices.Delete(got, i, i+1), 6, "starts slow")
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

func TestNothingStartsBehindAPartThatIsNeverReady(t *testing.T) {
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
