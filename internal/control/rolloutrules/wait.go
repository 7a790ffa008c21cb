package rolloutrules

import (
	"time"

	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// States of a server in a rollout. Wants is never stored; it applies to the servers without a Move.
const (
	Wants  = "wants"
	Moving = "moving" // its restart is in progress
	Moved  = "moved"
	Left   = "left" // unchanged, because its restart was cancelled or refused
	Broken = "failed"
)

// Move is a server that a rollout has restarted or is restarting.
type Move = store.Move

// emptyFor is how long a server must be without players before an Empty rollout restarts it.
const emptyFor = time.Minute

// Wish is a server still to be restarted, and what it waits for.
type Wish struct {
	Server left4me.Name
	Why    left4me.Note // zero if Ready
	Ready  bool         // the server may be restarted now
}

// Since records since when each running server has had no players. It is not safe for concurrent
// use.
type Since map[left4me.Name]time.Time

// Update returns Since for the given states of the servers at now. Servers that aren't running are
// left out.
func (before Since) Update(all []servers.View, now time.Time) Since {
	after := Since{}
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

// Wait returns what a server waits for in a rollout that was requested at asked. If begun, the
// rollout has restarted servers already, and a time of day no longer applies.
func (m Mode) Wait(v servers.View, empty Since, asked, now time.Time, begun bool) Wish {
	w := Wish{Server: v.Name}
	in, at := Within(string(m), asked, now)
	since, ok := empty[v.Name]
	switch {
	case v.Job != nil:
		w.Why = left4me.NewNote("rollout.wait_other_job")
	case m.Hour() && !begun && !in:
		w.Why = left4me.NewNote("rollout.wait_until", "time", at.Format("15:04"))
	case m != Empty:
		w.Ready = true
	case v.Status.Players > 0:
		w.Why = left4me.NewNote("rollout.wait_players", "count", v.Status.Players)
	case !ok || now.Sub(since) < emptyFor:
		w.Why = left4me.NewNote("rollout.wait_empty")
	default:
		w.Ready = true
	}
	return w
}

// Settle records the end of a server's restart in its move.
func Settle(m store.Move, j left4me.Job) store.Move {
	switch {
	case !j.State.Ended():
	case j.State == left4me.JobDone:
		m.State = Moved
	case j.State == left4me.JobCancelled:
		m.State, m.Reason = Left, left4me.NewNote("rollout.restart_cancelled")
	case j.Error != nil:
		m.State, m.Reason = Broken, left4me.NewNote("rollout.restart_failed_because", "error", j.Error)
	case j.State == left4me.JobInterrupted:
		m.State, m.Reason = Broken, left4me.NewNote("rollout.restart_interrupted")
	default:
		m.State, m.Reason = Broken, left4me.NewNote("rollout.restart_failed")
	}
	return m
}

// Refused records in a move that the restart job could not be added.
func Refused(m store.Move, err error) store.Move {
	why := left4me.Shown(err, left4me.NewError(left4me.Unavailable, "internal.log"))
	m.State, m.Reason = Left, left4me.NewNote("rollout.restart_failed_because", "error", why)
	return m
}

// Missing records in a move that its restart job no longer exists.
func Missing(m store.Move) store.Move {
	m.State, m.Reason = Left, left4me.NewNote("rollout.restart_missing")
	return m
}

// NotUpOnBuild returns the reason of a rollout that failed because of move m.
func NotUpOnBuild(m store.Move, build int64) left4me.Note {
	return left4me.NewNote("rollout.not_up_on_build", "server", m.Server, "build", build, "reason", m.Reason.Args["error"])
}

// NotUpWithRevision returns the reason of a rollout that failed because of move m.
func NotUpWithRevision(m store.Move, revision int) left4me.Note {
	return left4me.NewNote("rollout.not_up_with_revision", "server", m.Server, "revision", revision, "reason", m.Reason.Args["error"])
}

// CancelledBy returns the reason of a rollout that a user cancelled.
func CancelledBy(by left4me.Actor) left4me.Note {
	return left4me.NewNote("rollout.cancelled_by", "user", by)
}
