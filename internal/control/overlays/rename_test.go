package overlays_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
)

func (s *site) add(t *testing.T, name left4me.Name) overlays.View {
	t.Helper()
	v, err := s.Create(t.Context(), left4me.ByUser(admin), left4me.Overlay{Name: name, Kind: left4me.FilesOverlay})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (s *site) rename(t *testing.T, name, to left4me.Name) overlays.View {
	t.Helper()
	v, err := s.Rename(t.Context(), left4me.ByUser(admin), name, to, 0)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Host content of a renamed overlay is shown under the new name, and both names are taken.
func TestRenamedOverlayKeepsHostContent(t *testing.T) {
	s := newSite(t)
	s.add(t, "maps")
	s.lay("maps", 2)
	s.lay("stray", 1)
	s.serve(t, nil)
	for to, kind := range map[left4me.Name]left4me.Kind{"stray": left4me.Conflict, "No good": left4me.Invalid} {
		_, err := s.Rename(t.Context(), left4me.ByUser(admin), "maps", to, 0)
		var wrong left4me.Fields
		e, ok := left4me.Public(err)
		if errors.As(err, &wrong) {
			e, ok = wrong[0], true
		}
		if !ok || e.Kind != kind || e.Field != "name" {
			t.Errorf("%s: %v", to, err)
		}
	}
	v := s.rename(t, "maps", "campaigns")
	if v.Name != "campaigns" || v.HostName != "maps" || v.Content.Current != 2 || v.Content.Name != "campaigns" {
		t.Errorf("got %+v", v)
	}
	if _, err := s.Get(t.Context(), "maps"); !errors.Is(err, left4me.NotFound) {
		t.Error(err)
	}
	if _, err := s.Create(t.Context(), left4me.ByUser(admin), left4me.Overlay{Name: "maps", Kind: left4me.FilesOverlay}); !errors.Is(err,
		left4me.Conflict) {
		t.Error(err)
	}
	// A directory added by hand under the new name isn't this overlay.
	s.lay("campaigns", 7)
	all, err := s.List(t.Context())
	if err != nil || len(all) != 2 || all[0].Name != "campaigns" || all[0].Content.Current != 2 || all[1].Name != "stray" {
		t.Errorf("got %+v, error %v", all, err)
	}
	// Renaming an overlay that only exists on the disk creates a row.
	if v := s.rename(t, "stray", "found"); v.HostName != "stray" || v.ID == "" || v.Content.Current != 1 {
		t.Errorf("got %+v", v)
	}
	if v := s.rename(t, "campaigns", "maps"); v.HostName != "" || v.Content.Current != 2 {
		t.Errorf("back to its old name: %+v", v)
	}
}

// Requests and jobs use the host's name of a renamed overlay; answers are shown under the new name.
func TestHostRequestsUseHostNameOfRenamedOverlay(t *testing.T) {
	s := newSite(t)
	ctx := t.Context()
	by := left4me.ByUser(admin)
	s.add(t, "maps")
	s.lay("maps", 2)
	var mu sync.Mutex
	jobs := map[left4me.JobKind]bus.JobMessage{}
	none := func(data []byte) (any, error) {
		var r struct{ Overlay left4me.Name }
		_ = json.Unmarshal(data, &r)
		return nil, left4me.NewError(left4me.NotFound, "overlay.no_revision_on_host", "overlay", r.Overlay)
	}
	s.answers = map[string]func([]byte) (any, error){
		bus.VerbTree: none, bus.VerbDiff: none, bus.VerbFile: none, bus.VerbPlan: none,
		bus.VerbContent: func([]byte) (any, error) { return left4me.Content{Name: "maps", Current: 2}, nil },
	}
	s.serve(t, func(m bus.JobMessage) *left4me.Error {
		mu.Lock()
		defer mu.Unlock()
		jobs[m.Kind] = m
		return nil
	})
	s.rename(t, "maps", "campaigns")
	rev := s.Revisions()
	if c, err := rev.Get(ctx, "campaigns", 0); err != nil || c.Name != "campaigns" || c.NameOnHost != "maps" {
		t.Errorf("got %+v, error %v", c, err)
	}
	var failed []error
	failed = append(failed, second(rev.Tree(ctx, "campaigns", 1, left4me.Filter{})), second(rev.Diff(ctx, "campaigns", 1, 2, "", 1)),
		second(rev.File(ctx, "campaigns", 1, "a", "")), second(s.Plan(ctx, "campaigns", left4me.Change{})))
	for _, err := range failed {
		if e, ok := left4me.Public(err); !ok || !strings.Contains(e.Text, "campaigns") {
			t.Errorf("got error %v", err)
		}
	}
	_, _ = rev.Use(ctx, by, "campaigns", 1)
	_, _ = rev.Label(ctx, by, "campaigns", 1, "x")
	_, _ = rev.Drop(ctx, by, "campaigns", 1)
	s.mu.Lock()
	for _, q := range s.asked {
		if !strings.Contains(q, `"overlay":"maps"`) || strings.Contains(q, "campaigns") {
			t.Errorf("the host was asked %s", q)
		}
	}
	if len(s.asked) != 8 {
		t.Errorf("asked %q", s.asked)
	}
	s.mu.Unlock()

	if _, err := s.servers.Create(ctx, by, left4me.Server{Name: "alpha", Overlays: left4me.Refs("campaigns")}); err != nil {
		t.Fatal(err)
	}
	build, err := s.Build(ctx, by, "campaigns", overlays.Request{Change: &left4me.Change{Delete: []string{"a"}}})
	if j := s.ended(t, build, err); j.Target != "campaigns" {
		t.Errorf("got %+v", j)
	}
	collect, err := s.Collect(ctx, by)
	s.ended(t, collect, err)
	start, err := s.servers.Act(ctx, by, left4me.StartServer, "alpha")
	s.ended(t, start, err)
	if _, err := s.servers.Update(ctx, by, left4me.Server{Name: "alpha", Overlays: []left4me.OverlayRef{}}); err != nil {
		t.Fatal(err)
	}
	gone, err := s.Delete(ctx, by, "campaigns")
	s.ended(t, gone, err)
	if _, err := s.Rename(ctx, by, "campaigns", "again", 0); !errors.Is(err, left4me.Conflict) {
		t.Errorf("rename of a deleted overlay: %v", err)
	}
	back, err := s.Restore(ctx, by, "campaigns")
	s.ended(t, back, err)

	mu.Lock()
	defer mu.Unlock()
	for _, kind := range []left4me.JobKind{left4me.BuildOverlay, left4me.DeleteOverlay, left4me.RestoreOverlay} {
		if m := jobs[kind]; m.Target != "maps" || strings.Contains(string(m.Spec), "campaigns") {
			t.Errorf("the host got job %s on %s: %s", kind, m.Target, m.Spec)
		}
	}
	var kept bus.CollectSpec
	if err := json.Unmarshal(jobs[left4me.CollectContent].Spec, &kept); err != nil || !slices.Equal(kept.Keep, left4me.Refs("maps")) {
		t.Errorf("collect spec keeps %v, %v", kept.Keep, err)
	}
	var spec left4me.Spec
	if err := json.Unmarshal(jobs[left4me.StartServer].Spec, &spec); err != nil || !slices.Equal(spec.Overlays, left4me.Refs("maps")) {
		t.Errorf("start spec has %v, %v", spec.Overlays, err)
	}
}

// A renamed overlay cannot be used by its old name: its revisions would appear unpinned.
func TestRenamedOverlayIsNotFoundByOldName(t *testing.T) {
	s := newSite(t)
	ctx, by := t.Context(), left4me.ByUser(admin)
	s.add(t, "maps")
	s.lay("maps", 2)
	s.serve(t, nil)
	s.rename(t, "maps", "campaigns")
	pinned := []left4me.OverlayRef{{Name: "campaigns", Revision: 1}}
	if _, err := s.servers.Create(ctx, by, left4me.Server{Name: "alpha", Overlays: pinned}); err != nil {
		t.Fatal(err)
	}
	rev := s.Revisions()
	if _, err := rev.Drop(ctx, by, "campaigns", 1); !errors.Is(err, left4me.Busy) {
		t.Errorf("drop of a revision pinned by a server: %v", err)
	}
	for what, err := range map[string]error{
		"drop": second(rev.Drop(ctx, by, "maps", 1)), "use": second(rev.Use(ctx, by, "maps", 1)),
		"label": second(rev.Label(ctx, by, "maps", 1, "x")), "get": second(rev.Get(ctx, "maps", 0)),
		"tree": second(rev.Tree(ctx, "maps", 1, left4me.Filter{})), "diff": second(rev.Diff(ctx, "maps", 1, 2, "", 1)),
		"file": second(rev.File(ctx, "maps", 1, "a", "")), "plan": second(s.Plan(ctx, "maps", left4me.Change{})),
	} {
		if !errors.Is(err, left4me.NotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.asked) > 0 {
		t.Errorf("the host was asked %q", s.asked)
	}
}

// The list of a collection is read in one transaction: an overlay that is renamed at the same time,
// and back, is kept under its host's name.
func TestCollectDuringRenameKeepsOverlay(t *testing.T) {
	s := newSite(t)
	ctx, by := t.Context(), left4me.ByUser(admin)
	s.add(t, "maps")
	s.lay("maps", 2)
	s.serve(t, func(bus.JobMessage) *left4me.Error { // equal jobs are merged while the first one runs
		<-ctx.Done()
		return nil
	})
	pinned := []left4me.OverlayRef{{Name: "maps", Revision: 1}}
	if err := s.store.Blueprints().Create(ctx, left4me.Blueprint{Name: "coop", Overlays: pinned}); err != nil {
		t.Fatal(err)
	}
	for i := range 50 { // many servers, so that reading them after the blueprint takes time
		v := left4me.Server{Name: left4me.Name(fmt.Sprintf("s%d", i)), Host: left4me.LocalHost, Port: 1024 + i, Blueprint: "coop"}
		if err := s.store.Servers().Create(ctx, v); err != nil {
			t.Fatal(err)
		}
	}
	// Two goroutines, because each Collect waits for a rename and thus falls into step with it.
	renaming, done := context.WithCancel(ctx)
	var asking sync.WaitGroup
	for range 2 {
		asking.Go(func() {
			for renaming.Err() == nil && !t.Failed() {
				j, err := s.Collect(ctx, by)
				if err != nil {
					t.Error(err)
					return
				}
				v, err := s.store.Jobs().Get(ctx, j.ID)
				var spec bus.CollectSpec
				if err = errors.Join(err, json.Unmarshal(v.Spec, &spec)); err != nil || !slices.Equal(spec.Keep, pinned) {
					t.Errorf("it keeps %v, %v", spec.Keep, err)
				}
			}
		})
	}
	for range 6 {
		for _, to := range [][2]left4me.Name{{"maps", "campaigns"}, {"campaigns", "levels"}, {"levels", "maps"}} {
			if _, _, err := s.store.Overlays().Rename(ctx, to[0], to[1], 0); err != nil {
				t.Error(err)
			}
		}
	}
	done()
	asking.Wait()
}

// A rename alone requires no restart, and pending changes appear under the new name.
func TestRenamedOverlayRequiresNoRestart(t *testing.T) {
	s := newSite(t)
	ctx := t.Context()
	s.add(t, "maps")
	s.lay("maps", 1)
	s.serve(t, nil)
	if _, err := s.servers.Create(ctx, left4me.ByUser(admin), left4me.Server{Name: "alpha", Overlays: left4me.Refs("maps")}); err != nil {
		t.Fatal(err)
	}
	spec, _, err := s.servers.Spec(ctx, "alpha")
	if err != nil {
		t.Fatal(err)
	}
	running := []left4me.OverlayRef{{Name: "maps", Revision: 1}}
	status := left4me.Status{Name: "alpha", State: left4me.Running, Build: 1, SpecHash: spec.Hash(), Overlays: running}
	tell := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tell(t)
	}
	if err := s.bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindStatus), status); err != nil {
		t.Fatal(err)
	}
	tell()
	view := func() servers.View {
		t.Helper()
		v, err := s.servers.Get(ctx, "alpha")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	until(t, "the server is up", func() bool { return view().Status.State == left4me.Running })
	s.rename(t, "maps", "campaigns")
	shown := []left4me.OverlayRef{{Name: "campaigns", Revision: 1}}
	if v := view(); v.RestartRequired || len(v.NewContent) > 0 || !slices.Equal(v.Status.Overlays, shown) ||
		!slices.Equal(v.Overlays, left4me.Refs("campaigns")) {
		t.Errorf("got %+v", v)
	}
	s.lay("maps", 2)
	tell()
	until(t, "a revision is new", func() bool { return len(view().NewContent) > 0 })
	if v := view(); !slices.Equal(v.NewContent, []left4me.OverlayChange{{Overlay: "campaigns", From: 1, To: 2}}) {
		t.Errorf("got %+v", v.NewContent)
	}
}

// Retrying a promotion copies files of the same server, even after a rename, and never of a later
// server of that name.
func TestPromotionRetryUsesSameServer(t *testing.T) {
	s := newSite(t)
	ctx, by := t.Context(), left4me.ByUser(admin)
	s.add(t, "maps")
	specs := make(chan left4me.BuildSpec, 2)
	s.serve(t, func(m bus.JobMessage) *left4me.Error {
		if m.Kind != left4me.BuildOverlay {
			return nil
		}
		var spec left4me.BuildSpec
		if err := json.Unmarshal(m.Spec, &spec); err != nil {
			t.Error(err)
		}
		specs <- spec
		return left4me.NewError(left4me.NotFound, "overlay.no_revision_on_host", "overlay", "maps")
	})
	server := func(name left4me.Name) left4me.ID {
		t.Helper()
		v, err := s.servers.Create(ctx, by, left4me.Server{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		return v.ID
	}
	takes := func(what string, name left4me.Name, id left4me.ID) {
		t.Helper()
		if spec := <-specs; spec.Promote.Server != name || spec.PromoteID != id || !slices.Equal(spec.Promote.Paths, []string{"a"}) {
			t.Errorf("%s takes %+v of %s, not of %s", what, spec.Promote, spec.PromoteID, id)
		}
	}
	promote := overlays.Request{Promote: &left4me.Promote{Server: "alpha", Paths: []string{"a"}}}
	if _, err := s.Build(ctx, by, "maps", promote); !errors.Is(err, left4me.Invalid) {
		t.Errorf("promotion from an unknown server: %v", err)
	}
	alpha := server("alpha")
	build, err := s.Build(ctx, by, "maps", promote)
	s.ended(t, build, err)
	takes("the job", "alpha", alpha)
	if _, err := s.servers.Names().Rename(ctx, by, "alpha", "beta", 0); err != nil {
		t.Fatal(err)
	}
	again, err := s.jobs.Retry(ctx, by, build.ID)
	s.ended(t, again, err)
	takes("the job, once more,", "beta", alpha)

	// The host has renamed it too, and another server has its old name.
	if err := s.store.Servers().OnHostAs(ctx, alpha, "beta"); err != nil {
		t.Fatal(err)
	}
	next := server("alpha")
	if from, ok, err := s.Promoted(ctx, build.ID); err != nil || !ok || from.ID != alpha || from.Name != "beta" {
		t.Errorf("the job took files of %+v, %t, %v", from, ok, err)
	}
	again, err = s.jobs.Retry(ctx, by, build.ID)
	s.ended(t, again, err)
	takes("the job, beside another alpha,", "beta", alpha)
	// A request with a server id uses that server even if another one has its name now.
	promote.From = alpha
	asked, err := s.Build(ctx, by, "maps", promote)
	s.ended(t, asked, err)
	takes("who may take those of the first alpha", "beta", alpha)
	promote.From = ""
	asked, err = s.Build(ctx, by, "maps", promote)
	s.ended(t, asked, err)
	takes("who names alpha", "alpha", next)

	for _, name := range []left4me.Name{"alpha", "beta"} {
		gone, err := s.servers.Act(ctx, by, left4me.DeleteServer, name)
		s.ended(t, gone, err)
		server(name)
	}
	for _, id := range []left4me.JobID{build.ID, again.ID, asked.ID} {
		if _, err := s.jobs.Retry(ctx, by, id); !errors.Is(err, left4me.Conflict) {
			t.Errorf("retry after the server was deleted and its name reused: %v", err)
		}
	}
	if _, err := s.Build(ctx, by, "maps", overlays.Request{Promote: promote.Promote, From: alpha}); !errors.Is(err, left4me.Invalid) {
		t.Errorf("request with the id of a deleted server: %v", err)
	}
}

// A job without a server id, created by a version that had no ids, must not promote files of the
// server that has the name now.
func TestPromotionWithoutServerIDIsNotRetried(t *testing.T) {
	s := newSite(t)
	ctx, by := t.Context(), left4me.ByUser(admin)
	s.add(t, "maps")
	s.serve(t, func(bus.JobMessage) *left4me.Error {
		return left4me.NewError(left4me.NotFound, "overlay.no_revision_on_host", "overlay", "maps")
	})
	if _, err := s.servers.Create(ctx, by, left4me.Server{Name: "alpha"}); err != nil {
		t.Fatal(err)
	}
	old, err := s.jobs.Add(ctx, by, left4me.BuildOverlay, "maps", left4me.LocalHost, left4me.BuildSpec{
		Overlay: left4me.Overlay{Name: "maps", Kind: left4me.FilesOverlay},
		Promote: &left4me.Promote{Server: "alpha", Paths: []string{"a"}},
	})
	s.ended(t, old, err)
	_, err = s.jobs.Retry(ctx, by, old.ID)
	if e, ok := left4me.Public(err); !ok || e.Code != "job.promoted_server_unknown" {
		t.Errorf("got error %v", err)
	}
}

// Errors of the host show the current names of servers, including several in one argument.
func TestHostErrorsShowCurrentServerNames(t *testing.T) {
	s := newSite(t)
	ctx, by := t.Context(), left4me.ByUser(admin)
	s.add(t, "maps")
	s.lay("maps", 2)
	s.answers = map[string]func([]byte) (any, error){bus.VerbDropRev: func([]byte) (any, error) {
		return nil, left4me.NewError(left4me.Busy, "revision.in_use", "revision", 1, "overlay", "maps", "servers", "alpha, gamma")
	}}
	s.serve(t, func(bus.JobMessage) *left4me.Error {
		return left4me.NewError(left4me.Busy, "overlay.in_use", "overlay", "maps", "servers", "alpha, gamma")
	})
	if _, err := s.servers.Create(ctx, by, left4me.Server{Name: "alpha"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.servers.Names().Rename(ctx, by, "alpha", "beta", 0); err != nil {
		t.Fatal(err)
	}
	s.rename(t, "maps", "campaigns")
	_, err := s.Revisions().Drop(ctx, by, "campaigns", 1)
	e, _ := left4me.Public(err)
	gone, err := s.Delete(ctx, by, "campaigns")
	for _, e := range []*left4me.Error{e, s.ended(t, gone, err).Error} {
		if e == nil || e.Args["overlay"] != "campaigns" || e.Args["servers"] != "beta, gamma" || !strings.Contains(e.Text, "beta, gamma") {
			t.Errorf("got %+v", e)
		}
	}
}
