package rolloutrules

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

func TestVisibleHidesServers(t *testing.T) {
	who := accounts.Actor{UserID: 1, Name: "ann", Admin: true, Only: &accounts.Targets{left4me.OnServer("mine")}}
	why := left4me.NewError(left4me.Conflict, "port.in_use", "port", 27015, "server", "secret")
	silent := left4me.NewError(left4me.Unavailable, "console.of_server_silent")
	const hidden = "the request conflicts with an object that you do not have permission to view"
	move := func(name left4me.Name, state string, reason left4me.Note) store.Move {
		return store.Move{Server: name, State: state, Reason: reason}
	}
	failed := func(name left4me.Name, err *left4me.Error) store.Move {
		return Settle(store.Move{Server: name, State: Moving}, left4me.Job{State: left4me.JobFailed, Error: err})
	}
	old := func(text string) left4me.Note { return left4me.Note{Text: text} }
	for name, c := range map[string]struct {
		moves  []store.Move
		end    left4me.Note
		reason string // of the visible move, as the actor sees it
		want   string // of the rollout, as the actor sees it
	}{
		"failed because of a hidden server": {
			[]store.Move{failed("mine", why)},
			NotUpWithRevision(failed("mine", why), 2), hidden,
			"mine did not come up with revision 2: " + hidden,
		},
		"failed with an error without names": {
			[]store.Move{failed("mine", silent)},
			NotUpOnBuild(failed("mine", silent), 2), silent.Said(),
			"mine did not come up on build 2: " + silent.Said(),
		},
		"another server failed": {
			[]store.Move{failed("secret", silent), move("mine", Moved, left4me.Note{})},
			NotUpOnBuild(failed("secret", silent), 2), "",
			"a server that you do not have permission to view did not come up",
		},
		"a hidden server failed, another one after the end": {
			[]store.Move{failed("mine", nil), failed("secret", silent)},
			NotUpOnBuild(failed("secret", silent), 2), "its restart failed",
			"a server that you do not have permission to view did not come up",
		},
		"a visible server failed, another one after the end": {
			[]store.Move{failed("secret", silent), failed("mine", nil)},
			NotUpOnBuild(failed("mine", nil), 2), "its restart failed",
			"mine did not come up on build 2",
		},
		"a server renamed since it failed": {
			[]store.Move{failed("mine", nil)},
			NotUpOnBuild(failed("before", nil), 2), "its restart failed",
			"before did not come up on build 2",
		},
		"cancelled, then a hidden server failed": {
			[]store.Move{move("mine", Moved, left4me.Note{}), failed("secret", nil)},
			CancelledBy(left4me.ByUser("admin")), "",
			"cancelled by admin",
		},
		"failed in a version without codes": {
			[]store.Move{move("mine", Broken, old("secret has the port"))},
			old("mine did not come up on build 2: secret has the port"),
			"its restart failed", "a server did not come up",
		},
		"cancelled in a version without codes": {
			[]store.Move{move("mine", Left, old("its restart was cancelled"))}, old("by admin"), "its restart was cancelled", "by admin",
		},
	} {
		moves, wishes, end := Visible(who, c.moves, []Wish{{Server: "secret"}, {Server: "mine"}}, c.end)
		if len(moves) != 1 || moves[0].Server != "mine" || moves[0].Reason.String() != c.reason || end.String() != c.want ||
			len(wishes) != 1 {
			t.Errorf("%s: %+v, %+v, %+v", name, moves, wishes, end)
		}
		if b, err := json.Marshal([]any{moves, end}); err != nil || strings.Contains(string(b), "secret") {
			t.Errorf("%s: %s, %v", name, b, err)
		}
		who := who
		who.Only = nil
		if all, _, end := Visible(who, c.moves, nil, c.end); len(all) != len(c.moves) || !all[0].Same(c.moves[0]) || !end.Same(c.end) {
			t.Errorf("%s: without restrictions: %+v, %+v", name, all, end)
		}
	}
}

func TestMovesKeepErrors(t *testing.T) {
	why := left4me.NewError(left4me.Conflict, "port.in_use", "port", 27015, "server", "other")
	for _, m := range []store.Move{
		Settle(store.Move{State: Moving}, left4me.Job{State: left4me.JobFailed, Error: why}), Refused(store.Move{State: Moving}, why),
	} {
		if m.Reason.Args["error"] != why || !strings.Contains(m.Reason.Text, "27015") {
			t.Errorf("%+v", m)
		}
	}
}
