package rolloutrules

import (
	"fmt"
	"time"

	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// The states of a server that is moved over. Wants is never kept: it is what is
// left.
const (
	Wants  = "wants"
	Moving = "moving" // its restart is under way
	Moved  = "moved"
	Left   = "left" // as it is, for somebody cancelled its restart
	Broken = "failed"
)

// Move is what became of a server that moved over, or is moving.
type Move = store.Move

// emptyFor is how long nobody must have played on a server.
const emptyFor = time.Minute

// Wish is a server that has not moved yet, and why.
type Wish struct {
	Server left4me.Name
	Why    string
	Ready  bool // it may move now
}

// Since keeps since when nobody plays on each server. It is for one goroutine at a
// time.
type Since map[left4me.Name]time.Time

// Update returns what is known after servers were checked. A server that is not
// running says nothing of players.
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

// Wait says what a server waits for that shall move over in a mode, asked for at
// a time. Once begun reports that others have moved, an hour of the day doesn't
// matter any more.
func (m Mode) Wait(v servers.View, empty Since, asked, now time.Time, begun bool) Wish {
	w := Wish{Server: v.Name}
	in, at := Within(string(m), asked, now)
	since, ok := empty[v.Name]
	switch {
	case v.Job != nil:
		w.Why = "another job works on it"
	case m.Hour() && !begun && !in:
		w.Why = "waits for " + at.Format("15:04")
	case m != Empty:
		w.Ready = true
	case v.Status.Players > 0:
		w.Why = fmt.Sprintf("%d playing", v.Status.Players)
	case !ok || now.Sub(since) < emptyFor:
		w.Why = "just became empty"
	default:
		w.Ready = true
	}
	return w
}

// Settle notes how the restart of a server ended.
func Settle(m store.Move, j left4me.Job) store.Move {
	switch {
	case !j.State.Ended():
	case j.State == left4me.JobDone:
		m.State = Moved
	case j.State == left4me.JobCancelled:
		m.State, m.Reason = Left, ofRestart+"was cancelled"
	default:
		m.State, m.Reason = Broken, ofRestart+string(j.State)
		if j.Error != nil {
			m.Reason, m.Why = j.Error.Said(), j.Error
		}
	}
	return m
}

// Refused notes that a server isn't restarted, for nobody could ask for it.
func Refused(m store.Move, err error) store.Move {
	why := left4me.Shown(err, left4me.NewError(left4me.Unavailable, "internal.log"))
	m.State, m.Reason, m.Why = Left, why.Error(), why
	return m
}
