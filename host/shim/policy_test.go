package shim

import (
	"testing"
	"time"
)

func TestCrashLoopIsGivenUpAfterTheLimit(t *testing.T) {
	p := Policy{Limit: 3, Window: time.Minute, MinUptime: 30 * time.Second, Backoff: time.Second, MaxBackoff: 3 * time.Second}
	base := time.Unix(1_800_000_000, 0)
	at := func(after, uptime time.Duration) crash { return crash{base.Add(after), uptime} }
	for name, tt := range map[string]struct {
		crashes []crash
		want    action
	}{
		"the first":                  {[]crash{at(0, time.Hour)}, action{after: time.Second}},
		"the second at once":         {[]crash{at(0, time.Hour), at(10*time.Second, 5*time.Second)}, action{after: 2 * time.Second}},
		"the third within a minute":  {[]crash{at(0, time.Hour), at(10*time.Second, 0), at(20*time.Second, 0)}, action{giveUp: true}},
		"one an hour":                {[]crash{at(0, time.Hour), at(time.Hour, time.Hour), at(2*time.Hour, time.Hour)}, action{after: time.Second}},
		"slow to start, then a loop": {[]crash{at(0, 0), at(5*time.Minute, 0), at(10*time.Minute, 0)}, action{giveUp: true}},
		"a good run in between":      {[]crash{at(0, 0), at(5*time.Minute, time.Minute), at(10*time.Minute, 0)}, action{after: time.Second}},
	} {
		last := tt.crashes[len(tt.crashes)-1].at
		if got := next(p, tt.crashes, last); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
	p.Limit = 10
	many := []crash{at(0, 0), at(1, 0), at(2, 0), at(3, 0), at(4, 0)}
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
	var r round
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
