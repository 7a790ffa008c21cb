package rolloutrules

import (
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	// hiddenServer is why a rollout ended because of a server that somebody may not see.
	hiddenServer = "a server that you may not see did not come up"
	// ofRestart begins what Settle says without an error.
	ofRestart = "its restart "
	// unknownReason stands for a reason from before errors were kept with moves.
	unknownReason = ofRestart + "failed"
)

// notUp is between the name of a server and the rest in the reason of a rollout that failed.
const notUp = " did not come up "

// NotUp is why a rollout ended because of a move; on is what the server had to run with.
func NotUp(m Move, on string) string { return string(m.Server) + notUp + on + ": " + m.Reason }

// Visible is what who may see of how servers move over: those of moves and wishes that are
// about a server which who may see, and why it ended, without the names of others.
func Visible(who accounts.Actor, moves []Move, wishes []Wish, reason string) ([]Move, []Wish, string) {
	if who.Only == nil {
		return moves, wishes, reason
	}
	var seen []Move
	for _, m := range accounts.Visible(who, moves, func(m Move) left4me.Target { return left4me.OnServer(m.Server) }) {
		m.Reason = reasonFor(who, m)
		seen = append(seen, m)
	}
	wishes = accounts.Visible(who, wishes, func(w Wish) left4me.Target { return left4me.OnServer(w.Server) })
	return seen, wishes, endFor(moves, seen, reason)
}

// endFor is why a rollout ended, for somebody who sees some of its moves. Several servers may
// have failed, also after its end: the reason says which one it was, by the name of then.
func endFor(all, seen []Move, reason string) string {
	name, _, failed := strings.Cut(reason, notUp)
	if !failed {
		return reason // it names no server
	}
	named, seenAll := false, true
	for _, m := range all {
		if m.State != Broken {
			continue
		}
		i := slices.IndexFunc(seen, func(s Move) bool { return s.Server == m.Server })
		if i < 0 {
			seenAll = false
			continue
		}
		named = named || string(m.Server) == name
		if m.Reason != "" {
			reason = strings.ReplaceAll(reason, m.Reason, seen[i].Reason)
		}
	}
	if !named && !seenAll {
		return hiddenServer
	}
	return reason
}

// reasonFor is the reason of a move as who may read it.
func reasonFor(who accounts.Actor, m Move) string {
	if m.Why == nil {
		if m.Reason == "" || strings.HasPrefix(m.Reason, ofRestart) {
			return m.Reason
		}
		return unknownReason
	}
	if shown := accounts.ConcealIn(who, left4me.OnServer(m.Server), m.Why); shown != m.Why {
		return shown.Said()
	}
	return m.Reason
}
