package game

import (
	"cmp"
	"slices"
	"time"

	"github.com/left4me/left4me/internal/control/rolloutrules"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// States of a rollout: waiting → running → done, failed or cancelled.
const (
	Waiting   = "waiting" // waits for the end of the job on the game
	Running   = "running"
	Done      = "done"
	Failed    = "failed"
	Cancelled = "cancelled"
)

// ended reports whether a rollout has ended.
func ended(r store.Rollout) bool { return r.State != Waiting && r.State != Running }

// situation holds everything that the next step of a rollout depends on.
type situation struct {
	build   int64 // current build of the host; 0 if unknown
	servers []servers.View
	empty   rolloutrules.Since
	now     time.Time // current time in the host's time zone
}

// step is the next step of a rollout.
type step struct {
	restart []left4me.Name
	wishes  []Wish // all servers still to be restarted, including those in restart
	end     string // final state of the rollout, or empty
	reason  left4me.Note
}

// next decides the next step of an active rollout. It depends on its arguments only.
func next(r store.Rollout, s situation) step {
	if s.build != 0 && s.build != r.Build {
		return step{end: Cancelled, reason: left4me.NewNote("rollout.other_build", "build", s.build)}
	}
	if i := slices.IndexFunc(r.Moves, func(m store.Move) bool { return m.State == Broken }); i >= 0 {
		m := r.Moves[i]
		return step{end: Failed, reason: rolloutrules.NotUpOnBuild(m, r.Build)}
	}
	var out step
	unsure := s.build == 0
	for _, v := range s.servers {
		if v.Status.State == left4me.Unknown {
			unsure = true
		}
		if w, ok := wish(r, s, v); ok {
			out.wishes = append(out.wishes, w)
		}
	}
	moving := slices.ContainsFunc(r.Moves, func(m store.Move) bool { return m.State == Moving })
	if len(out.wishes) == 0 && !moving && !unsure {
		out.end = Done
		return out
	}
	out.restart = choose(r, s, out.wishes, moving)
	return out
}

// wish reports whether a server still has to be restarted, and what it waits for.
func wish(r store.Rollout, s situation, v servers.View) (Wish, bool) {
	st := v.Status
	touched := slices.ContainsFunc(r.Moves, func(m store.Move) bool { return m.Server == v.Name })
	if touched || !st.State.Up() || st.Build == 0 || st.Build == r.Build {
		return Wish{}, false
	}
	return Mode(r.Mode).Wait(v, s.empty, r.CreatedAt, s.now, len(r.Moves) > 0), true
}

// choose returns the servers to restart now. The first server is restarted alone, so that a broken
// build takes down one server and not all. It is the one with the fewest players.
func choose(r store.Rollout, s situation, wishes []Wish, moving bool) []left4me.Name {
	var ready []left4me.Name
	for _, w := range wishes {
		if w.Ready {
			ready = append(ready, w.Server)
		}
	}
	proven := slices.ContainsFunc(r.Moves, func(m store.Move) bool { return m.State == Moved })
	if len(ready) == 0 || proven {
		return ready
	}
	if moving {
		return nil
	}
	players := map[left4me.Name]int{}
	for _, v := range s.servers {
		players[v.Name] = v.Status.Players
	}
	return []left4me.Name{slices.MinFunc(ready, func(a, b left4me.Name) int {
		return cmp.Or(cmp.Compare(players[a], players[b]), cmp.Compare(a, b))
	})}
}
