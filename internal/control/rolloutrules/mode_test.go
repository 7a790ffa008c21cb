package rolloutrules

import (
	"testing"
	"time"
	_ "time/tzdata" // for machines without a time zone database

	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// view returns a running server with a number of players.
func view(name left4me.Name, players int) servers.View {
	return servers.View{Server: left4me.Server{Name: name}, Status: left4me.Status{Name: name, State: left4me.Running, Players: players}}
}

func hm(t *testing.T, s string) time.Time {
	t.Helper()
	h, m, err := clock(s)
	if err != nil {
		t.Fatal(err)
	}
	return time.Date(2026, 11, 24, h, m, 0, 0, time.UTC)
}

func TestWithinReportsDailyWindow(t *testing.T) {
	for _, c := range []struct {
		name, hour, asked, now string
		in                     bool
		next                   string
	}{
		{"before the window", "04:30", "03:00", "03:10", false, "24 04:30"},
		{"at the start of the window", "04:30", "03:00", "04:30", true, "25 04:30"},
		{"near the end of the window", "04:30", "03:00", "05:29", true, "25 04:30"},
		{"missed", "04:30", "03:00", "05:30", false, "25 04:30"},
		{"requested within the window: the next day", "04:30", "04:40", "04:41", false, "25 04:30"},
		{"a window over midnight", "23:40", "22:00", "00:10", true, "24 23:40"},
		{"clock set back to before the request", "04:30", "06:00", "04:45", true, "25 04:30"},
		{"midnight", "00:00", "12:00", "13:00", false, "25 00:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := hm(t, c.asked)
			if c.name == "a window over midnight" {
				asked = asked.AddDate(0, 0, -1)
			}
			in, next := Within(c.hour, asked, hm(t, c.now))
			if got := next.Format("02 15:04"); in != c.in || got != c.next {
				t.Errorf("%v, next %s", in, got)
			}
		})
	}
}

func TestWithinTimeSkippedByDST(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	before := time.Date(2026, 3, 29, 1, 30, 0, 0, berlin) // at 02:00 the clock advances to 03:00
	in, next := Within("02:30", before.Add(-time.Hour), before)
	if in || next.Sub(before) > 2*time.Hour {
		t.Errorf("%v, next %s", in, next)
	}
	if in, _ := Within("02:30", before, next.Add(time.Minute)); !in {
		t.Error("not in the window after the clock change")
	}
}

func TestParseMode(t *testing.T) {
	for text, want := range map[string]Mode{"": Never, "never": Never, "now": Now, "empty": Empty, "04:30": "04:30", "00:00": "00:00"} {
		if m, err := ParseMode(text); err != nil || m != want {
			t.Errorf("%q: %q, %v", text, m, err)
		}
	}
	for _, text := range []string{"NOW", "4:30", "24:00", "04:60", "04:30:00", " now", "soon"} {
		if m, err := ParseMode(text); err == nil {
			t.Errorf("%q is %q", text, m)
		}
	}
}

func TestSinceKeepsTimeServerBecameEmpty(t *testing.T) {
	all := []servers.View{view("a", 0), view("b", 1)}
	first := Since(nil).Update(all, noon)
	if len(first) != 1 || first["a"] != noon {
		t.Errorf("got %v", first)
	}
	later := first.Update(all, noon.Add(time.Hour))
	if later["a"] != noon {
		t.Errorf("got %v", later)
	}
	all[0].Status.Players = 2
	if v := later.Update(all, noon.Add(time.Hour)); len(v) != 0 {
		t.Errorf("all servers have players: %v", v)
	}
	all[0].Status.Players = 0
	if v := later.Update(all, noon.Add(-time.Hour)); v["a"] != noon.Add(-time.Hour) {
		t.Errorf("after the clock was set back: %v", v)
	}
}

func TestSettleMapsJobStateToMove(t *testing.T) {
	for state, want := range map[left4me.JobState]string{
		left4me.JobQueued: Moving, left4me.JobRunning: Moving, left4me.JobDone: Moved, left4me.JobCancelled: Left,
		left4me.JobFailed: Broken, left4me.JobInterrupted: Broken,
	} {
		if m := Settle(store.Move{State: Moving}, left4me.Job{State: state}); m.State != want {
			t.Errorf("%s: %+v", state, m)
		}
	}
}
