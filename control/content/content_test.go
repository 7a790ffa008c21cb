package content_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/bus"
	"github.com/left4me/left4me/control/content"
	"github.com/left4me/left4me/store"
)

// newContent makes the list on a real store and a real bus, without a host.
func newContent(t *testing.T) (*content.Content, *bus.Bus) {
	t.Helper()
	dir := t.TempDir()
	st, err := store.Open(t.Context(), filepath.Join(dir, "left4me.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	b, err := bus.Open(t.Context(), filepath.Join(dir, "bus"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return content.New(st, b), b
}

func TestABlueprintStacksWhatTheHostHas(t *testing.T) {
	c, b := newContent(t)
	// Without overlays no host is asked.
	if v, err := c.CreateBlueprint(t.Context(), left4me.Blueprint{Name: "plain"}); err != nil || v.CreatedAt.IsZero() {
		t.Errorf("%+v, %v", v, err)
	}
	want := left4me.Blueprint{Name: "versus", Overlays: left4me.Refs("plugins", "maps"), Settings: left4me.Settings{Mode: "versus"}}
	if _, err := c.CreateBlueprint(t.Context(), want); !errors.Is(err, left4me.Unavailable) {
		t.Errorf("nobody can say which overlays there are: %v", err)
	}
	err := b.Answer(t.Context(), bus.Command(left4me.LocalHost, bus.VerbOverlays), func(context.Context, string, []byte) (any, error) {
		return []left4me.Name{"maps", "plugins"}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateBlueprint(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	got, err := c.Blueprint(t.Context(), "versus")
	if err != nil || len(got.Overlays) != 2 || got.Overlays[0].Name != "plugins" || got.Settings.Mode != "versus" {
		t.Errorf("%+v, %v", got, err)
	}
	if all, err := c.Blueprints(t.Context()); err != nil || len(all) != 3 {
		t.Errorf("%+v, %v", all, err)
	}
	for _, bad := range []struct {
		v     left4me.Blueprint
		kind  left4me.Kind
		field string
	}{
		{left4me.Blueprint{Name: "A"}, left4me.Invalid, "name"},
		{left4me.Blueprint{Name: "versus"}, left4me.Conflict, "name"},
		{left4me.Blueprint{Name: "b", Overlays: left4me.Refs("maps", "nothing")}, left4me.Invalid, "overlays[1]"},
		{left4me.Blueprint{Name: "b", Overlays: left4me.Refs("maps", "maps")}, left4me.Invalid, "overlays[1]"},
		{left4me.Blueprint{Name: "b", Overlays: make([]left4me.OverlayRef, 481)}, left4me.Invalid, "overlays"},
		{left4me.Blueprint{Name: "b", Settings: left4me.Settings{Map: "a b"}}, left4me.Invalid, "settings.map"},
	} {
		_, err := c.CreateBlueprint(t.Context(), bad.v)
		if e, ok := left4me.Public(err); !ok || e.Kind != bad.kind || e.Field != bad.field {
			t.Errorf("%v is not %s for %s", err, bad.kind, bad.field)
		}
	}
	if all, err := c.Blueprints(t.Context()); err != nil || len(all) != 3 {
		t.Errorf("something was written: %d, %v", len(all), err)
	}
}
