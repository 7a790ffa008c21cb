package store_test

import (
	"slices"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

func blueprint(t *testing.T, s *store.Store, name left4me.Name) left4me.Blueprint {
	t.Helper()
	ok(t, s.Blueprints().Create(t.Context(), left4me.Blueprint{Name: name, Overlays: left4me.Refs("maps"), CreatedAt: at}))
	v, err := s.Blueprints().Get(t.Context(), name)
	ok(t, err)
	return v
}

// The transaction that renames a blueprint also updates its servers.
func TestRenamedBlueprintKeepsItsServers(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	old := blueprint(t, s, "coop")
	blueprint(t, s, "taken")
	for i, b := range map[int]left4me.Name{1: "coop", 2: "coop", 3: "taken"} {
		ok(t, s.Servers().Create(ctx, left4me.Server{
			Name: []left4me.Name{"", "alpha", "beta", "other"}[i], Host: "local", Port: 27015 + i, Blueprint: b, CreatedAt: at,
		}))
	}
	last := lastEvent(t, s)

	_, _, err := s.Blueprints().Rename(ctx, "nothing", "campaign", 0)
	is(t, err, left4me.NotFound, "")
	_, _, err = s.Blueprints().Rename(ctx, "coop", "campaign", 7)
	is(t, err, left4me.Conflict, "version")
	_, _, err = s.Blueprints().Rename(ctx, "coop", "taken", 0)
	is(t, err, left4me.Conflict, "name")
	if _, same, err := s.Blueprints().Rename(ctx, "coop", "coop", 0); err != nil || same.Version != old.Version {
		t.Errorf("rename to the same name: %+v, %v", same, err)
	}
	if e := lastEvent(t, s); e.Position != last.Position {
		t.Errorf("event of a rename to the same name: %+v", e)
	}

	before, after, err := s.Blueprints().Rename(ctx, "coop", "campaign", old.Version)
	ok(t, err)
	now, err := s.Blueprints().Get(ctx, "campaign")
	if err != nil || before.Name != "coop" || now.ID != old.ID || now.Version != old.Version+1 || now.Version != after.Version ||
		!slices.Equal(now.Overlays, old.Overlays) {
		t.Errorf("%+v is now %+v, %v", before, now, err)
	}
	_, err = s.Blueprints().Get(ctx, "coop")
	is(t, err, left4me.NotFound, "")
	for name, want := range map[left4me.Name]left4me.Server{
		"alpha": {Blueprint: "campaign", Version: 2}, "beta": {Blueprint: "campaign", Version: 2},
		"other": {Blueprint: "taken", Version: 1},
	} {
		if v, err := s.Servers().Get(ctx, name); err != nil || v.Blueprint != want.Blueprint || v.Version != want.Version {
			t.Errorf("%s has blueprint %s and version %d, %v", name, v.Blueprint, v.Version, err)
		}
	}
	events, err := s.Events().After(ctx, last.Position, 10)
	ok(t, err)
	var got []string
	for _, e := range events {
		got = append(got, string(e.Kind)+" "+e.Target.Name)
	}
	if want := []string{"server.changed alpha", "server.changed beta", "blueprint.renamed campaign"}; !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
	var data left4me.RenameEvent
	if err := events[len(events)-1].Read(&data); err != nil || data != (left4me.RenameEvent{From: "coop", To: "campaign", Version: 2}) ||
		events[len(events)-1].Target != after.Target() {
		t.Errorf("got %+v, error %v", data, err)
	}

	// An edit based on an earlier version of a server cannot select the next blueprint of the old
	// name.
	blueprint(t, s, "coop")
	err = s.Servers().Update(ctx, left4me.Server{Name: "alpha", Port: 27016, Blueprint: "coop", Version: 1})
	is(t, err, left4me.Conflict, "version")
}
