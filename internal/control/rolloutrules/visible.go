package rolloutrules

import (
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	// hiddenServer replaces a reason that names a server the reader may not see.
	hiddenServer = "a server that you do not have permission to view did not come up"
	// restartPrefix begins the reasons that Settle writes for restarts without an error.
	restartPrefix = "its restart "
	// unknownReason replaces reasons from versions that did not store errors with moves.
	unknownReason = restartPrefix + "failed"
)

// notUp separates the server's name from the rest in the reason of a failed rollout.
const notUp = " did not come up "

// NotUp returns the reason of a rollout that failed because of move m; on describes the build or
// revisions, such as "on build 2".
func NotUp(m Move, on string) string { return string(m.Server) + notUp + on + ": " + m.Reason }

// Visible returns the parts of a rollout that the actor may read: the moves and wishes of servers that
// the actor may see, and the reason without the names of other servers.
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

// endFor returns why a rollout ended, for an actor who may only see some of its moves. Several
// servers may have failed, some after the rollout's end; the reason names one of them, by its name
// at that time.
func endFor(all, seen []Move, reason string) string {
	name, _, failed := strings.Cut(reason, notUp)
	if !failed {
		return reason // the reason names no server
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

// reasonFor returns the reason of a move without parts that the actor may not read.
func reasonFor(who accounts.Actor, m Move) string {
	if m.Why == nil {
		if m.Reason == "" || strings.HasPrefix(m.Reason, restartPrefix) {
			return m.Reason
		}
		return unknownReason
	}
	if shown := accounts.ConcealIn(who, left4me.OnServer(m.Server), m.Why); shown != m.Why {
		return shown.Said()
	}
	return m.Reason
}
