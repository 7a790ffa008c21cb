package rolloutrules

import (
	"slices"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

func TestVisibleHidesServers(t *testing.T) {
	who := accounts.Actor{UserID: 1, Name: "ann", Admin: true, Only: &accounts.Targets{left4me.OnServer("mine")}}
	why := left4me.NewError(left4me.Conflict, "port.in_use", "port", 27015, "server", "secret")
	move := func(name left4me.Name, state, reason string, why *left4me.Error) store.Move {
		return store.Move{Server: name, State: state, Reason: reason, Why: why}
	}
	ended := func(m store.Move) string { return NotUp(m, "with revision 2") }
	for name, c := range map[string]struct {
		moves  []store.Move
		reason string // reason of the visible move
		end    string // reason for the end of the rollout
	}{
		"failed because of a hidden server": {
			[]store.Move{move("mine", Broken, why.Said(), why)},
			"the request conflicts with an object that you do not have permission to view",
			"mine did not come up with revision 2: the request conflicts with an object that you do not have permission to view",
		},
		"failed with an error without names": {
			[]store.Move{move("mine", Broken, "it crashed", left4me.NewError(left4me.Unavailable, "console.of_server_silent"))},
			"it crashed", "mine did not come up with revision 2: it crashed",
		},
		"another server failed": {
			[]store.Move{move("secret", Broken, "it crashed", nil), move("mine", Moved, "", nil)}, "", hiddenServer,
		},
		"a hidden server failed, another one after the end": {
			[]store.Move{move("mine", Broken, "it crashed", nil), move("secret", Broken, "it hung", nil)},
			unknownReason, hiddenServer,
		},
		"a visible server failed, another one after the end": {
			[]store.Move{move("secret", Broken, "it hung", nil), move("mine", Broken, "its restart failed", nil)},
			"its restart failed", "mine did not come up with revision 2: its restart failed",
		},
		"cancelled, then a hidden server failed": {
			[]store.Move{move("mine", Moved, "", nil), move("secret", Broken, "it hung", nil)}, "", "by admin",
		},
		"failed in a version that stored no errors": {
			[]store.Move{move("mine", Broken, "secret has the port", nil)},
			unknownReason,
			"mine did not come up with revision 2: " + unknownReason,
		},
		"cancelled restart": {
			[]store.Move{move("mine", Left, "its restart was cancelled", nil)},
			"its restart was cancelled",
			"by admin",
		},
	} {
		reason := "by admin"
		if c.end != reason {
			failed := slices.IndexFunc(c.moves, func(m store.Move) bool {
				return m.State == Broken && (m.Server == "mine") == strings.HasPrefix(c.end, "mine ")
			})
			reason = ended(c.moves[failed])
		}
		moves, wishes, end := Visible(who, c.moves, []Wish{{Server: "secret"}, {Server: "mine"}}, reason)
		if len(moves) != 1 || moves[0].Server != "mine" || moves[0].Reason != c.reason || end != c.end || len(wishes) != 1 ||
			strings.Contains(end, "secret") {
			t.Errorf("%s: %+v, %+v, %q", name, moves, wishes, end)
		}
		who := who
		who.Only = nil
		if all, _, end := Visible(who, c.moves, nil, reason); len(all) != len(c.moves) || !all[0].Same(c.moves[0]) || end != reason {
			t.Errorf("%s: without restrictions: %+v, %q", name, all, end)
		}
	}
}

// The error of a restart is stored unchanged, so that an actor with the rights can read it in full.
func TestMovesKeepErrors(t *testing.T) {
	why := left4me.NewError(left4me.Conflict, "port.in_use", "port", 27015, "server", "other")
	for _, m := range []store.Move{
		Settle(store.Move{State: Moving}, left4me.Job{State: left4me.JobFailed, Error: why}), Refused(store.Move{State: Moving}, why),
	} {
		if m.Why != why || !strings.Contains(m.Reason, "27015") {
			t.Errorf("got %+v", m)
		}
	}
}
