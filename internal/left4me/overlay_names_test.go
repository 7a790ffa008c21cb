package left4me_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

// Renaming an overlay must not change the spec that a server is started with.
func TestRenamedOverlayKeepsSpecHash(t *testing.T) {
	spec := func(name left4me.Name) left4me.Spec {
		return left4me.SpecOf(left4me.Server{Name: "alpha", Overlays: []left4me.OverlayRef{{Name: "mods"}, {Name: name, Revision: 3}}},
			left4me.Blueprint{}, map[left4me.Name][]string{name: {"sv_gravity 100"}})
	}
	names := left4me.NewOverlayNames(map[left4me.Name]left4me.Name{"campaigns": "maps"})
	before, after := spec("maps"), spec("campaigns")
	on := names.SpecOnHost(after)
	if on.Hash() != before.Hash() || !slices.Equal(on.Overlays, before.Overlays) || len(on.OverlayCfg["maps"]) != 1 {
		t.Errorf("%+v, want %+v", on, before)
	}
	if after.Overlays[1].Name != "campaigns" || len(after.OverlayCfg["campaigns"]) != 1 {
		t.Errorf("the translated spec was changed: %+v", after)
	}
	if twice := names.SpecOnHost(on); twice.Hash() != on.Hash() {
		t.Errorf("translated twice: %+v", twice)
	}
	if refs := names.RefsShown(on.Overlays); !slices.Equal(refs, after.Overlays) || names.RefsShown(nil) != nil {
		t.Errorf("shown as %v", refs)
	}
	if none := (left4me.OverlayNames{}).SpecOnHost(after); none.Hash() != after.Hash() {
		t.Errorf("got %+v", none)
	}
}

func TestHostErrorShowsDisplayedOverlayNames(t *testing.T) {
	names := left4me.NewOverlayNames(map[left4me.Name]left4me.Name{"campaigns": "maps"})
	of := func(overlay left4me.Name) *left4me.Error {
		return left4me.NewError(left4me.NotFound, "overlay.no_revision_on_host", "overlay", overlay).InField("overlays")
	}
	had := of("maps")
	e, ok := left4me.Public(names.Error(had, nil))
	if !ok || !errors.Is(e, left4me.NotFound) || e.Field != "overlays" || e.Args["overlay"] != "campaigns" ||
		!strings.Contains(e.Text, "campaigns") || strings.Contains(e.Text, "maps") {
		t.Errorf("got %+v", e)
	}
	if !strings.Contains(had.Text, "maps") || had.Args["overlay"] == "campaigns" {
		t.Errorf("the host's error was changed: %+v", had)
	}
	for _, same := range []error{nil, errors.New("x"), of("mods"), left4me.NewError(left4me.NotFound, "server.unknown", "server", "maps")} {
		if got := names.Error(same, nil); !errors.Is(got, same) {
			t.Errorf("%v is %v", same, got)
		}
	}
}

// Server names are translated, too, including lists of names and names in nested errors.
func TestHostErrorShowsDisplayedServerNames(t *testing.T) {
	names := left4me.NewOverlayNames(map[left4me.Name]left4me.Name{"campaigns": "maps"})
	server := func(n left4me.Name) left4me.Name {
		if n == "alpha" {
			return "beta"
		}
		return n
	}
	holder := left4me.NewError(left4me.Conflict, "port.holder_server", "server", "alpha", "name", "srcds", "pid", 7)
	taken := left4me.NewError(left4me.Conflict, "port.in_use_by_program", "port", 1, "program", holder).InField("port")
	for _, c := range []struct {
		had  *left4me.Error
		want string
	}{
		{left4me.NewError(left4me.Busy, "overlay.in_use", "overlay", "maps", "servers", "alpha, gamma"), "campaigns"},
		{left4me.NewError(left4me.Busy, "revision.in_use", "overlay", "mods", "revision", 2, "servers", "gamma, alpha"), "gamma, beta"},
		{taken, "beta (srcds"},
		{left4me.NewError(left4me.Unavailable, "server.start_failed", "server", "alpha", "reason", taken), "beta (srcds"},
	} {
		before := c.had.Error()
		e, ok := left4me.Public(names.Error(c.had, server))
		if !ok || e.Field != c.had.Field || !strings.Contains(e.Error(), c.want) || strings.Contains(e.Error(), "alpha") ||
			strings.Contains(e.Error(), "maps") {
			t.Errorf("%q is shown as %q", before, e.Error())
		}
		if text, hint := e.Render(); text != e.Text || hint != e.Hint {
			t.Errorf("text %q and hint %q are rendered as %q and %q", e.Text, e.Hint, text, hint)
		}
		if c.had.Error() != before || names.Error(e, server) != error(e) {
			t.Errorf("the original %q was changed, or %q is not fully translated", c.had.Error(), e.Error())
		}
	}
}
