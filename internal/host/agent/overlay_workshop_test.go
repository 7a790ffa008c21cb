package agent

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/running/shim/shimtest"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/sim/steamapi"
)

func TestBuildDownloadsWorkshopCollection(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	d.api.Change(func(s *steamapi.State) {
		s.Items = map[string]steamapi.Item{
			"101": {Title: "Salt Flats", Addon: "salt-flats", Scale: 0.1}, "102": {Title: "Pine Ridge", Addon: "pine-ridge", Scale: 0.1},
			"104": {Result: 9},
			"201": {Title: "Friday", Children: []string{"101", "102", "104"}},
		}
	})
	w := left4me.Workshop{Entries: []left4me.WorkshopEntry{{ID: "201"}}}
	var previewed []left4me.WorkshopState
	shimtest.Until(t, "the agent answers", func() bool {
		return d.bus.Request(t.Context(), bus.Command("local", bus.VerbWorkshop), w, &previewed) == nil
	})
	if len(previewed) != 4 {
		t.Fatalf("got %+v", previewed)
	}
	build := left4me.BuildSpec{Overlay: left4me.Overlay{Name: "maps", Kind: left4me.WorkshopOverlay, Workshop: &w}, By: "ann"}
	r := d.done(d.ask(left4me.BuildOverlay, "maps", build))
	if note := stepOf(r, left4me.StepFetch).Note; note != "2 downloaded; 1 deleted" {
		t.Errorf("got %q", note)
	}
	if p := stepOf(r, left4me.StepFetch).Progress; p.Done == 0 || p.Done != p.Total || p.Unit != "bytes" {
		t.Errorf("got %+v", p)
	}
	if !slices.Contains(r.Log, "101 Salt Flats: fresh") {
		t.Errorf("printed %q", r.Log)
	}
	now := func() (c left4me.Content) {
		t.Helper()
		if err := d.bus.Request(t.Context(), bus.Command("local", bus.VerbContent), bus.OverlayRequest{V: bus.Version, Overlay: "maps"},
			&c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := now()
	rev := c.Revisions[0]
	if c.Current != 1 || rev.Files != 2 || len(rev.Items) != 4 || len(rev.Campaigns) != 2 || rev.By != "ann" {
		b, _ := json.Marshal(c)
		t.Errorf("got %s", b)
	}
	if !slices.ContainsFunc(rev.Warnings, func(w left4me.Warning) bool {
		return w.Kind == left4me.WarnIncomplete && strings.Contains(w.Text, "104")
	}) {
		t.Errorf("got %+v", rev.Warnings)
	}

	r = d.done(d.ask(left4me.BuildOverlay, "maps", build))
	if note := stepOf(r, left4me.StepPublishOverlay).Note; !strings.Contains(note, "no changes") || now().Current != 1 {
		t.Errorf("got %q", note)
	}
	if _, times := d.api.Sent("101"); times != 1 {
		t.Errorf("fetched %d times", times)
	}

	// An item that is deleted at Steam and missing from the cache is taken from the current
	// revision.
	file := filepath.Join(d.Files.Root.Overlay("maps"), "1/left4dead2/addons/101.vpk")
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d.stop()
	d.serve() // a new agent has no cached answers of Steam
	d.api.Change(func(s *steamapi.State) {
		s.Items["101"] = steamapi.Item{Result: 9}
		s.Items["102"] = steamapi.Item{Title: "Pine Ridge", Addon: "pine-ridge", Scale: 0.1, Version: 1}
	})
	if err := os.RemoveAll(filepath.Join(string(d.Root.Root), "workshop_cache/101")); err != nil {
		t.Fatal(err)
	}
	d.done(d.ask(left4me.BuildOverlay, "maps", build))
	if c = now(); c.Current != 2 || c.Revisions[0].Changed != 1 || c.Revisions[0].Files != 2 {
		t.Errorf("got %+v", c.Revisions[0])
	}
	if got, err := os.ReadFile(filepath.Join(d.Files.Root.Overlay("maps"), "2/left4dead2/addons/101.vpk")); err != nil ||
		string(got) != string(old) {
		t.Errorf("the file has changed: %v", err)
	}
	if !os.SameFile(inode(t, file), inode(t, filepath.Join(d.Files.Root.Overlay("maps"), "2/left4dead2/addons/101.vpk"))) {
		t.Error("the file is stored twice")
	}
}

func inode(t *testing.T, file string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info
}
