package shim

import (
	"testing"
	"time"
)

func TestRestartPolicyGivesUpAfterLimit(t *testing.T) {
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
		"first crash":                 {[]run{at(0, time.Hour)}, action{after: s, count: 1}},
		"second crash soon after":     {[]run{at(0, time.Hour), at(10*s, 5*s)}, action{after: 2 * s, count: 2}},
		"third crash within a minute": {[]run{at(0, time.Hour), at(10*s, 0), at(20*s, 0)}, action{giveUp: true, after: 3 * s, count: 3}},
		"one crash per hour": {
			[]run{at(0, time.Hour), at(time.Hour, time.Hour), at(2*time.Hour, time.Hour)},
			action{after: s, count: 1},
		},
		"crash loop with slow starts": {
			[]run{at(0, 0), at(5*time.Minute, 0), at(10*time.Minute, 0)},
			action{giveUp: true, after: 3 * s, count: 3},
		},
		"long run between crashes": {
			[]run{at(0, 0), at(5*time.Minute, time.Minute), at(10*time.Minute, 0)},
			action{after: s, count: 1},
		},
		"clean exit": {[]run{clean(0, time.Hour)}, action{after: s}},
		"one clean exit per hour": {
			[]run{clean(0, time.Hour), clean(time.Hour, time.Hour), clean(2*time.Hour, time.Hour)},
			action{after: s},
		},
		"clean exits after runs of a minute": {[]run{
			clean(0, time.Minute), clean(time.Minute, time.Minute),
			clean(2*time.Minute, time.Minute),
		}, action{after: s}},
		"clean exits after runs of less than a minute": {
			[]run{clean(0, 59*s), clean(60*s, 59*s), clean(120*s, 59*s)},
			action{giveUp: true, after: 3 * s, count: 3},
		},
		"immediate clean exits":      {[]run{clean(0, 0), clean(s, 0)}, action{after: 2 * s, count: 2}},
		"clean exits and crashes":    {[]run{at(0, 0), clean(10*s, 9*s), at(20*s, 9*s)}, action{giveUp: true, after: 3 * s, count: 3}},
		"long run with a clean exit": {[]run{at(0, 0), clean(10*s, 9*s), clean(80*s, 70*s), at(90*s, 0)}, action{after: s, count: 1}},
		"crash after a long run":     {[]run{clean(0, 9*s), at(90*s, 80*s), clean(100*s, 9*s)}, action{after: 2 * s, count: 2}},
	} {
		last := tt.runs[len(tt.runs)-1].At
		if got := next(p, tt.runs, last); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", name, got, tt.want)
		}
	}
	p.Limit = 10
	many := []run{at(0, 0), at(1, 0), at(2, 0), at(3, 0), at(4, 0)}
	if got := next(p, many, base); got.after != p.MaxBackoff {
		t.Errorf("wait = %v, want MaxBackoff", got.after)
	}
}

func TestWatchdogExtendsTimeForMapLoadOnce(t *testing.T) {
	const dog = 40 * time.Second
	answered := time.Unix(1_800_000_000, 0)
	for name, tt := range map[string]struct {
		watchdog time.Duration
		loading  time.Duration // time to load the map after the answer; 0 means none
		quiet    time.Duration
		want     verdict
	}{
		"just answered":                   {dog, 0, time.Second, answers},
		"half of the timeout":             {dog, 0, dog / 2, silent},
		"the whole timeout":               {dog, 0, dog, hangs},
		"watchdog disabled":               {0, 0, time.Hour, answers},
		"map loading":                     {dog, time.Second, 50 * time.Second, answers},
		"map loading for too long":        {dog, time.Second, time.Second + mapTime, hangs},
		"map load before the last answer": {dog, -time.Second, dog, hangs},
	} {
		var loading time.Time
		if tt.loading != 0 {
			loading = answered.Add(tt.loading)
		}
		if got := judge(tt.watchdog, answered, loading, answered.Add(tt.quiet)); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

func TestRepeatedMapLoadLinesExtendTimeOnce(t *testing.T) {
	var r gameRun
	r.inspectLine([]byte("---- Host_Changelevel ----"))
	first := r.loading.Load()
	if first == 0 {
		t.Fatal("map load not detected")
	}
	r.inspectLine([]byte("Loading map \"c1m2_streets\""))
	if r.loading.Load() != first {
		t.Error("a second line extended the time")
	}
}
