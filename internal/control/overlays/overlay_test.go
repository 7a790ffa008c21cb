package overlays_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

const admin = "admin"

func TestOverlayCombinesDefinitionAndHostContent(t *testing.T) {
	c := newSite(t)
	made, err := c.Create(t.Context(), left4me.ByUser(admin), left4me.Overlay{Name: "maps", Kind: left4me.FilesOverlay, Note: "campaigns"})
	if err != nil || made.Version != 1 || made.Problem == "" {
		t.Errorf("without a host: %+v, %v", made, err)
	}
	c.lay("maps", 2)
	c.lay("stray", 1)
	c.serve(t, nil)
	if _, err := c.Blueprints().Create(t.Context(), left4me.ByUser("tester"),
		left4me.Blueprint{Name: "versus", Overlays: left4me.Refs("maps")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.servers.Create(t.Context(), left4me.ByUser("tester"), left4me.Server{Name: "alpha", Blueprint: "versus"}); err != nil {
		t.Fatal(err)
	}
	all, err := c.List(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatalf("got %+v, error %v", all, err)
	}
	maps, stray := all[0], all[1]
	if maps.Note != "campaigns" || maps.Content.Current != 2 || !slices.Equal(maps.Blueprints, []left4me.Name{"versus"}) ||
		!slices.Equal(maps.Servers, []left4me.Name{"alpha"}) {
		t.Errorf("got %+v", maps)
	}
	if stray.Kind != left4me.FilesOverlay || stray.Version != 0 || stray.Content.Current != 1 || stray.CreatedAt.IsZero() {
		t.Errorf("got %+v", stray)
	}
	if _, err := c.Create(t.Context(), left4me.ByUser(admin), left4me.Overlay{Name: "stray", Kind: left4me.FilesOverlay}); !errors.Is(err,
		left4me.Conflict) {
		t.Errorf("an overlay with the name of one on the disk: %v", err)
	}
	// The first change creates its row.
	stray.Note = "found on the disk"
	changed, err := c.Update(t.Context(), left4me.ByUser(admin), stray.Overlay)
	if err != nil || changed.Version < 1 || changed.Note != stray.Note || changed.Content.Current != 1 {
		t.Errorf("got %+v, error %v", changed, err)
	}
	stray.Note = "changed by somebody who saw it without a row"
	if _, err := c.Update(t.Context(), left4me.ByUser(admin), stray.Overlay); !errors.Is(err, left4me.Conflict) {
		t.Errorf("update with an old version: %v", err)
	}
	if _, err := c.Get(t.Context(), "nothing"); !errors.Is(err, left4me.NotFound) {
		t.Error(err)
	}
}

func TestGetListsServersWithOtherRevision(t *testing.T) {
	s := newSite(t)
	s.serve(t, nil)
	s.lay("maps", 3)
	s.mu.Lock()
	v := s.contents["maps"]
	v.Current = 2
	v.Revisions = []left4me.Revision{
		{Number: 3, Servers: []left4me.Name{"newer"}},
		{Number: 2, Servers: []left4me.Name{"current", "held-later"}},
		{Number: 1, Servers: []left4me.Name{"follows", "held", "held-below", "overrides", "without", "unknown"}},
	}
	s.contents["maps"] = v
	s.mu.Unlock()
	ref := func(n int) []left4me.OverlayRef { return []left4me.OverlayRef{{Name: "maps", Revision: n}} }
	for name, stack := range map[left4me.Name][]left4me.OverlayRef{"latest": ref(0), "first": ref(1), "bare": nil} {
		if _, err := s.Blueprints().Create(t.Context(), left4me.ByUser("tester"),
			left4me.Blueprint{Name: name, Overlays: stack}); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range []left4me.Server{
		{Name: "newer", Blueprint: "latest"},
		{Name: "current", Blueprint: "latest"},
		{Name: "follows", Blueprint: "latest"},
		{Name: "held", Blueprint: "bare", Overlays: ref(1)},
		{Name: "held-later", Blueprint: "bare", Overlays: ref(3)},
		{Name: "held-below", Blueprint: "first"},
		{Name: "overrides", Blueprint: "first", Overlays: ref(0)},
		{Name: "without", Blueprint: "bare"},
	} {
		if _, err := s.servers.Create(t.Context(), left4me.ByUser("tester"), v); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Get(t.Context(), "maps")
	want := []overlays.Behind{
		{Server: "newer", From: 3, To: 2},
		{Server: "held-later", From: 2, To: 3},
		{Server: "follows", From: 1, To: 2},
		{Server: "overrides", From: 1, To: 2},
		{Server: "without", From: 1},
		{Server: "unknown", From: 1},
	}
	if err != nil || !slices.Equal(got.Behind, want) {
		t.Errorf("got %+v, error %v", got.Behind, err)
	}
}

func TestScriptVersionsAndConflictingUpdates(t *testing.T) {
	c := newSite(t)
	c.serve(t, nil)
	v, err := c.Create(t.Context(), left4me.ByUser(admin),
		left4me.Overlay{Name: "sm", Kind: left4me.ScriptOverlay, Script: &left4me.Script{Text: "echo 1\r\n"}})
	if err != nil || v.Script.Version != 1 || v.Script.Text != "echo 1\n" {
		t.Fatalf("got %+v, error %v", v, err)
	}
	mine, theirs := v.Overlay, v.Overlay
	mine.Script = &left4me.Script{Text: "echo 2\n"}
	v, err = c.Update(t.Context(), left4me.ByUser("somebody"), mine)
	if err != nil || v.Script.Version != 2 || v.Version != 2 {
		t.Fatalf("got %+v, error %v", v, err)
	}
	theirs.Note = "late"
	if _, err := c.Update(t.Context(), left4me.ByUser(admin), theirs); !errors.Is(err, left4me.Conflict) {
		t.Errorf("got error %v", err)
	}
	v.Note = "the text stays"
	if v, err = c.Update(t.Context(), left4me.ByUser(admin), v.Overlay); err != nil || v.Script.Version != 2 || v.Version != 3 {
		t.Fatalf("got %+v, error %v", v, err)
	}
	all, err := c.Scripts(t.Context(), "sm")
	if err != nil || len(all) != 2 || all[0].Version != 2 || all[0].By != "somebody" || all[1].Text != "echo 1\n" {
		t.Errorf("got %+v, error %v", all, err)
	}
}

func TestCreateNamesInvalidField(t *testing.T) {
	c := newSite(t)
	ids := func(all ...left4me.WorkshopID) *left4me.Workshop {
		w := &left4me.Workshop{}
		for _, id := range all {
			w.Entries = append(w.Entries, left4me.WorkshopEntry{ID: id})
		}
		return w
	}
	for _, bad := range []struct {
		v     left4me.Overlay
		field string
	}{
		{left4me.Overlay{Name: "../x", Kind: left4me.FilesOverlay}, "name"},
		{left4me.Overlay{Kind: "magic"}, "kind"},
		{left4me.Overlay{Kind: left4me.FilesOverlay, Note: "\x1b[31m"}, "note"},
		{left4me.Overlay{Kind: left4me.FilesOverlay, Script: &left4me.Script{Text: "echo"}}, "script"},
		{left4me.Overlay{Kind: left4me.WorkshopOverlay}, "workshop"},
		{left4me.Overlay{Kind: left4me.WorkshopOverlay, Workshop: ids("12", "123456789012345678901")}, "workshop.entries[1].id"},
		{left4me.Overlay{Kind: left4me.WorkshopOverlay, Workshop: ids("12", "12")}, "workshop.entries[1].id"},
		{left4me.Overlay{Kind: left4me.WorkshopOverlay, Workshop: ids("../12")}, "workshop.entries[0].id"},
		{left4me.Overlay{Kind: left4me.WorkshopOverlay, Workshop: &left4me.Workshop{Names: "title"}}, "workshop.names"},
		{
			left4me.Overlay{Kind: left4me.WorkshopOverlay, Workshop: &left4me.Workshop{Exclude: []left4me.WorkshopID{"x"}}},
			"workshop.exclude[0]",
		},
		{left4me.Overlay{
			Kind:     left4me.WorkshopOverlay,
			Workshop: &left4me.Workshop{Entries: []left4me.WorkshopEntry{{ID: "1", Frozen: []left4me.WorkshopID{"2", "-"}}}},
		}, "workshop.entries[0].frozen[1]"},
		{
			left4me.Overlay{Kind: left4me.WorkshopOverlay, Workshop: &left4me.Workshop{Entries: make([]left4me.WorkshopEntry, 2001)}},
			"workshop.entries",
		},
		{left4me.Overlay{Kind: left4me.ScriptOverlay, Script: &left4me.Script{Text: " \n"}}, "script.text"},
		{left4me.Overlay{Kind: left4me.ScriptOverlay, Script: &left4me.Script{Text: "\xff"}}, "script.text"},
		{left4me.Overlay{Kind: left4me.ScriptOverlay, Script: &left4me.Script{Text: strings.Repeat("#", 256<<10+1)}}, "script.text"},
		{left4me.Overlay{Kind: left4me.GitOverlay, Git: &left4me.Git{}}, "git.url"},
		{left4me.Overlay{Kind: left4me.GitOverlay, Git: &left4me.Git{URL: "file:///etc"}}, "git.url"},
		{left4me.Overlay{Kind: left4me.GitOverlay, Git: &left4me.Git{URL: "ext::sh -c id"}}, "git.url"},
		{left4me.Overlay{Kind: left4me.GitOverlay, Git: &left4me.Git{URL: "https://user:secret@github.com/a/b"}}, "git.url"},
		{left4me.Overlay{Kind: left4me.GitOverlay, Git: &left4me.Git{URL: "https://github.com/a/b", Ref: "--upload-pack=x"}}, "git.ref"},
		{left4me.Overlay{Kind: left4me.GitOverlay, Git: &left4me.Git{URL: "https://github.com/a/b", Ref: "a..b"}}, "git.ref"},
		{left4me.Overlay{Kind: left4me.GitOverlay, Git: &left4me.Git{URL: "https://github.com/a/b", Subdir: "../x"}}, "git.subdir"},
		{
			left4me.Overlay{Kind: left4me.GitOverlay, Git: &left4me.Git{URL: "https://github.com/a/b", Keep: []string{"cfg/*", "cfg/["}}},
			"git.keep[1]",
		},
		{left4me.Overlay{Kind: left4me.ReleaseOverlay, Release: &left4me.Release{Repository: "a/b/c", Asset: "*"}}, "release.repository"},
		{left4me.Overlay{Kind: left4me.ReleaseOverlay, Release: &left4me.Release{Repository: "a/..", Asset: "*"}}, "release.repository"},
		{left4me.Overlay{Kind: left4me.ReleaseOverlay, Release: &left4me.Release{Repository: "a/b"}}, "release.asset"},
		{left4me.Overlay{Kind: left4me.ReleaseOverlay, Release: &left4me.Release{Repository: "a/b", Asset: "["}}, "release.asset"},
		{left4me.Overlay{Kind: left4me.WorkshopOverlay, Workshop: ids("1"), Refresh: left4me.Refresh{Hours: 721}}, "refresh.hours"},
		{left4me.Overlay{Kind: left4me.FilesOverlay, Refresh: left4me.Refresh{Hours: 24}}, "refresh.hours"},
		{left4me.Overlay{Kind: left4me.FilesOverlay, Refresh: left4me.Refresh{At: "24:00"}}, "refresh.at"},
		{left4me.Overlay{Kind: left4me.FilesOverlay, Refresh: left4me.Refresh{Restart: "now"}}, "refresh.restart"},
		{left4me.Overlay{Kind: left4me.FilesOverlay, Cfg: []string{"sv_x 1", "a\nb"}}, "cfg[1]"},
	} {
		if bad.v.Name == "" {
			bad.v.Name = "o"
		}
		_, err := c.Create(t.Context(), left4me.ByUser(admin), bad.v)
		var all left4me.Fields
		if !errors.As(err, &all) || len(all) != 1 || all[0].Field != bad.field || all[0].Kind != left4me.Invalid {
			t.Errorf("%+v: %v is not about %s alone", bad.v, err, bad.field)
		}
	}
	if all, err := c.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("an invalid definition was stored: %+v, %v", all, err)
	}
}

func TestBuildSendsDefinitionToHost(t *testing.T) {
	c := newSite(t)
	specs := make(chan bus.JobMessage, 16)
	c.serve(t, func(m bus.JobMessage) *left4me.Error {
		specs <- m
		if strings.Contains(string(m.Spec), "fail") {
			return &left4me.Error{Kind: left4me.Unavailable, Text: "Steam does not answer"}
		}
		return nil
	})
	w := left4me.Overlay{
		Name:     "maps",
		Kind:     left4me.WorkshopOverlay,
		Workshop: &left4me.Workshop{Entries: []left4me.WorkshopEntry{{ID: "121086524"}}},
	}
	if _, err := c.Create(t.Context(), left4me.ByUser(admin), w); err != nil {
		t.Fatal(err)
	}
	j, err := c.Build(t.Context(), left4me.ByUser(admin), "maps", overlays.Request{Note: "fail"})
	if j = c.ended(t, j, err); j.State != left4me.JobFailed || j.Kind != left4me.BuildOverlay || j.Target != "maps" ||
		j.By != left4me.ByUser(admin) {
		t.Errorf("got %+v", j)
	}
	var spec left4me.BuildSpec
	if err := json.Unmarshal((<-specs).Spec, &spec); err != nil || spec.Overlay.Workshop.Entries[0].ID != "121086524" ||
		spec.By != admin || spec.Note != "fail" {
		t.Errorf("got %+v, error %v", spec, err)
	}
	if v, err := c.Get(t.Context(), "maps"); err != nil || v.CheckedAt.IsZero() || v.Job != nil {
		t.Errorf("got %+v, error %v", v, err)
	}
	// A retry belongs to the user who requests it and uses the current definition.
	again, err := c.jobs.Retry(t.Context(), left4me.ByUser("somebody"), j.ID)
	if again = c.ended(t, again, err); again.By != left4me.ByUser("somebody") {
		t.Errorf("got %+v", again)
	}
	for name, bad := range map[string]struct {
		overlay left4me.Name
		r       overlays.Request
		field   string
	}{
		"a change of a workshop overlay": {
			"maps",
			overlays.Request{Change: &left4me.Change{Delete: []string{"a"}}},
			"change",
		},
		"a promotion to a workshop overlay": {
			"maps",
			overlays.Request{Promote: &left4me.Promote{Server: "alpha", Paths: []string{"a"}}},
			"promote",
		},
		"nothing to build": {"files", overlays.Request{}, "change"},
		"an empty change":  {"files", overlays.Request{Change: &left4me.Change{}}, "change"},
		"a path outside of the overlay": {
			"files",
			overlays.Request{Change: &left4me.Change{Delete: []string{"a", "../b"}}},
			"change.delete[1]",
		},
		"a repair with another change": {
			"files",
			overlays.Request{Change: &left4me.Change{Repair: []string{"."}, Delete: []string{"a"}}},
			"change.repair",
		},
		"a repair outside of the overlay": {
			"maps",
			overlays.Request{Change: &left4me.Change{Repair: []string{".", "../b"}}},
			"change.repair[0]",
		},
		"a repair with an unknown setting for texts": {
			"files",
			overlays.Request{Change: &left4me.Change{Upload: "x", Import: left4me.Import{Texts: "utf-7"}}},
			"change.import.texts",
		},
		"an invalid server name": {
			"files",
			overlays.Request{Promote: &left4me.Promote{Server: "../x", Paths: []string{"a"}}},
			"promote.server",
		},
	} {
		c.lay("files", 1)
		_, err := c.Build(t.Context(), left4me.ByUser(admin), bad.overlay, bad.r)
		if e, ok := left4me.Public(err); !ok || e.Kind != left4me.Invalid || e.Field != bad.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.Build(t.Context(), left4me.ByUser(admin), "nothing", overlays.Request{}); !errors.Is(err, left4me.NotFound) {
		t.Error(err)
	}
}

func TestDeleteAndRestoreOverlay(t *testing.T) {
	c := newSite(t)
	c.serve(t, nil)
	c.lay("maps", 2)
	if _, err := c.Blueprints().Create(t.Context(), left4me.ByUser("tester"),
		left4me.Blueprint{Name: "versus", Overlays: []left4me.OverlayRef{{Name: "maps", Revision: 1}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Delete(t.Context(), left4me.ByUser(admin), "maps"); !errors.Is(err, left4me.Conflict) ||
		err.Error() != "overlay maps is in use; blueprints: versus; remove the overlay from these stacks first" {
		t.Errorf("delete of an overlay in a blueprint: %v", err)
	}
	if _, err := c.Revisions().Drop(t.Context(), left4me.ByUser(admin), "maps", 1); !errors.Is(err, left4me.Busy) ||
		err.Error() != "revision 1 of overlay maps is in use; blueprints: versus; change these stacks to use another revision first" {
		t.Errorf("drop of a revision pinned by a blueprint: %v", err)
	}
	if _, err := c.Revisions().Drop(t.Context(), left4me.ByUser(admin), "maps", 2); err != nil {
		t.Error(err)
	}
	if _, err := c.Create(t.Context(), left4me.ByUser(admin),
		left4me.Overlay{Name: "old", Kind: left4me.FilesOverlay, Note: "kept"}); err != nil {
		t.Fatal(err)
	}
	j, err := c.Delete(t.Context(), left4me.ByUser(admin), "old")
	c.ended(t, j, err)
	v, err := c.Get(t.Context(), "old")
	if err != nil || v.DeletedAt.IsZero() {
		t.Errorf("got %+v, error %v", v, err)
	}
	if all, err := c.List(t.Context()); err != nil || len(all) != 2 || all[1].Name != "old" {
		t.Errorf("deleted overlays are not last: %+v, %v", all, err)
	}
	if names, err := c.Names(t.Context()); err != nil || !slices.Equal(names, []left4me.Name{"maps"}) {
		t.Errorf("got %v, error %v", names, err)
	}
	for name, err := range map[string]error{
		"build":  second(c.Build(t.Context(), left4me.ByUser(admin), "old", overlays.Request{Change: &left4me.Change{Replace: true}})),
		"delete": second(c.Delete(t.Context(), left4me.ByUser(admin), "old")),
		"create": second(c.Create(t.Context(), left4me.ByUser(admin), left4me.Overlay{Name: "old", Kind: left4me.FilesOverlay})),
		"change": second(c.Update(t.Context(), left4me.ByUser(admin), v.Overlay)),
		"back":   second(c.Restore(t.Context(), left4me.ByUser(admin), "maps")),
	} {
		if !errors.Is(err, left4me.Conflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.Blueprints().Create(t.Context(), left4me.ByUser("tester"),
		left4me.Blueprint{Name: "b", Overlays: left4me.Refs("old")}); !errors.Is(err,
		left4me.Invalid) {
		t.Errorf("blueprint with a deleted overlay: %v", err)
	}
	j, err = c.Restore(t.Context(), left4me.ByUser(admin), "old")
	c.ended(t, j, err)
	if v, err := c.Get(t.Context(), "old"); err != nil || !v.DeletedAt.IsZero() || v.Note != "kept" {
		t.Errorf("got %+v, error %v", v, err)
	}
	j, err = c.Collect(t.Context(), left4me.ByUser(admin))
	if j = c.ended(t, j, err); j.Kind != left4me.CollectContent || j.Target != left4me.LocalHost {
		t.Errorf("got %+v", j)
	}
}

func second[T any](_ T, err error) error { return err }

// With a byte order mark before #!, a script would run in another shell or not at all.
func TestCheckRemovesByteOrderMarks(t *testing.T) {
	v, err := overlays.Check(left4me.Overlay{
		Name:   "x",
		Kind:   left4me.ScriptOverlay,
		Script: &left4me.Script{Text: "\ufeff#!/bin/bash\n"},
		Cfg:    []string{"\ufeffsv_cheats 0"},
	})
	if err != nil || v.Script.Text != "#!/bin/bash\n" || v.Cfg[0] != "sv_cheats 0" {
		t.Errorf("got %+v, error %v", v, err)
	}
	if _, err := overlays.Check(left4me.Overlay{Name: "x", Kind: left4me.FilesOverlay, Cfg: []string{"\ufeffquit"}}); !errors.Is(err,
		left4me.Invalid) {
		t.Error(err)
	}
	if _, err := overlays.Check(left4me.Overlay{Name: "x", Kind: left4me.FilesOverlay, Texts: "utf-7"}); !errors.Is(err, left4me.Invalid) {
		t.Error(err)
	}
}
