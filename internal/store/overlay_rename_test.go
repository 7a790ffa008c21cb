package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

func overlay(t *testing.T, s *store.Store, name left4me.Name) store.Overlay {
	t.Helper()
	v, err := s.Overlays().Create(t.Context(), left4me.ByUser("ann"), left4me.Overlay{
		Name: name, Kind: left4me.ScriptOverlay, Script: &left4me.Script{Text: "true"}, CreatedAt: at,
	})
	ok(t, err)
	return v
}

// The transaction that renames an overlay updates everything that refers to it; the host keeps the
// old name.
func TestRenameOverlayUpdatesReferences(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	old := overlay(t, s, "maps")
	overlay(t, s, "mods")
	pinned := []left4me.OverlayRef{{Name: "mods"}, {Name: "maps", Revision: 3}}
	ok(t, s.Servers().Create(ctx, left4me.Server{
		Name: "alpha", Host: "local", Port: 27015, Blueprint: "default", Overlays: pinned, CreatedAt: at,
	}))
	ok(t, s.Servers().Create(ctx, left4me.Server{
		Name: "beta", Host: "local", Port: 27016, Blueprint: "default", Overlays: left4me.Refs("mods"), CreatedAt: at,
	}))
	ok(t, s.Blueprints().Create(ctx, left4me.Blueprint{Name: "coop", Overlays: left4me.Refs("maps"), CreatedAt: at}))
	ok(t, addJob(ctx, s, jobOn("1", left4me.BuildOverlay, "maps")))
	ok(t, s.Reports().Set(ctx, []store.Report{{Host: "local", Noun: "overlay", Name: "maps", Value: "3"}}))
	ok(t, s.OverlayRestarts().Set(ctx, store.OverlayRestart{Overlay: "maps", Revision: 3, Moves: []store.Move{{Server: "alpha"}}}))
	last := lastEvent(t, s)

	before, after, err := s.Overlays().Rename(ctx, "maps", "campaigns", old.Version)
	ok(t, err)
	now, err := s.Overlays().Get(ctx, "campaigns")
	if err != nil || before.Name != "maps" || now.ID != old.ID || now.HostName != "maps" || now.OnHost() != "maps" ||
		now.Version != old.Version+1 || now.Version != after.Version || now.Script.Text != "true" {
		t.Errorf("%+v is now %+v, %v", before, now, err)
	}
	_, err = s.Overlays().Get(ctx, "maps")
	is(t, err, left4me.NotFound, "")
	if all, err := s.Overlays().Scripts(ctx, "campaigns"); err != nil || len(all) != 1 {
		t.Errorf("scripts %+v, %v", all, err)
	}
	if all, err := s.OverlayRestarts().List(ctx); err != nil || len(all) != 1 || all[0].Overlay != "campaigns" || len(all[0].Moves) != 1 {
		t.Errorf("restarts %+v, %v", all, err)
	}
	if all, err := s.Jobs().List(ctx, "overlay", "campaigns", "", 10); err != nil || len(all) != 1 || all[0].Target != "campaigns" {
		t.Errorf("jobs %+v, %v", all, err)
	}
	want := []left4me.OverlayRef{{Name: "mods"}, {Name: "campaigns", Revision: 3}}
	if v, err := s.Servers().Get(ctx, "alpha"); err != nil || !slices.Equal(v.Overlays, want) || v.Version != 2 {
		t.Errorf("alpha: stack %v, version %d, %v", v.Overlays, v.Version, err)
	}
	if v, err := s.Servers().Get(ctx, "beta"); err != nil || v.Version != 1 {
		t.Errorf("beta doesn't stack it but has version %d, %v", v.Version, err)
	}
	if v, err := s.Blueprints().Get(ctx, "coop"); err != nil || !slices.Equal(v.Overlays, left4me.Refs("campaigns")) || v.Version != 2 {
		t.Errorf("coop: stack %v, version %d, %v", v.Overlays, v.Version, err)
	}
	events, err := s.Events().After(ctx, last.Position, 10)
	ok(t, err)
	var got []string
	for _, e := range events {
		got = append(got, string(e.Kind)+" "+e.Target.Name)
	}
	if want := []string{"server.changed alpha", "blueprint.changed coop", "overlay.renamed campaigns"}; !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
	names, err := s.Overlays().Names(ctx)
	if err != nil || names.OnHost("campaigns") != "maps" || names.Shown("maps") != "campaigns" || names.OnHost("mods") != "mods" {
		t.Errorf("got %+v, error %v", names, err)
	}
}

// A read view sees the database at one moment, regardless of concurrent writes.
func TestReadViewIsConsistent(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	overlay(t, s, "maps")
	ok(t, s.Servers().Create(ctx, left4me.Server{
		Name: "alpha", Host: "local", Port: 27015, Blueprint: "default", Overlays: left4me.Refs("maps"), CreatedAt: at,
	}))
	rename := func(name, to left4me.Name) {
		t.Helper()
		_, _, err := s.Overlays().Rename(ctx, name, to, 0)
		ok(t, err)
	}
	rename("maps", "campaigns")
	ok(t, s.Read(ctx, func(now *store.Store) error {
		v, err := now.Servers().Get(ctx, "alpha")
		ok(t, err)
		rename("campaigns", "maps")
		names, err := now.Overlays().Names(ctx)
		if got := names.RefsOnHost(v.Overlays); err != nil || !slices.Equal(got, left4me.Refs("maps")) {
			t.Errorf("stack %v: on host %v, %v", v.Overlays, got, err)
		}
		_, err = now.Servers().Get(ctx, "none")
		is(t, err, left4me.NotFound, "")
		if _, _, err := now.Overlays().Rename(ctx, "campaigns", "levels", 0); err == nil {
			t.Error("a write through the view succeeded")
		}
		return nil
	}))
	if v, err := s.Servers().Get(ctx, "alpha"); err != nil || !slices.Equal(v.Overlays, left4me.Refs("maps")) {
		t.Errorf("it stacks %v, %v", v.Overlays, err)
	}
}

// Reports under the old name are about the renamed overlay and no other.
func TestReportsOfRenamedOverlay(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	old := overlay(t, s, "maps")
	report := func(name left4me.Name, revision string) left4me.Event {
		t.Helper()
		ok(t, s.Reports().Set(ctx, []store.Report{{Host: "local", Noun: "overlay", Name: name, Value: revision}}))
		return lastEvent(t, s)
	}
	report("maps", "3")
	_, _, err := s.Overlays().Rename(ctx, "maps", "campaigns", 0)
	ok(t, err)
	last := lastEvent(t, s)
	if e := report("maps", "3"); e.Position != last.Position {
		t.Errorf("event for an unchanged revision: %+v", e)
	}
	if e := report("maps", "4"); e.Kind != left4me.OverlayRevision || e.Target.Name != "campaigns" || e.Target.ID != old.ID {
		t.Errorf("got %+v", e)
	}
	// A directory created by hand under the new name isn't the overlay's.
	last = lastEvent(t, s)
	if e := report("campaigns", "1"); e.Position != last.Position {
		t.Errorf("got %+v", e)
	}
}

func TestBothNamesOfRenamedOverlayAreTaken(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	maps := overlay(t, s, "maps")
	overlay(t, s, "other")
	_, _, err := s.Overlays().Rename(ctx, "maps", "other", 0)
	is(t, err, left4me.Conflict, "name")
	_, _, err = s.Overlays().Rename(ctx, "nothing", "new", 0)
	is(t, err, left4me.NotFound, "")
	_, _, err = s.Overlays().Rename(ctx, "maps", "campaigns", 7)
	is(t, err, left4me.Conflict, "version")
	if _, same, err := s.Overlays().Rename(ctx, "maps", "maps", 0); err != nil || same.Version != maps.Version {
		t.Errorf("rename to the same name: %+v, %v", same, err)
	}
	_, _, err = s.Overlays().Rename(ctx, "maps", "campaigns", 0)
	ok(t, err)
	for _, name := range []left4me.Name{"maps", "campaigns"} {
		_, err := s.Overlays().Create(ctx, left4me.ByUser("ann"), left4me.Overlay{Name: name, Kind: left4me.FilesOverlay, CreatedAt: at})
		is(t, err, left4me.Conflict, "name")
		_, _, err = s.Overlays().Rename(ctx, "other", name, 0)
		is(t, err, left4me.Conflict, "name")
	}
	_, twice, err := s.Overlays().Rename(ctx, "campaigns", "custom", 0)
	if err != nil || twice.HostName != "maps" {
		t.Errorf("after a second rename: %+v, %v", twice, err)
	}
	overlay(t, s, "campaigns") // this name was never used on a host
	_, back, err := s.Overlays().Rename(ctx, "custom", "maps", 0)
	if err != nil || back.HostName != "" {
		t.Errorf("back to the host's name: %+v, %v", back, err)
	}
}

// An overlay that is being deleted keeps the name under which its deletion was requested.
func TestRenameRefusesDeletedOverlay(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	overlay(t, s, "maps")
	deletion := jobOn("1", left4me.DeleteOverlay, "maps")
	ok(t, addJob(ctx, s, deletion))
	_, _, err := s.Overlays().Rename(ctx, "maps", "campaigns", 0)
	is(t, err, left4me.Conflict, "")
	deletion.State, deletion.EndedAt = left4me.JobDone, at.Add(time.Minute)
	_, _, err = s.Jobs().End(ctx, deletion, "")
	ok(t, err)
	_, _, err = s.Overlays().Rename(ctx, "maps", "campaigns", 0)
	is(t, err, left4me.Conflict, "")
}
