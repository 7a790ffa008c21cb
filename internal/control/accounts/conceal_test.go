package accounts_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

func TestErrorsNameOnlyWhatSomebodyMaySee(t *testing.T) {
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
		"a port of a server that is seen":     {conflict("port.in_use", "port", 27015, "server", left4me.Name("mine")), false},
		"a port of a server that is not":      {conflict("port.in_use", "port", 27015, "server", left4me.Name("secret")), true},
		"two servers, the second is not seen": {conflict("port.would_be_taken", "server", "mine", "other", "secret", "port", 1), true},
		"a path beside a server that is seen": {conflict("server.exists", "server", "mine", "other", "secret"), false},
		"a list of servers that are seen":     {conflict("blueprint.used", "blueprint", "mine", "servers", "mine, also"), false},
		"a list with a server that is not":    {conflict("blueprint.used", "blueprint", "mine", "servers", "mine, secret"), true},
		"a blueprint that is not seen":        {conflict("overlay.stacked", "overlay", "mine", "blueprints", "secret"), true},
		"an overlay that is not seen": {
			left4me.NewError(left4me.Busy, "overlay.in_use", "overlay", "secret", "servers", "mine"),
			true,
		},
		"one of several fields": {left4me.Fields{
			conflict("port.in_use", "server", "mine"),
			conflict("port.in_use", "server", "secret"),
		}, true},
		"what isn't there is named as typed":   {left4me.NewError(left4me.NotFound, "server.unknown", "server", "secret"), false},
		"nothing that may be shown, or at all": {errors.New("internal"), false},
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
			t.Errorf("%s: who sees all reads %v", name, got)
		}
	}
	if accounts.Conceal(some, nil) != nil {
		t.Error("no error became one")
	}
}
