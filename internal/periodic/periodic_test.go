package periodic

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/left4me/left4me/internal/requestid"
)

// starts runs a schedule for the given time and returns when it called do. Each call of do lasts for
// the duration takes.
func starts(t *testing.T, s Schedule, within, takes time.Duration) (at []time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	began := time.Now()
	var running atomic.Int32
	Run(ctx, s, func(context.Context) {
		if running.Add(1) > 1 {
			t.Error("two runs overlap")
		}
		at = append(at, time.Since(began))
		time.Sleep(takes) // time of the synctest bubble
		running.Add(-1)
	})
	return at
}

func TestScheduleReportsNextRun(t *testing.T) {
	const second = time.Second
	// backOff returns intervals of 1 s, 2 s, 4 s and so on.
	backOff := func() func() time.Duration {
		wait := second / 2
		return func() time.Duration { wait *= 2; return wait }
	}
	for name, c := range map[string]struct {
		schedule Schedule
		takes    time.Duration
		want     []time.Duration
	}{
		"every": {Schedule{Every: 10 * second}, 0, []time.Duration{10 * second, 20 * second, 30 * second}},
		"every, at once": {
			Schedule{Every: 10 * second, AtOnce: true},
			0,
			[]time.Duration{0, 10 * second, 20 * second, 30 * second},
		},
		"every, from start to start": {
			Schedule{Every: 10 * second},
			4 * second,
			[]time.Duration{10 * second, 20 * second, 30 * second},
		},
		"runs that are missed are one": {
			Schedule{Every: 3 * second},
			14 * second,
			[]time.Duration{3 * second, 17 * second, 31 * second},
		},
		"next": {
			Schedule{Next: backOff()},
			0,
			[]time.Duration{second, 3 * second, 7 * second, 15 * second, 31 * second},
		},
		"next, at once": {
			Schedule{Next: backOff(), AtOnce: true},
			0,
			[]time.Duration{0, second, 3 * second, 7 * second, 15 * second, 31 * second},
		},
		"next, from the end of a run": {
			Schedule{Next: func() time.Duration { return 10 * second }},
			5 * second,
			[]time.Duration{10 * second, 25 * second},
		},
		"a pause that is longer than all": {
			Schedule{Every: second, Pause: 12 * second},
			0,
			[]time.Duration{second, 13 * second, 25 * second},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := starts(t, c.schedule, 35*second, c.takes); !slices.Equal(got, c.want) {
					t.Errorf("runs at %v, want %v", got, c.want)
				}
			})
		})
	}
}

func TestWakeRunsEarlyAndOncePerBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{}, 1)
		go func() {
			time.Sleep(3 * time.Second)
			for range 50 { // during a run and its pause
				select {
				case wake <- struct{}{}:
				default:
				}
				time.Sleep(time.Millisecond)
			}
		}()
		got := starts(t, Schedule{Every: 10 * time.Second, Wake: wake, Pause: time.Second}, 25*time.Second, 0)
		if want := []time.Duration{3 * time.Second, 4 * time.Second, 10 * time.Second, 20 * time.Second}; !slices.Equal(got, want) {
			t.Errorf("runs at %v, want %v", got, want)
		}
	})
}

type ofTest struct{}

// All log lines of one run have the same id. The lines of work that a request caused have the id of
// that request.
func TestEachRunHasLogID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ids := func(ctx context.Context) (ids []string) {
			ctx, cancel := context.WithCancel(ctx)
			Run(ctx, Schedule{Every: time.Second}, func(ctx context.Context) {
				if ids = append(ids, requestid.From(ctx)); len(ids) == 2 {
					cancel()
				}
			})
			return ids
		}
		if own := ids(t.Context()); !requestid.Valid(own[0]) || !requestid.Valid(own[1]) || own[0] == own[1] {
			t.Errorf("got %q", own)
		}
		if given := ids(requestid.With(t.Context(), "7f3a")); given[0] != "7f3a" || given[1] != "7f3a" {
			t.Errorf("got %q", given)
		}
	})
}

func TestRunStopsWithContext(t *testing.T) {
	for name, c := range map[string]struct {
		schedule Schedule
		ends     time.Duration // end of the context
		runs     int
	}{
		"before it began":  {Schedule{Every: time.Hour, AtOnce: true}, 0, 0},
		"while it waits":   {Schedule{Every: time.Hour, AtOnce: true}, time.Minute, 1},
		"while it pauses":  {Schedule{Every: time.Second, Pause: time.Hour}, time.Minute, 1},
		"next is far away": {Schedule{Next: func() time.Duration { return time.Hour }}, time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(context.WithValue(t.Context(), ofTest{}, name))
				if c.ends == 0 {
					cancel()
				}
				time.AfterFunc(c.ends, cancel)
				began, runs := time.Now(), 0
				Run(ctx, c.schedule, func(got context.Context) {
					if got.Err() != nil || got.Value(ofTest{}) != name {
						t.Error("do got another context or an ended one")
					}
					runs++
				})
				if took := time.Since(began); took != c.ends || runs != c.runs {
					t.Errorf("Run returned after %v and %d runs, want %v and %d", took, runs, c.ends, c.runs)
				}
			})
		})
	}
}

// Run was woken and its context has ended: in either order, nothing may run.
func TestNothingRunsAfterContextEnds(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			wake := make(chan struct{}, 1)
			time.AfterFunc(time.Second, func() { cancel(); wake <- struct{}{} })
			Run(ctx, Schedule{Every: time.Hour, Wake: wake}, func(context.Context) { t.Error("do was called") })
		})
	}
}

func TestPanicReachesCaller(t *testing.T) {
	defer func() {
		if got := recover(); got != "broken" {
			t.Errorf("got panic %v", got)
		}
	}()
	Run(t.Context(), Schedule{Every: time.Hour, AtOnce: true}, func(context.Context) { panic("broken") })
	t.Error("Run returned")
}
