package accounts_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

func TestConcealHidesNamesOfUnseenObjects(t *testing.T) {
	all := accounts.Actor{UserID: 1, Name: "ann", Admin: true}
	some := all
	some.Only = &accounts.Targets{
		left4me.OnServer("mine"), left4me.OnServer("also"), left4me.OnBlueprint("mine"), left4me.OnOverlay("mine"),
	}
	conflict := func(code string, args ...any) *left4me.Error {
		return left4me.NewError(left4me.Conflict, code, args...).InField("port")
	}
	for name, c := range map[string]struct {
		err    error
		hidden bool
	}{
		"port of a visible server":       {conflict("port.in_use", "port", 27015, "server", left4me.Name("mine")), false},
		"port of a hidden server":        {conflict("port.in_use", "port", 27015, "server", left4me.Name("secret")), true},
		"two servers, the second hidden": {conflict("port.would_be_taken", "server", "mine", "other", "secret", "port", 1), true},
		"a path and a visible server":    {conflict("server.exists", "server", "mine", "other", "secret"), false},
		"list of visible servers":        {conflict("blueprint.used", "blueprint", "mine", "servers", "mine, also"), false},
		"list with a hidden server":      {conflict("blueprint.used", "blueprint", "mine", "servers", "mine, secret"), true},
		"hidden blueprint":               {conflict("overlay.stacked", "overlay", "mine", "blueprints", "secret"), true},
		"hidden overlay": {
			left4me.NewError(left4me.Busy, "overlay.in_use", "overlay", "secret", "servers", "mine"),
			true,
		},
		"one of several fields": {left4me.Fields{
			conflict("port.in_use", "server", "mine"),
			conflict("port.in_use", "server", "secret"),
		}, true},
		"unknown object named by the request": {left4me.NewError(left4me.NotFound, "server.unknown", "server", "secret"), false},
		"internal error":                      {errors.New("internal"), false},
	} {
		got := accounts.Conceal(some, c.err)
		if !c.hidden {
			if got.Error() != c.err.Error() {
				t.Errorf("%s: %v became %v", name, c.err, got)
			}
			continue
		}
		e, ok := left4me.Public(got)
		if !ok || strings.Contains(got.Error(), "secret") {
			t.Errorf("%s: %v", name, got)
			continue
		}
		var several left4me.Fields
		if errors.As(got, &several) {
			if len(several) != 2 || several[0].Code != "port.in_use" {
				t.Errorf("%s: %v", name, got)
			}
			e = several[1]
		}
		before, _ := left4me.Public(c.err)
		if e.Code != "object.hidden" || e.Kind != before.Kind || e.Field != before.Field {
			t.Errorf("%s: %+v", name, e)
		}
		if got := accounts.Conceal(all, c.err); got.Error() != c.err.Error() {
			t.Errorf("%s: an actor without restrictions got %v", name, got)
		}
	}
	if accounts.Conceal(some, nil) != nil {
		t.Error("Conceal(nil) is not nil")
	}
}

// seesMine returns an actor that may only see the objects named "mine".
func seesMine() accounts.Actor {
	return accounts.Actor{UserID: 1, Name: "ann", Admin: true, Only: &accounts.Targets{
		left4me.OnServer("mine"), left4me.OnBlueprint("mine"), left4me.OnOverlay("mine"),
	}}
}

func holder(server string) *left4me.Error {
	return left4me.NewError(left4me.Conflict, "port.holder_server", "server", server, "name", "srcds_linux", "pid", 77)
}

// Errors among the arguments of an error follow the same rules.
func TestConcealHidesNamesInNestedErrors(t *testing.T) {
	start := func(server string) *left4me.Error {
		inUse := left4me.NewError(left4me.Conflict, "port.in_use_by_program", "port", 27015, "program", holder(server)).InField("port")
		return left4me.NewError(left4me.Unavailable, "server.start_failed", "reason", inUse, "server", "mine")
	}
	err := start("secret")
	got, ok := left4me.Public(accounts.Conceal(seesMine(), err))
	if !ok || got.Code != "server.start_failed" ||
		!strings.HasPrefix(got.Text, "port 27015 is already used by a server that you do not have permission to view") {
		t.Errorf("got %+v", got)
	}
	text, merr := json.Marshal(got)
	if merr != nil || bytes.Contains(text, []byte("secret")) || strings.Contains(fmt.Sprintln(got.Render()), "secret") {
		t.Errorf("got %s, error %v", text, merr)
	}
	if !strings.Contains(err.Error(), "secret") || !errors.Is(got, err) {
		t.Errorf("the original error was modified or is not the cause: %v", err)
	}
	if own := start("mine"); accounts.Conceal(seesMine(), own) != error(own) {
		t.Error("an error about a visible server was concealed")
	}
	of := left4me.Received
	for name, e := range map[string]*left4me.Error{
		"conflict of another version":      of(left4me.Conflict, "port.of_tomorrow", nil, "secret has it", ""),
		"a conflict without its arguments": of(left4me.Conflict, "port.in_use", nil, "secret has it", ""),
		"error of a version without codes": of(left4me.Busy, "", nil, "secret has it", ""),
		"cause within an error of another version": of(left4me.Unavailable, "server.of_tomorrow", left4me.Args{"reason": holder("secret")},
			"secret has it", ""),
	} {
		got, _ := left4me.Public(accounts.Conceal(seesMine(), e))
		if got.Code != "object.hidden" || strings.Contains(got.Error(), "secret") {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// The reader of an error stored with a job or a server may not be the one who made the request.
func TestConcealInHidesNamesOfUnseenObjects(t *testing.T) {
	on := left4me.Target{Kind: left4me.OverlayTarget, ID: "7", Name: "shown"}
	for name, c := range map[string]struct {
		err    *left4me.Error
		hidden bool
	}{
		"hidden server":          {left4me.NewError(left4me.NotFound, "promote.no_such_files", "server", "secret"), true},
		"visible server":         {left4me.NewError(left4me.NotFound, "promote.no_such_files", "server", "mine"), false},
		"the name of the target": {left4me.NewError(left4me.Conflict, "overlay.being_deleted", "overlay", "shown"), false},
		"an overlay in the definition of the target": {left4me.NewError(left4me.NotFound, "overlay.no_revision_on_host", "overlay",
			"secret"), false},
		"a hidden obstacle": {
			left4me.NewError(left4me.Busy, "overlay.in_use", "overlay", "shown", "servers", "mine, secret"),
			true,
		},
		"nothing": {nil, false},
	} {
		got := accounts.ConcealIn(seesMine(), on, c.err)
		if c.hidden != (got != c.err) || c.hidden && (got.Code != "object.hidden" || got.Kind != c.err.Kind) {
			t.Errorf("%s: %+v", name, got)
		}
		if all := (accounts.Actor{UserID: 1, Admin: true}); accounts.ConcealIn(all, on, c.err) != c.err {
			t.Errorf("%s: concealed from an actor without restrictions", name)
		}
	}
}
