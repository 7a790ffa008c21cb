package shim

import (
	"testing"
	"time"
)

func TestCrashLoopIsGivenUpAfterTheLimit(t *testing.T) {
	p := Policy{Limit: 3, Window: time.Minute, MinUptime: 30 * time.Second, Backoff: time.Second, MaxBackoff: 3 * time.Second}
	base := time.Unix(1_800_000_000, 0)
	at := func(after, ready time.Duration) run {
		return run{crashRecord: crashRecord{At: base.Add(after)}, ready: ready}
	}
	clean := func(after, uptime time.Duration) run {
		return run{crashRecord: crashRecord{At: base.Add(after), Uptime: uptime}, clean: true, ready: max(0, uptime-time.Second)}
	}
	const s = time.Second
	for name, tt := range map[string]struct {
		runs []run
		want action
	}{
		"the first":                 {[]run{at(0, time.Hour)}, action{after: s, count: 1}},
		"the second at once":        {[]run{at(0, time.Hour), at(10*s, 5*s)}, action{after: 2 * s, count: 2}},
		"the third within a minute": {[]run{at(0, time.Hour), at(10*s, 0), at(20*s, 0)}, action{giveUp: true, after: 3 * s, count: 3}},
		"one an hour": {
			[]run{at(0, time.Hour), at(time.Hour, time.Hour), at(2*time.Hour, time.Hour)},
			action{after: s, count: 1},
		},
		"slow to start, then a loop": {
			[]run{at(0, 0), at(5*time.Minute, 0), at(10*time.Minute, 0)},
			action{giveUp: true, after: 3 * s, count: 3},
		},
		"a good run in between": {
			[]run{at(0, 0), at(5*time.Minute, time.Minute), at(10*time.Minute, 0)},
			action{after: s, count: 1},
		},
		"a clean end": {[]run{clean(0, time.Hour)}, action{after: s}},
		"a clean end each hour": {
			[]run{clean(0, time.Hour), clean(time.Hour, time.Hour), clean(2*time.Hour, time.Hour)},
			action{after: s},
		},
		"a clean end after a minute": {[]run{
			clean(0, time.Minute), clean(time.Minute, time.Minute),
			clean(2*time.Minute, time.Minute),
		}, action{after: s}},
		"clean ends within a minute": {
			[]run{clean(0, 59*s), clean(60*s, 59*s), clean(120*s, 59*s)},
			action{giveUp: true, after: 3 * s, count: 3},
		},
		"clean ends at once":             {[]run{clean(0, 0), clean(s, 0)}, action{after: 2 * s, count: 2}},
		"clean ends and crashes":         {[]run{at(0, 0), clean(10*s, 9*s), at(20*s, 9*s)}, action{giveUp: true, after: 3 * s, count: 3}},
		"a long run with a clean end":    {[]run{at(0, 0), clean(10*s, 9*s), clean(80*s, 70*s), at(90*s, 0)}, action{after: s, count: 1}},
		"a crash that lasted in between": {[]run{clean(0, 9*s), at(90*s, 80*s), clean(100*s, 9*s)}, action{after: 2 * s, count: 2}},
	} {
		last := tt.runs[len(tt.runs)-1].At
		if got := next(p, tt.runs, last); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
	p.Limit = 10
	many := []run{at(0, 0), at(1, 0), at(2, 0), at(3, 0), at(4, 0)}
	if got := next(p, many, base); got.after != p.MaxBackoff {
		t.Errorf("the wait grows to %v", got.after)
	}
}

func TestWatchdogGivesMapsTheirTimeOnce(t *testing.T) {
	const dog = 40 * time.Second
	answered := time.Unix(1_800_000_000, 0)
	for name, tt := range map[string]struct {
		watchdog time.Duration
		loading  time.Duration // after the answer; 0 is never
		quiet    time.Duration
		want     verdict
	}{
		"just answered":         {dog, 0, time.Second, answers},
		"half of it":            {dog, 0, dog / 2, silent},
		"all of it":             {dog, 0, dog, hangs},
		"switched off":          {0, 0, time.Hour, answers},
		"a map loads":           {dog, time.Second, 50 * time.Second, answers},
		"a map loads for ever":  {dog, time.Second, time.Second + mapTime, hangs},
		"a map before it spoke": {dog, -time.Second, dog, hangs},
	} {
		var loading time.Time
		if tt.loading != 0 {
			loading = answered.Add(tt.loading)
		}
		if got := judge(tt.watchdog, answered, loading, answered.Add(tt.quiet)); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestLinesAboutMapsBuyTimeOnce(t *testing.T) {
	var r gameRun
	r.seen([]byte("---- Host_Changelevel ----"))
	first := r.loading.Load()
	if first == 0 {
		t.Fatal("a map that loads is not noticed")
	}
	r.seen([]byte("Loading map \"c1m2_streets\""))
	if r.loading.Load() != first {
		t.Error("a second line buys more time")
	}
}
