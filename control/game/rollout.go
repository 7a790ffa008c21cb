package game

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/control/servers"
	"github.com/left4me/left4me/store"
)

// The states of a rollout: waiting → running → done, failed or cancelled.
const (
	Waiting   = "waiting" // for the end of the job on the game
	Running   = "running"
	Done      = "done"
	Failed    = "failed"
	Cancelled = "cancelled"
)

// The states of a server in a rollout. Wants is never kept: it is what is left.
const (
	Wants  = "wants"  // runs on another build
	Moving = "moving" // its restart is under way
	Moved  = "moved"
	Left   = "left" // as it is, for somebody cancelled its restart
	Broken = "failed"
)

// emptyFor is how long nobody must have played on a server.
const emptyFor = time.Minute

// over reports whether a rollout will not go on.
func over(r store.Rollout) bool { return r.State != Waiting && r.State != Running }

// situation is what a rollout depends on.
type situation struct {
	build   int64 // that servers of the host are started with; 0 when it isn't known
	servers []servers.View
	empty   map[left4me.Name]time.Time // since when nobody has played
	now     time.Time                  // in the zone of the host
}

// Wish is a server that has not moved yet, and why.
type Wish struct {
	Server left4me.Name
	Why    string
	ready  bool // it may move now
}

// step is what a rollout does next.
type step struct {
	restart []left4me.Name
	wishes  []Wish // all that have not moved, those of restart among them
	end     string // the state that it ends in, or empty
	reason  string
}

// next decides what a rollout under way does. It knows nothing that isn't in its
// arguments.
func next(r store.Rollout, s situation) step {
	if s.build != 0 && s.build != r.Build {
		return step{end: Cancelled, reason: fmt.Sprintf("servers start with build %d now", s.build)}
	}
	if i := slices.IndexFunc(r.Moves, func(m store.Move) bool { return m.State == Broken }); i >= 0 {
		m := r.Moves[i]
		return step{end: Failed, reason: fmt.Sprintf("%s did not come up on build %d: %s", m.Server, r.Build, m.Reason)}
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

// wish says whether a server has to move yet, and what it waits for.
func wish(r store.Rollout, s situation, v servers.View) (Wish, bool) {
	st := v.Status
	touched := slices.ContainsFunc(r.Moves, func(m store.Move) bool { return m.Server == v.Name })
	if touched || !st.State.Up() || st.Build == 0 || st.Build == r.Build {
		return Wish{}, false
	}
	w := Wish{Server: v.Name}
	since, empty := s.empty[v.Name]
	switch {
	case v.Job != nil:
		w.Why = "another job works on it"
	case waitsForHour(r, s.now):
		_, at := within(r.Mode, r.CreatedAt, s.now)
		w.Why = "waits for " + at.Format("15:04")
	case r.Mode != string(Empty):
		w.ready = true
	case st.Players > 0:
		w.Why = fmt.Sprintf("%d playing", st.Players)
	case !empty || s.now.Sub(since) < emptyFor:
		w.Why = "just became empty"
	default:
		w.ready = true
	}
	return w, true
}

// waitsForHour reports whether the hour of a rollout has yet to come. One that
// has begun to move servers goes on.
func waitsForHour(r store.Rollout, now time.Time) bool {
	if Mode(r.Mode) == Now || Mode(r.Mode) == Empty || len(r.Moves) > 0 {
		return false
	}
	in, _ := within(r.Mode, r.CreatedAt, now)
	return !in
}

// choose says which servers move now. The first one goes alone: when the new
// build doesn't run, one server is down and not all. It is the one with the
// fewest players.
func choose(r store.Rollout, s situation, wishes []Wish, moving bool) []left4me.Name {
	var ready []left4me.Name
	for _, w := range wishes {
		if w.ready {
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

// settle notes how the restart of a server ended.
func settle(m store.Move, j left4me.Job) store.Move {
	switch {
	case !j.State.Ended():
	case j.State == left4me.JobDone:
		m.State = Moved
	case j.State == left4me.JobCancelled:
		m.State, m.Reason = Left, "its restart was cancelled"
	default:
		m.State, m.Reason = Broken, "its restart "+string(j.State)
		if j.Error != nil {
			m.Reason = j.Error.Text
		}
	}
	return m
}

// emptied keeps since when nobody plays on each server. A server that is not
// running says nothing of players.
func emptied(before map[left4me.Name]time.Time, all []servers.View, now time.Time) map[left4me.Name]time.Time {
	after := map[left4me.Name]time.Time{}
	for _, v := range all {
		if v.Status.State != left4me.Running || v.Status.Players > 0 {
			continue
		}
		since, ok := before[v.Name]
		if !ok || since.After(now) { // the clock was set back
			since = now
		}
		after[v.Name] = since
	}
	return after
}
