package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/host/running/shim/shimtest"
	"github.com/left4me/left4me/internal/left4me"
)

// publishRevision publishes a revision with the given files, as a builder does.
func (d *depot) publishRevision(n left4me.Name, files map[string]string) left4me.Revision {
	d.t.Helper()
	d.jobs++
	st, err := d.agent.overlays.repo.Stage(d.t.Context(), n, left4me.JobID(fmt.Sprint("lay", d.jobs)))
	if err != nil {
		d.t.Fatal(err)
	}
	defer st.Close()
	for name, text := range files {
		file := filepath.Join(st.Dir(), name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			d.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			d.t.Fatal(err)
		}
	}
	r, _, err := d.agent.overlays.repo.Publish(d.t.Context(), st, overlays.Meta{}, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

// contentAsk sends a request to the agent and returns its answer.
func contentAsk[T any](d *depot, verb string, in any) (out T, err error) {
	err = d.bus.Request(d.t.Context(), bus.Command("local", verb), in, &out)
	return out, err
}

// showsRenamed checks that files of a renamed overlay are listed under its new name.
func (d *depot) showsRenamed(spec left4me.Spec) {
	d.t.Helper()
	r := bus.StackRequest{Spec: spec, Shown: bus.Shown{"maps": "campaigns"}, Filter: bus.Filter{Query: ".cfg"}}
	files, err := contentAsk[left4me.Page[left4me.TreeFile]](d, bus.VerbStack, r)
	for file, want := range map[string]string{"left4dead2/a.cfg": "overlay campaigns@1", "left4dead2/b.cfg": "overlay mods@1"} {
		i := slices.IndexFunc(files.Items, func(f left4me.TreeFile) bool { return f.Path == file })
		if i < 0 || files.Items[i].Layer != want {
			d.t.Errorf("%s is not listed for %s: %+v, %v", file, want, files, err)
		}
	}
}

func TestRunningServerKeepsItsRevisions(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "SIM_STEAM_BUILD=1")
	d.do(left4me.InstallGame)
	told := make(chan bus.Currents, 100)
	err := d.bus.Listen(t.Context(), bus.Broadcast("local", bus.KindContent), func(_ string, data []byte) {
		var c bus.Currents
		if json.Unmarshal(data, &c) == nil {
			told <- c
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	d.publishRevision("maps", map[string]string{"left4dead2/a.cfg": "1"})
	d.publishRevision("mods", map[string]string{"left4dead2/b.cfg": "1"})
	spec := left4me.Spec{Name: "alpha", Port: d.Port, Overlays: []left4me.OverlayRef{{Name: "mods", Revision: 1}, {Name: "maps"}}}
	d.done(d.ask(left4me.StartServer, "alpha", spec))
	want := []left4me.OverlayRef{{Name: "mods", Revision: 1}, {Name: "maps", Revision: 1}}
	if st := d.status("alpha"); !slices.Equal(st.Overlays, want) {
		t.Errorf("alpha runs with %v", st.Overlays)
	}

	// A revision published while the server runs does not affect it.
	d.publishRevision("maps", map[string]string{"left4dead2/a.cfg": "2"})
	c, err := contentAsk[left4me.Content](d, bus.VerbContent, bus.OverlayRequest{Overlay: "maps"})
	if err != nil || c.Current != 2 || !slices.Equal(c.Revisions[1].Servers, []left4me.Name{"alpha"}) || len(c.Revisions[0].Servers) != 0 {
		t.Errorf("got %+v, %v", c, err)
	}
	now, err := contentAsk[bus.Currents](d, bus.VerbCurrents, bus.Empty{})
	if err != nil || now.Revisions["maps"] != 2 || now.Revisions["mods"] != 1 {
		t.Errorf("got %+v, %v", now, err)
	}
	if _, err := contentAsk[left4me.Content](d, bus.VerbDropRev, bus.OverlayRequest{Overlay: "maps", Revision: 1}); err == nil ||
		!strings.Contains(err.Error(), "alpha") {
		t.Errorf("a mounted revision was deleted: %v", err)
	}
	r := d.end(d.ask(left4me.CollectContent, "local", bus.CollectSpec{}))
	if r.State != left4me.JobDone {
		t.Errorf("got %+v", r)
	}
	if r := d.end(d.ask(left4me.DeleteOverlay, "maps", nil)); r.State != left4me.JobFailed || r.Error == nil ||
		r.Error.Kind != left4me.Busy {
		t.Errorf("a mounted overlay was deleted: %+v", r)
	}
	if b, err := os.ReadFile(filepath.Join(d.Files.Root.Overlay("maps"), "1/left4dead2/a.cfg")); err != nil || string(b) != "1" {
		t.Errorf("got %q, %v", b, err)
	}

	// Return to the older revision, and set a label.
	if c, err = contentAsk[left4me.Content](d, bus.VerbUse, bus.OverlayRequest{Overlay: "maps", Revision: 1}); err != nil ||
		c.Current != 1 {
		t.Errorf("got %+v, %v", c, err)
	}
	shimtest.Until(t, "the change of the current revision is published", func() bool {
		select {
		case c := <-told:
			return c.Revisions["maps"] == 1
		default:
			return false
		}
	})
	if c, err = contentAsk[left4me.Content](d, bus.VerbLabel, bus.LabelRequest{Overlay: "maps", Revision: 2, Label: "x"}); err != nil ||
		c.Revisions[0].Label != "x" {
		t.Errorf("got %+v, %v", c, err)
	}
	page, err := contentAsk[left4me.Page[left4me.FileChange]](d, bus.VerbDiff, bus.DiffRequest{Overlay: "maps", From: 1, To: 2})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("got %+v, %v", page, err)
	}
	d.showsRenamed(spec)
	d.done(d.ask(left4me.StopServer, "alpha", spec))

	// No server uses the overlay: it can be deleted and restored.
	d.done(d.ask(left4me.DeleteOverlay, "maps", nil))
	if r := d.end(d.ask(left4me.StartServer, "alpha", spec)); r.State != left4me.JobFailed || r.Error == nil ||
		r.Error.Kind != left4me.NotFound {
		t.Errorf("the server started without its overlay: %+v", r)
	}
	all, err := contentAsk[[]left4me.Content](d, bus.VerbContents, bus.Empty{})
	if err != nil || len(all) != 2 || all[1].Name != "maps" || all[1].GoneAt.IsZero() {
		t.Errorf("got %+v, %v", all, err)
	}
	d.done(d.ask(left4me.DeleteOverlay, "maps", nil))
	d.done(d.ask(left4me.RestoreOverlay, "maps", nil))
	d.done(d.ask(left4me.RestoreOverlay, "maps", nil))
	if c, err = contentAsk[left4me.Content](d, bus.VerbContent, bus.OverlayRequest{Overlay: "maps"}); err != nil || c.Current != 1 ||
		len(c.Revisions) != 2 {
		t.Errorf("got %+v, %v", c, err)
	}
	d.done(d.ask(left4me.StartServer, "alpha", spec))
	d.done(d.ask(left4me.StopServer, "alpha", spec))
	if _, err = contentAsk[left4me.Content](d, bus.VerbDropRev, bus.OverlayRequest{Overlay: "maps", Revision: 2}); err != nil {
		t.Error(err)
	}
}

// A build that published its revision before left4me ended reports that when it runs again.
func TestPublishedBuildIsNotRepeated(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	st, err := d.agent.overlays.repo.Stage(t.Context(), "maps", "job1")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if err := os.WriteFile(filepath.Join(st.Dir(), "a"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.agent.overlays.repo.Publish(context.Background(), st, overlays.Meta{Job: "job1"}, nil); err != nil {
		t.Fatal(err)
	}
	spec := left4me.BuildSpec{
		Overlay: left4me.Overlay{Name: "maps", Kind: left4me.FilesOverlay},
		Promote: &left4me.Promote{Server: "none", Paths: []string{"x"}},
	}
	if r := d.done(d.ask(left4me.BuildOverlay, "maps", spec)); !strings.Contains(stepOf(r, left4me.StepPublishOverlay).Note, "revision 1") {
		t.Errorf("got %+v", r.Steps)
	}
	if r := d.end(d.ask(left4me.BuildOverlay, "maps", spec)); r.State != left4me.JobFailed {
		t.Errorf("another job: %+v", r)
	}
}
