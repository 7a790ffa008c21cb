package rolloutrules

import (
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// Parts of the reasons that builds without codes stored.
const (
	oldNotUp   = " did not come up " // follows the name of a server
	oldRestart = "its restart "      // begins a reason that names nothing
)

// Visible returns the parts of a rollout that the actor may read: the moves and wishes of servers that
// the actor may see, and the reason without the names of other servers.
func Visible(who accounts.Actor, moves []Move, wishes []Wish, reason left4me.Note) ([]Move, []Wish, left4me.Note) {
	if who.Only == nil {
		return moves, wishes, reason
	}
	var seen []Move
	for _, m := range accounts.Visible(who, moves, func(m Move) left4me.Target { return left4me.OnServer(m.Server) }) {
		m.Reason = reasonFor(who, m)
		seen = append(seen, m)
	}
	wishes = accounts.Visible(who, wishes, func(w Wish) left4me.Target { return left4me.OnServer(w.Server) })
	return seen, wishes, endFor(who, moves, seen, reason)
}

// endFor returns why a rollout ended, for an actor who may only see some of its moves. Several
// servers may have failed, some after the rollout's end; the reason names one of them, by its name
// at that time.
func endFor(who accounts.Actor, all, seen []Move, reason left4me.Note) left4me.Note {
	server, named := reason.Args["server"].(string)
	if !named {
		if reason.Code == "" && strings.Contains(reason.Text, oldNotUp) {
			return left4me.NewNote("rollout.not_up")
		}
		return reason // the reason names no server
	}
	seesServer, seesAll := false, true
	for _, m := range all {
		if m.State != Broken {
			continue
		}
		visible := slices.ContainsFunc(seen, func(s Move) bool { return s.Server == m.Server })
		seesServer = seesServer || visible && string(m.Server) == server
		seesAll = seesAll && visible
	}
	if !seesServer && !seesAll {
		return left4me.NewNote("rollout.hidden_not_up")
	}
	return concealed(who, left4me.Name(server), reason)
}

// reasonFor returns the reason of a move without parts that the actor may not read.
func reasonFor(who accounts.Actor, m Move) left4me.Note {
	if m.Reason.Code == "" && m.Reason.Text != "" && !strings.HasPrefix(m.Reason.Text, oldRestart) {
		return left4me.NewNote("rollout.restart_failed") // an old text may name anything
	}
	return concealed(who, m.Server, m.Reason)
}

func concealed(who accounts.Actor, server left4me.Name, n left4me.Note) left4me.Note {
	return n.WithErrors(func(e *left4me.Error) *left4me.Error { return accounts.ConcealIn(who, left4me.OnServer(server), e) })
}
