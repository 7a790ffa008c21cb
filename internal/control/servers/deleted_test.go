package servers_test

import (
	"slices"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
)

// delete deletes a server; the host reports the size of its files.
func (s *site) delete(t *testing.T, name left4me.Name, bytes int64) servers.DeletedView {
	t.Helper()
	j := s.act(t, left4me.DeleteServer, name)
	kept := left4me.Step{Label: left4me.StepKeepFiles, State: left4me.StepDone, Progress: left4me.Progress{Done: bytes, Unit: "bytes"}}
	r := bus.JobReport{V: bus.Version, ID: j.ID, State: left4me.JobDone, Steps: []left4me.Step{kept}}
	if err := s.bus.Request(t.Context(), bus.Ask(left4me.LocalHost, bus.VerbReport), r, nil); err != nil {
		t.Fatal(err)
	}
	all, err := s.Deleted().List(t.Context())
	if err != nil || len(all) == 0 || all[0].Name != name {
		t.Fatalf("deleted servers: %+v, %v", all, err)
	}
	return all[0]
}

func (s *site) restore(t *testing.T, id left4me.ID) servers.Restored {
	t.Helper()
	v, err := s.Deleted().Restore(t.Context(), left4me.ByUser("bo"), id, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestDeletedServerIsRestoredAsItWas(t *testing.T) {
	s := newSite(t)
	s.host(t, nil)
	ctx := t.Context()
	for _, n := range []left4me.Name{"maps", "plugins"} {
		if _, err := s.store.Overlays().Create(ctx, left4me.ByUser("al"), left4me.Overlay{Name: n, Kind: "files"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.store.Blueprints().Create(ctx, left4me.Blueprint{Name: "versus"}); err != nil {
		t.Fatal(err)
	}
	before, err := s.Create(ctx, left4me.ByUser("al"), left4me.Server{
		Name: "alpha", Port: 40000, Blueprint: "versus", Autostart: left4me.AutostartNever,
		Overlays: []left4me.OverlayRef{{Name: "maps", Revision: 2}, {Name: "plugins"}},
		Settings: left4me.Settings{Password: "closed", Cfg: []string{"sv_alltalk 1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	start := s.act(t, left4me.StartServer, "alpha")
	s.end(t, start, left4me.JobDone)
	d := s.delete(t, "alpha", 12345)
	if d.Bytes != 12345 || d.ID != before.ID || d.DeletedBy.String() != "al" || d.GoneAt.Sub(d.DeletedAt) != left4me.KeepDeletedServer {
		t.Errorf("deleted server: %+v", d)
	}

	// Renames in the meantime reach its definition.
	if _, _, err := s.store.Blueprints().Rename(ctx, "versus", "coop", 0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.store.Overlays().Rename(ctx, "maps", "campaigns", 0); err != nil {
		t.Fatal(err)
	}
	v := s.restore(t, d.ID)
	if v.ID != before.ID || v.Name != "alpha" || v.Port != 40000 || v.Blueprint != "coop" || v.Autostart != left4me.AutostartNever ||
		v.Settings.Password != "closed" || !slices.Equal(v.Settings.Cfg, []string{"sv_alltalk 1"}) {
		t.Errorf("restored server: %+v", v.Server)
	}
	if want := []left4me.OverlayRef{{Name: "campaigns", Revision: 2}, {Name: "plugins"}}; !slices.Equal(v.Overlays, want) {
		t.Errorf("overlays %v, want %v", v.Overlays, want)
	}
	if v.Wanted != left4me.WantStopped || v.Status.State.Up() || v.HostName != left4me.KeptName(before.ID) {
		t.Errorf("want a stopped server whose files are still set aside: %+v", v.Server)
	}
	if all, err := s.jobs.List(ctx, "server", "alpha", 10); err != nil || len(all) != 2 || all[1].ID != start.ID {
		t.Errorf("its history: %+v, %v", all, err)
	}
	_, err = s.Deleted().Restore(ctx, left4me.ByUser("bo"), d.ID, "", 0)
	is(t, err, left4me.NotFound, "")
}

func TestRestoredServerGetsFreeNameAndPort(t *testing.T) {
	s := newSite(t)
	s.host(t, nil)
	ctx := t.Context()
	if err := s.store.Blueprints().Create(ctx, left4me.Blueprint{Name: "versus"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(ctx, left4me.ByUser("al"), left4me.Server{Name: "alpha", Port: 33000, Blueprint: "versus"}); err != nil {
		t.Fatal(err)
	}
	d := s.delete(t, "alpha", 0)
	if err := s.store.Blueprints().Delete(ctx, "versus"); err != nil {
		t.Fatal(err)
	}
	if now := s.create(t, "alpha"); now.Port != 33000 || now.ID == d.ID {
		t.Fatalf("name and port of the deleted server are not free: %+v", now.Server)
	}
	plan, err := s.Deleted().Get(ctx, d.ID)
	if r := plan.Return; err != nil || r.Name != "alpha-2" || r.NameBy != "alpha" || r.PortBy != "alpha" || r.Port != 0 ||
		r.Blueprint != left4me.DefaultBlueprint {
		t.Errorf("plan %+v, %v", r, err)
	}
	_, err = s.Deleted().Restore(ctx, left4me.ByUser("bo"), d.ID, "alpha", 0)
	is(t, err, left4me.Conflict, "name")
	_, err = s.Deleted().Restore(ctx, left4me.ByUser("bo"), d.ID, "", 33000)
	is(t, err, left4me.Conflict, "port")
	v := s.restore(t, d.ID)
	if v.Name != "alpha-2" || v.Port != 33001 || v.Blueprint != left4me.DefaultBlueprint || v.Before.Port != 33000 {
		t.Errorf("restored %+v, before %+v", v.Server, v.Before.Server)
	}
}

// The host removes the files before the row is removed. Until then, the removal is requested again.
func TestDeletedServerIsRemovedForGood(t *testing.T) {
	s := newSite(t)
	asked := make(chan left4me.ID, 4)
	fail := true
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbRemoveKept: func(data []byte) (any, error) {
			var r bus.KeptRequest
			if err := bus.Decode(data, &r); err != nil {
				return nil, err
			}
			asked <- r.ID
			if fail {
				fail = false
				return nil, left4me.NewError(left4me.Unavailable, "internal.job", "job", "x")
			}
			return bus.KeptAnswer{V: bus.Version}, nil
		},
	})
	s.create(t, "alpha")
	d := s.delete(t, "alpha", 1)
	if _, err := s.Deleted().Remove(t.Context(), left4me.ByUser("al"), d.ID); err != nil {
		t.Fatal(err)
	}
	if all, err := s.Deleted().List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("after the removal: %+v, %v", all, err)
	}
	_, err := s.Deleted().Restore(t.Context(), left4me.ByUser("al"), d.ID, "", 0)
	is(t, err, left4me.NotFound, "")
	if id := <-asked; id != d.ID {
		t.Errorf("the host was asked to remove %s, want %s", id, d.ID)
	}
	s.create(t, "beta") // any change of servers tries again
	<-asked
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		if _, err := s.store.DeletedServers().Get(t.Context(), d.ID); err != nil {
			is(t, err, left4me.NotFound, "")
			break
		}
		if time.Now().After(end) {
			t.Fatal("the row of the removed server stays")
		}
	}
}

func TestNamesOfDeletedServersAreReserved(t *testing.T) {
	s := newSite(t)
	s.host(t, nil)
	s.create(t, "alpha")
	d := s.delete(t, "alpha", 1)
	_, err := s.Create(t.Context(), left4me.ByUser("al"), left4me.Server{Name: left4me.KeptName(d.ID)})
	is(t, err, left4me.Invalid, "name")
}
