package agent

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/sim/installation"
)

// send stores an upload in the panel's directory for uploads.
func (d *depot) send(id string, files map[string]string) string {
	d.t.Helper()
	id += strings.Repeat("a", 26-len(id))
	dir := filepath.Join(string(d.Root.Root), "tmp", "upload-"+id)
	for name, text := range files {
		file := filepath.Join(dir, "files", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			d.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			d.t.Fatal(err)
		}
	}
	return id
}

// change runs a job that changes the overlay maps.
func (d *depot) change(c left4me.Change) bus.JobReport {
	d.t.Helper()
	return d.end(d.ask(left4me.BuildOverlay, "maps",
		left4me.BuildSpec{Overlay: left4me.Overlay{Name: "maps", Kind: left4me.FilesOverlay}, By: "ann", Change: &c}))
}

// checkRevision checks the number and the files of the current revision of maps.
func (d *depot) checkRevision(number int, want map[string]string) {
	d.t.Helper()
	now, files, err := d.agent.overlays.repo.Manifest(d.t.Context(), "maps", 0)
	if err != nil || now != number {
		d.t.Fatalf("got revision %d, %v, want %d", now, err, number)
	}
	got := map[string]string{}
	for _, e := range files {
		if e.Dir {
			continue
		}
		a, err := d.agent.overlays.repo.File(bus.FileRequest{Overlay: "maps", Path: e.Path})
		if err != nil {
			d.t.Fatal(err)
		}
		got[e.Path] = string(a.Data)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		d.t.Error(diff)
	}
}

func (d *depot) uploads() []string {
	d.t.Helper()
	all, err := filepath.Glob(filepath.Join(string(d.Root.Root), "tmp", "*"))
	if err != nil {
		d.t.Fatal(err)
	}
	return all
}

func TestConcurrentEditOfOverlayIsRefused(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	var z bytes.Buffer
	w := zip.NewWriter(&z)
	for name, text := range map[string]string{
		"x-1/addons/a.txt":   "a1",
		"x-1/cfg/server.cfg": "s1",
		"x-1/cfg/other.cfg":  "o1",
		"x-1/readme.md":      "",
	} {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if r := d.change(left4me.Change{
		Upload:  d.send("z", map[string]string{"x.zip": z.String()}),
		Replace: true,
	}); r.State != left4me.JobDone {
		t.Fatalf("got %+v", r.Error)
	}
	d.checkRevision(1,
		map[string]string{"left4dead2/addons/a.txt": "a1", "left4dead2/cfg/server.cfg": "s1", "left4dead2/cfg/other.cfg": "o1"})
	exact := left4me.Import{Exact: true}
	edit := func(file, text string, base int) bus.JobReport {
		return d.change(left4me.Change{Upload: d.send("e", map[string]string{"left4dead2/" + file: text}), Import: exact, Base: base})
	}
	// Two users who both create the first revision must not overwrite each other either.
	first := func(text string, base int) bus.JobReport {
		up := d.send("f", map[string]string{"left4dead2/cfg/server.cfg": text})
		return d.end(d.ask(left4me.BuildOverlay, "mods", left4me.BuildSpec{
			Overlay: left4me.Overlay{Name: "mods", Kind: left4me.FilesOverlay},
			Change:  &left4me.Change{Upload: up, Import: exact, Base: base},
		}))
	}
	if r := first("theirs", left4me.NoRevision); r.State != left4me.JobDone {
		t.Fatalf("got %+v", r.Error)
	}
	if r := first("mine", left4me.NoRevision); r.State != left4me.JobFailed || r.Error.Kind != left4me.Conflict ||
		!strings.Contains(r.Error.Text, "revision 1 changed") {
		t.Errorf("got %+v", r)
	}
	if got := d.text("mods", "left4dead2/cfg/server.cfg"); got != "theirs" {
		t.Errorf("got %q", got)
	}
	// A failed upload stays for another attempt with other options, unless it is marked to be used
	// once.
	if left := d.uploads(); len(left) != 1 {
		t.Errorf("got %v", left)
	}
	d.change(left4me.Change{Upload: d.send("o", map[string]string{"left4dead2/cfg/nul.cfg": "x"}), Import: exact, Once: true})
	if left := d.uploads(); len(left) != 1 {
		t.Errorf("got %v", left)
	}
	// Both edits are based on revision 1. Changes to different files are merged.
	if r := edit("cfg/server.cfg", "s2", 1); r.State != left4me.JobDone {
		t.Fatalf("got %+v", r.Error)
	}
	if r := edit("cfg/other.cfg", "o2", 1); r.State != left4me.JobDone {
		t.Fatalf("got %+v", r.Error)
	}
	now := map[string]string{"left4dead2/addons/a.txt": "a1", "left4dead2/cfg/server.cfg": "s2", "left4dead2/cfg/other.cfg": "o2"}
	d.checkRevision(3, now)
	// Changes to the same file, or to a file that the other edit removes, are not merged.
	for what, r := range map[string]bus.JobReport{
		"the same file":   edit("cfg/server.cfg", "mine", 1),
		"its removal":     d.change(left4me.Change{Delete: []string{"left4dead2/cfg/server.cfg"}, Base: 1}),
		"its directory's": d.change(left4me.Change{Delete: []string{"left4dead2/cfg"}, Base: 1}),
		"everything":      d.change(left4me.Change{Upload: d.send("r", map[string]string{"addons/b.txt": ""}), Replace: true, Base: 2}),
	} {
		if r.State != left4me.JobFailed || r.Error == nil || r.Error.Kind != left4me.Conflict ||
			!strings.Contains(r.Error.Text, "left4dead2/cfg/") {
			t.Errorf("%s: got %+v", what, r)
		} else if by := map[bool]string{true: "revision 2", false: "revision 3"}[strings.HasPrefix(what, "the") ||
			what == "its removal"]; !strings.Contains(r.Error.Text, by) {
			t.Errorf("%s: got %s", what, r.Error.Text)
		}
	}
	d.checkRevision(3, now)
	// A change without a base revision is applied unconditionally.
	if r := d.change(left4me.Change{Delete: []string{"left4dead2/cfg"}}); r.State != left4me.JobDone {
		t.Fatalf("got %+v", r.Error)
	}
	d.checkRevision(4, map[string]string{"left4dead2/addons/a.txt": "a1"})
	if r := d.change(left4me.Change{Delete: []string{"left4dead2/cfg"}}); r.State != left4me.JobFailed || r.Error.Kind != left4me.NotFound {
		t.Errorf("got %+v", r)
	}
}

func TestPublishedUploadIsRemoved(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	id := d.send("u", map[string]string{"a.vpk": "x"})
	parts := filepath.Join(string(d.Root.Root), "tmp", "upload-"+id, "parts")
	if err := os.MkdirAll(parts, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(parts, "0"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := d.change(left4me.Change{Upload: id}); r.State != left4me.JobFailed || r.Error.Kind != left4me.Invalid {
		t.Errorf("incomplete upload: %+v", r)
	}
	if err := os.Remove(filepath.Join(parts, "0")); err != nil {
		t.Fatal(err)
	}
	spec := left4me.BuildSpec{Overlay: left4me.Overlay{Name: "maps", Kind: left4me.FilesOverlay}, Change: &left4me.Change{Upload: id}}
	built := d.ask(left4me.BuildOverlay, "maps", spec)
	if r := d.end(built); r.State != left4me.JobDone {
		t.Fatalf("got %+v", r.Error)
	}
	if left := d.uploads(); len(left) != 0 {
		t.Errorf("upload files left: %v", left)
	}
	d.checkRevision(1, map[string]string{"left4dead2/addons/a.vpk": "x"})
	// The job runs again although its upload has been removed.
	p := job.Quiet(built)
	if err := d.agent.builds.Build(t.Context(), built, spec, p); err != nil {
		t.Error(err)
	}
	d.checkRevision(1, map[string]string{"left4dead2/addons/a.vpk": "x"})
	for _, bad := range []string{id, "../../../etc", "x", strings.Repeat("A", 26)} {
		if r := d.change(left4me.Change{Upload: bad}); r.State != left4me.JobFailed || r.Error.Kind != left4me.NotFound {
			t.Errorf("%s: got %+v", bad, r)
		}
	}
}

func TestRejectedUploadCreatesNothing(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	id := d.send("b", map[string]string{"maps.zip": "PK\x03\x04 and then it was cut off"})
	if r := d.change(left4me.Change{Upload: id}); r.State != left4me.JobFailed || r.Error.Kind != left4me.Invalid ||
		!strings.Contains(r.Error.Text, "maps.zip") {
		t.Errorf("got %+v", r)
	}
	if left := d.uploads(); len(left) != 1 {
		t.Errorf("got files %v, want only the upload", left)
	}
	if _, err := os.Stat(d.Files.Root.Overlay("maps")); err == nil {
		t.Error("an overlay was created")
	}
}

func TestPlanWritesNothing(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	d.publishRevision("maps", map[string]string{"left4dead2/addons/a.vpk": "old", "left4dead2/addons/b.vpk": "old"})
	d.publishRevision("maps", map[string]string{"left4dead2/addons/a.vpk": "new", "left4dead2/addons/b.vpk": "old"})
	id := d.send("p", map[string]string{"a.VPK": "x", "c.vpk": "xy", "notes.txt": ""})
	p, err := contentAsk[left4me.Plan](d, bus.VerbPlan, bus.PlanRequest{Overlay: "maps", Change: left4me.Change{Upload: id}})
	want := []left4me.PlanFile{
		{Path: "left4dead2/addons/a.vpk", From: "a.VPK", Size: 1, Over: true, Why: "an add-on", Reason: left4me.NewNote("placement.addon")},
		{Path: "left4dead2/addons/c.vpk", From: "c.vpk", Size: 2, Why: "an add-on", Reason: left4me.NewNote("placement.addon")},
	}
	if err != nil || p.Problem != nil || cmp.Diff(want, p.Files) != "" || p.Count != 2 || p.Bytes != 3 || len(p.Skipped) != 1 {
		t.Errorf("got %+v, %v", p, err)
	}
	p, err = contentAsk[left4me.Plan](d, bus.VerbPlan, bus.PlanRequest{Overlay: "maps", Change: left4me.Change{Upload: id, Base: 1}})
	if err != nil || p.Problem == nil || p.Problem.Kind != left4me.Conflict || p.Count != 2 {
		t.Errorf("got %+v, %v", p, err)
	}
	bad := d.send("q", map[string]string{"docs/a.png": "", "docs/readme.txt": ""})
	p, err = contentAsk[left4me.Plan](d, bus.VerbPlan, bus.PlanRequest{Overlay: "new", Change: left4me.Change{Upload: bad}})
	if err != nil || p.Problem == nil || p.Problem.Field != "files" || len(p.Left) != 1 || p.Left[0].Count != 2 || len(p.Dirs) == 0 {
		t.Errorf("got %+v, %v", p, err)
	}
	if _, err = contentAsk[left4me.Plan](d, bus.VerbPlan,
		bus.PlanRequest{Overlay: "maps", Change: left4me.Change{Upload: strings.Repeat("b", 26)}}); err == nil {
		t.Error("a plan was made for a missing upload")
	}
	if left := d.uploads(); len(left) != 2 {
		t.Errorf("got files %v, want the two uploads", left)
	}
}

func TestDamagedAddonIsReportedUntilReplaced(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	pack := func(text string) []byte {
		var b bytes.Buffer
		if err := installation.WritePack(&b, []installation.PackFile{{Name: "sound/a.wav", Data: []byte(text)}}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	good := pack("some data")
	damaged := bytes.Clone(good)
	damaged[len(damaged)-1] ^= 1
	warned := func() (n int) {
		t.Helper()
		c := d.overlay("maps")
		for _, w := range c.Revisions[0].Warnings {
			if w.Kind == left4me.WarnBroken && w.Path == "left4dead2/addons/a.vpk" && strings.Contains(w.Text, "sound/a.wav") {
				n++
			}
		}
		return n
	}
	for i, step := range []struct {
		files  map[string]string
		warned int
	}{
		{map[string]string{"left4dead2/addons/a.vpk": string(damaged), "left4dead2/addons/b.vpk": string(pack("other"))}, 1},
		{map[string]string{"left4dead2/cfg/server.cfg": "x"}, 1}, // the damaged add-on is unchanged
		{map[string]string{"left4dead2/addons/a.vpk": string(good)}, 0},
	} {
		id := d.send(fmt.Sprint("p", i+2), step.files)
		if r := d.change(left4me.Change{Upload: id, Import: left4me.Import{Exact: true}}); r.State != left4me.JobDone {
			t.Fatalf("%d: got %+v", i, r.Error)
		}
		if got := warned(); got != step.warned {
			t.Errorf("step %d: got %d warnings: %+v", i, got, d.overlay("maps").Revisions[0].Warnings)
		}
	}
}

// The title of a campaign, by which a new overlay is named, is known before its upload is published.
func TestPlanHasTitleOfUpload(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	pack := func(files ...installation.PackFile) string {
		var b bytes.Buffer
		if err := installation.WritePack(&b, files); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	info := installation.PackFile{Name: "addoninfo.txt", Data: []byte(`AddonInfo { addontitle "An add-on" }`)}
	mission := installation.PackFile{
		Name: "missions/harbour.txt", Data: []byte(`mission { Name harbour DisplayTitle "Newcomer Harbour" modes { coop { 1 { Map h1 } } } }`),
	}
	for want, files := range map[string]map[string]string{
		"Newcomer Harbour": {"x/a.vpk": "not a VPK", "x/b.VPK": pack(info, mission)},
		"An add-on":        {"c.vpk": pack(info)},
		"":                 {"cfg/server.cfg": "x", "d.vpk": pack(installation.PackFile{Name: "a.txt"})},
	} {
		id := d.send(string(rune('b'+len(want))), files)
		p, err := contentAsk[left4me.Plan](d, bus.VerbPlan, bus.PlanRequest{Overlay: "new", Change: left4me.Change{Upload: id}})
		if err != nil || p.Title != want {
			t.Errorf("title %q, %v, want %q", p.Title, err, want)
		}
	}
}
