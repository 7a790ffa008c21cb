package overlays

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/control/rolloutrules"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

func TestRefreshIsDueAtIntervalOrTime(t *testing.T) {
	day := func(d int, hhmm string) time.Time {
		at, err := time.Parse("2006-01-02 15:04", fmt.Sprintf("2026-11-%02d %s", d, hhmm))
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, c := range []struct {
		name    string
		refresh left4me.Refresh
		last    time.Time
		want    time.Time
	}{
		{"without a time of day", left4me.Refresh{Hours: 6}, day(1, "10:00"), day(1, "16:00")},
		{"daily", left4me.Refresh{Hours: 24, At: "04:30"}, day(1, "04:30"), day(2, "04:30")},
		{"after a check that took an hour", left4me.Refresh{Hours: 24, At: "04:30"}, day(1, "05:30"), day(2, "04:30")},
		{"after a manual check in the morning", left4me.Refresh{Hours: 24, At: "04:30"}, day(1, "10:00"), day(2, "04:30")},
		{"after a manual check in the evening", left4me.Refresh{Hours: 24, At: "04:30"}, day(1, "20:00"), day(3, "04:30")},
		{"weekly", left4me.Refresh{Hours: 168, At: "04:30"}, day(1, "04:35"), day(8, "04:30")},
		{"interval shorter than a day", left4me.Refresh{Hours: 1, At: "04:30"}, day(1, "04:31"), day(2, "04:30")},
	} {
		if got := due(c.refresh, c.last, c.last); !got.Equal(c.want) {
			t.Errorf("%s: %s", c.name, got)
		}
	}
	now := day(3, "12:00")
	if at := lastCheck(store.Overlay{CheckedAt: day(9, "12:00")}, now); !at.Equal(now) {
		t.Errorf("after the clock was set back: %s", at)
	}
}

func TestNextStepOfRevisionRolloutDependsOnMode(t *testing.T) {
	noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	on := func(name left4me.Name, players int, changes ...left4me.OverlayChange) servers.View {
		return servers.View{
			Server:     left4me.Server{Name: name},
			Status:     left4me.Status{Name: name, State: left4me.Running, Players: players},
			NewContent: changes,
		}
	}
	newer := left4me.OverlayChange{Overlay: "maps", From: 1, To: 2}
	in := func(state left4me.ServerState, v servers.View) servers.View {
		v.Status.State = state
		return v
	}
	long := rolloutrules.Since{"a": noon.Add(-time.Hour), "b": noon.Add(-time.Second)}
	for _, c := range []struct {
		name, mode string
		moves      []store.Move
		servers    []servers.View
		want       string
	}{
		{
			"only empty servers are restarted", "empty", nil,
			[]servers.View{on("a", 0, newer), on("c", 3, newer)},
			"a ready; c 3 players are connected",
		},
		{"a server that just became empty waits", "empty", nil, []servers.View{on("b", 0, newer)}, "b empty for less than a minute"},
		{"before the time of day", "13:00", nil, []servers.View{on("a", 0, newer)}, "a waiting until 13:00"},
		{"at the time of day, with players", "11:30", nil, []servers.View{on("c", 3, newer)}, "c ready"},
		{"all servers have the revision", "empty", nil, []servers.View{on("a", 0), in(left4me.Stopped, on("b", 0, newer))}, "done"},
		{
			"not done while a server restarts", "empty",
			[]store.Move{{Server: "a", State: rolloutrules.Moving}},
			[]servers.View{on("a", 0, newer)},
			"",
		},
		{
			"a failed start ends the rollout", "empty",
			[]store.Move{{Server: "b", State: rolloutrules.Broken, Reason: left4me.NewNote("rollout.restart_failed")}},
			[]servers.View{on("a", 0, newer)},
			"failed b did not come up with revision 2",
		},
		{
			"a server left unchanged is not restarted", "empty",
			[]store.Move{{Server: "a", State: rolloutrules.Left}},
			[]servers.View{on("a", 0, newer)},
			"done",
		},
		{"a server in unknown state", "empty", nil, []servers.View{in(left4me.Unknown, on("a", 0))}, ""},
		{
			"another revision was chosen since", "empty", nil,
			[]servers.View{on("a", 0, left4me.OverlayChange{Overlay: "maps", From: 2, To: 1})},
			"done",
		},
		{
			"an overlay newly added to a server", "empty", nil,
			[]servers.View{on("a", 0, left4me.OverlayChange{Overlay: "maps", To: 2})},
			"done",
		},
		{
			"a newer revision of another overlay", "empty", nil,
			[]servers.View{on("a", 0, left4me.OverlayChange{Overlay: "mods", From: 1, To: 2})},
			"done",
		},
	} {
		r := store.OverlayRestart{
			Overlay:   "maps",
			Revision:  2,
			Mode:      c.mode,
			State:     RestartRuns,
			CreatedAt: noon.Add(-2 * time.Hour),
			Moves:     c.moves,
		}
		do := next(r, c.servers, long, noon)
		var told []string
		for _, w := range do.wishes {
			if w.Ready {
				w.Why.Text = "ready"
			}
			told = append(told, string(w.Server)+" "+w.Why.Text)
		}
		if do.end != "" {
			told = append(told, strings.TrimSpace(do.end+" "+do.reason.Text))
		}
		if got := strings.Join(told, "; "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
