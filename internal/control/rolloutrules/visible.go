package rolloutrules

import (
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

// Visible is what who may see of how servers move over: those of moves and wishes that are
// about a server which who may see, and why it ended, without the names of others.
func Visible(who accounts.Actor, moves []Move, wishes []Wish, reason string) ([]Move, []Wish, string) {
	if who.Only == nil {
		return moves, wishes, reason
	}
	sees := func(n left4me.Name) bool { return accounts.Allow(who, accounts.See, left4me.OnServer(n)) == nil }
	var seen []Move
	broken := false
	for _, m := range moves {
		before, visible := m.Reason, sees(m.Server)
		if visible {
			m.Reason = reasonFor(who, m)
			seen = append(seen, m)
		}
		if m.State != Broken || broken {
			continue
		}
		broken = true // the rollout ended with the first one, and says so
		switch {
		case reason != "" && !visible:
			reason = hiddenServer
		case before != m.Reason:
			reason = strings.ReplaceAll(reason, before, m.Reason)
		}
	}
	var wish []Wish
	for _, w := range wishes {
		if sees(w.Server) {
			wish = append(wish, w)
		}
	}
	return seen, wish, reason
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
