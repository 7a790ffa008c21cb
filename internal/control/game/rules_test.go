package game

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// view returns a running server with a build and a number of players.
func view(name left4me.Name, build int64, players int) servers.View {
	return servers.View{
		Server: left4me.Server{Name: name, Host: left4me.LocalHost},
		Status: left4me.Status{Name: name, State: left4me.Running, Build: build, Players: players},
	}
}

// stepText formats a step as one line.
func stepText(s step) string {
	var out []string
	for _, w := range s.wishes {
		why := w.Why.Text
		if slices.Contains(s.restart, w.Server) {
			why = "restart"
		}
		out = append(out, fmt.Sprintf("%s: %s", w.Server, why))
	}
	if s.end != "" {
		out = append(out, strings.TrimSpace(s.end+" "+s.reason.Text))
	}
	return strings.Join(out, "; ")
}

func TestNextRolloutStepDependsOnMode(t *testing.T) {
	in := func(state left4me.ServerState, v servers.View) servers.View {
		v.Status.State = state
		return v
	}
	busy := view("c", 1, 0)
	busy.Job = &left4me.Job{Kind: left4me.StopServer}
	long := map[left4me.Name]time.Time{"a": noon.Add(-time.Hour), "b": noon.Add(-time.Hour), "c": noon.Add(-time.Second)}
	for _, c := range []struct {
		name    string
		mode    Mode
		moves   []store.Move
		servers []servers.View
		build   int64
		want    string
	}{
		{
			"the server with the fewest players first and alone", Now, nil,
			[]servers.View{view("a", 1, 4), view("b", 1, 2), view("c", 1, 8)},
			2, "a: ; b: restart; c: ",
		},
		{
			"others wait for the first", Now,
			[]store.Move{{Server: "b", State: Moving}},
			[]servers.View{view("a", 1, 4), view("b", 1, 2)},
			2, "a: ",
		},
		{
			"all others at once after the first", Now,
			[]store.Move{{Server: "b", State: Moved}},
			[]servers.View{view("a", 1, 4), view("b", 2, 2), view("c", 1, 8)},
			2, "a: restart; c: restart",
		},
		{"done", Now, []store.Move{{Server: "b", State: Moved}}, []servers.View{view("b", 2, 2)}, 2, "done"},
		{"not done while a server restarts", Now, []store.Move{{Server: "b", State: Moving}}, []servers.View{view("b", 2, 2)}, 2, ""},
		{
			"nothing to do", Now, nil,
			[]servers.View{view("a", 2, 0), in(left4me.Stopped, view("b", 1, 0)), in(left4me.Failed, view("c", 1, 0))},
			2, "done",
		},
		{
			"a failed start ends the rollout", Now,
			[]store.Move{{Server: "b", State: Broken, Reason: left4me.NewNote("rollout.restart_failed")}},
			[]servers.View{view("a", 1, 0)},
			2, "failed b did not come up on build 2",
		},
		{"a server left unchanged", Now, []store.Move{{Server: "b", State: Left}}, []servers.View{view("b", 1, 0)}, 2, "done"},
		{
			"next server alone after one was left unchanged", Now,
			[]store.Move{{Server: "b", State: Left}},
			[]servers.View{view("a", 1, 0), view("c", 1, 0)},
			2, "a: restart; c: ",
		},
		{
			"the current build has changed", Now, nil,
			[]servers.View{view("a", 1, 0)},
			3,
			"cancelled the current build is now 3",
		},
		{"unknown current build", Now, nil, nil, 0, ""},
		{"a server in unknown state", Now, nil, []servers.View{in(left4me.Unknown, view("a", 0, 0))}, 2, ""},
		{"a server with unknown build", Now, nil, []servers.View{view("a", 0, 0)}, 2, "done"},
		{
			"a server with an active job", Now,
			[]store.Move{{Server: "b", State: Moved}},
			[]servers.View{busy},
			2,
			"c: another job is running on this server",
		},
		{
			"empty servers first", Empty,
			[]store.Move{{Server: "x", State: Moved}},
			[]servers.View{view("a", 1, 0), view("b", 1, 3), view("c", 1, 0)},
			2, "a: restart; b: 3 players are connected; c: empty for less than a minute",
		},
		{
			"a starting server is not empty yet", Empty, nil,
			[]servers.View{in(left4me.Starting, view("d", 1, 0))},
			2,
			"d: empty for less than a minute",
		},
		{"before the time of day", "13:00", nil, []servers.View{view("a", 1, 0)}, 2, "a: waiting until 13:00"},
		{"at the time of day, with players", "11:30", nil, []servers.View{view("a", 1, 5)}, 2, "a: restart"},
		{
			"a started rollout continues after the window", "10:00",
			[]store.Move{{Server: "b", State: Moved}},
			[]servers.View{view("a", 1, 5)},
			2,
			"a: restart",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := store.Rollout{Mode: string(c.mode), Build: 2, State: Running, CreatedAt: noon.Add(-2 * time.Hour), Moves: c.moves}
			if got := stepText(next(r, situation{build: c.build, servers: c.servers, empty: long, now: noon})); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

func TestDueReturnsCheckOrUpdate(t *testing.T) {
	standing := left4me.Game{Current: 1, CheckedAt: noon.Add(-time.Hour)}
	game := func(f func(*left4me.Game)) left4me.Game {
		v := standing
		f(&v)
		return v
	}
	late := game(func(v *left4me.Game) { v.CheckedAt = noon.Add(-7 * time.Hour) })
	behind := game(func(v *left4me.Game) { v.Latest, v.Outdated = 2, true })
	job := func(kind left4me.JobKind, by left4me.Actor, state left4me.JobState, ago time.Duration) []left4me.Job {
		return []left4me.Job{{Kind: kind, By: by, State: state, CreatedAt: noon.Add(-ago), EndedAt: noon.Add(-ago)}}
	}
	auto := store.GamePolicy{CheckEvery: 6 * time.Hour, Update: true}
	for _, c := range []struct {
		name   string
		policy store.GamePolicy
		game   left4me.Game
		past   []left4me.Job
		want   duty
	}{
		{"checked an hour ago", standard, standing, nil, nothing},
		{"check is due", standard, late, nil, check},
		{"never checked", standard, left4me.Game{Current: 1}, nil, check},
		{"no game", standard, left4me.Game{}, nil, nothing},
		{"checks are off", store.GamePolicy{}, late, nil, nothing},
		{"check failed 1 h ago", standard, late, job(left4me.CheckGame, left4me.BySchedule, left4me.JobFailed, time.Hour), nothing},
		{"check failed 7 h ago", standard, late, job(left4me.CheckGame, left4me.BySchedule, left4me.JobFailed, 7*time.Hour), check},
		{"active job", standard, late, []left4me.Job{{Kind: left4me.VerifyGame, State: left4me.JobRunning}}, nothing},
		{
			"last check in the future after the clock was set back", standard,
			game(func(v *left4me.Game) { v.CheckedAt = noon.Add(24 * time.Hour) }), nil, check,
		},
		{
			"as before, and checked since", standard, game(func(v *left4me.Game) { v.CheckedAt = noon.Add(24 * time.Hour) }),
			job(left4me.CheckGame, left4me.BySchedule, left4me.JobFailed, time.Minute), nothing,
		},
		{"newer build without automatic updates", standard, behind, nil, nothing},
		{"newer build with automatic updates", auto, behind, nil, update},
		{"pinned", auto, game(func(v *left4me.Game) { v.Outdated, v.Pinned = true, true }), nil, nothing},
		{"at the time of day", store.GamePolicy{CheckEvery: 6 * time.Hour, Update: true, UpdateAt: "11:45"}, behind, nil, update},
		{"not at the time of day", store.GamePolicy{CheckEvery: 6 * time.Hour, Update: true, UpdateAt: "05:00"}, behind, nil, nothing},
		{
			"automatic update failed 1 h ago", auto, behind, job(left4me.UpdateGame, left4me.BySchedule, left4me.JobFailed, time.Hour),
			nothing,
		},
		{
			"automatic update failed 7 h ago", auto, behind, job(left4me.UpdateGame, left4me.BySchedule, left4me.JobFailed, 7*time.Hour),
			update,
		},
		{"manual update failed 1 h ago", auto, behind, job(left4me.UpdateGame, left4me.ByUser("al"), left4me.JobFailed, time.Hour), update},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := due(c.policy, c.game, c.past, noon); got != c.want {
				t.Errorf("got %q", got)
			}
		})
	}
}
