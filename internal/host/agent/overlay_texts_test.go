package agent

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	bom  = "\ufeff"
	wide = "\xff\xfes\x00v\x00_\x00c\x00h\x00e\x00a\x00t\x00s\x00 \x000\x00\r\x00\n\x00"
)

func (d *depot) texts(c left4me.Change, o left4me.Overlay) bus.JobReport {
	d.t.Helper()
	return d.done(d.ask(left4me.BuildOverlay, "maps", left4me.BuildSpec{Overlay: o, By: "ann", Note: "why", Change: &c}))
}

func (d *depot) revision(number int) left4me.Revision {
	d.t.Helper()
	c, err := d.agent.overlays.repo.Get(d.t.Context(), "maps", number, overlays.Used{})
	if err != nil {
		d.t.Fatal(err)
	}
	for _, r := range c.Revisions {
		if r.Number == number || number == 0 && r.Number == c.Current {
			return r
		}
	}
	d.t.Fatal("no such revision")
	return left4me.Revision{}
}

func texts(all []left4me.Warning) map[string]bool {
	got := map[string]bool{}
	for _, w := range all {
		if w.Kind == left4me.WarnText {
			got[w.Path] = w.Fix
		}
	}
	return got
}

// Every builder removes byte order marks, converts UTF-16 and reports both, unless the user turned
// that off. Files outside the directories that the game reads as text, and files that are not text,
// stay unchanged.
func TestTextsAreSavedAsUTF8ByDefault(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	files := map[string]string{
		"left4dead2/cfg/a.cfg": bom + "sv_cheats 0\r\n", "left4dead2/cfg/b.cfg": wide, "left4dead2/resource/x_english.txt": wide,
		"left4dead2/addons/readme.txt": bom + "x", "left4dead2/cfg/plain.cfg": "sv_cheats 0\n",
	}
	plain := left4me.Overlay{Name: "maps", Kind: left4me.FilesOverlay}
	r := d.texts(left4me.Change{Upload: d.send("one", files), Import: left4me.Import{Exact: true}}, plain)
	repaired := map[string]string{}
	for p, text := range files {
		repaired[p] = text
	}
	repaired["left4dead2/cfg/a.cfg"], repaired["left4dead2/cfg/b.cfg"] = "sv_cheats 0\r\n", "sv_cheats 0\r\n"
	d.checkRevision(1, repaired)
	if s := stepOf(r, left4me.StepInspect); !strings.Contains(s.Note, "2 texts saved as UTF-8") {
		t.Errorf("got %+v", s)
	}
	if log := strings.Join(r.Log, "\n"); !strings.Contains(log,
		"saved left4dead2/cfg/b.cfg as UTF-8 without a byte order mark: the file is UTF-16") {
		t.Error(log)
	}
	if rev := d.revision(1); rev.Note != "why; saved as UTF-8: a.cfg, b.cfg" || len(texts(rev.Warnings)) > 0 {
		t.Errorf("got %+v", rev)
	}
	// Uploading the same files again creates no revision.
	d.texts(left4me.Change{Upload: d.send("two", files), Import: left4me.Import{Exact: true}, Replace: true}, plain)
	d.checkRevision(1, repaired)
	// Texts can be left unchanged for one upload or for the whole overlay.
	d.texts(left4me.Change{Upload: d.send("three", files), Import: left4me.Import{Exact: true, Texts: left4me.TextsAsIs}, Replace: true},
		plain)
	d.checkRevision(2, files)
	if d := cmp.Diff(map[string]bool{"left4dead2/cfg/a.cfg": true, "left4dead2/cfg/b.cfg": true}, texts(d.revision(2).Warnings)); d != "" {
		t.Error(d)
	}
	kept := plain
	kept.Texts = left4me.TextsAsIs
	d.texts(left4me.Change{
		Upload: d.send("four", map[string]string{"left4dead2/cfg/c.cfg": bom + "x\n"}),
		Import: left4me.Import{Exact: true},
	}, kept)
	files["left4dead2/cfg/c.cfg"] = bom + "x\n"
	d.checkRevision(3, files)
}

func TestPromotedTextsAreSavedAsUTF8(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	data := filepath.Join(filepath.Dir(d.startedOnce("alpha")), "cfg")
	if err := os.MkdirAll(data, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "a.cfg"), []byte(bom+"x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	spec := promoted("alpha", "left4dead2/cfg")
	spec.Overlay.Name = "maps"
	d.done(d.ask(left4me.BuildOverlay, "maps", spec))
	d.checkRevision(1, map[string]string{"left4dead2/cfg/a.cfg": "x\n"})
	if b, err := os.ReadFile(filepath.Join(data, "a.cfg")); err != nil || string(b) != bom+"x\n" {
		t.Errorf("the server's own file is now %q, %v", b, err)
	}
}

// A repair creates a revision; the previous revision keeps the original texts. It works for
// overlays of all kinds and does not change their source.
func TestRepairCreatesRevisionAndKeepsOriginal(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	const admins = "left4dead2/addons/sourcemod/configs/admins_simple.ini"
	files := map[string]string{
		"left4dead2/cfg/a.cfg": bom + "hostname “x”\n", "left4dead2/cfg/sub/b.cfg": wide,
		"left4dead2/cfg/long.cfg": "say " + strings.Repeat("x", 600),
		admins:                    "\"76561198000000001\" \"99:z\"\n\"STEAM_1:5:5\" \"z\"\n",
	}
	plain := left4me.Overlay{Name: "maps", Kind: left4me.FilesOverlay}
	d.texts(left4me.Change{Upload: d.send("one", files), Import: left4me.Import{Exact: true, Texts: left4me.TextsAsIs}}, plain)
	d.checkRevision(1, files)

	r := d.texts(left4me.Change{Repair: []string{"left4dead2/cfg/sub"}}, plain)
	want := map[string]string{}
	for p, text := range files {
		want[p] = text
	}
	want["left4dead2/cfg/sub/b.cfg"] = "sv_cheats 0\r\n"
	d.checkRevision(2, want)
	if s := stepOf(r, left4me.StepRepairTexts); s.Note != "1 file" {
		t.Errorf("got %+v", s)
	}

	git := left4me.Overlay{Name: "maps", Kind: left4me.GitOverlay, Git: &left4me.Git{URL: "https://example.org/x"}}
	r = d.texts(left4me.Change{Repair: []string{"."}}, git)
	want["left4dead2/cfg/a.cfg"], want[admins] = "hostname \"x\"\n", "\"STEAM_1:1:19867136\" \"99:z\"\n\"STEAM_1:5:5\" \"z\"\n"
	d.checkRevision(3, want)
	log := strings.Join(r.Log, "\n")
	for _, said := range []string{
		"repaired left4dead2/cfg/a.cfg: the file begins with a byte order mark",
		"repaired left4dead2/cfg/a.cfg: line 1: typographic", "repaired " + admins + ": line 1: SourceMod treats this identity",
	} {
		if !strings.Contains(log, said) {
			t.Errorf("the log lacks %q:\n%s", said, log)
		}
	}
	rev := d.revision(3)
	if rev.Note != "why; repaired: admins_simple.ini, a.cfg" {
		t.Error(rev.Note)
	}
	if d := cmp.Diff(map[string]bool{"left4dead2/cfg/long.cfg": false, admins: false}, texts(rev.Warnings)); d != "" {
		t.Error(d)
	}
	a, err := d.agent.overlays.repo.File(bus.FileRequest{Overlay: "maps", Revision: 1, Path: "left4dead2/cfg/a.cfg"})
	if err != nil || string(a.Data) != files["left4dead2/cfg/a.cfg"] {
		t.Errorf("got %q, %v", a.Data, err)
	}
	d.texts(left4me.Change{Repair: []string{"."}}, git)
	d.checkRevision(3, want)
}

// A repaired revision keeps its Git or workshop origin. Without the origin, the next check would
// build the overlay again.
func TestRepairKeepsOrigin(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	st, err := d.agent.overlays.repo.Stage(t.Context(), "maps", "first")
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Root().MkdirAll("left4dead2/cfg", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := st.Root().WriteFile("left4dead2/cfg/a.cfg", []byte("hostname “x”\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, _, err = d.agent.overlays.repo.Publish(t.Context(), st, overlays.Meta{Origin: "abc", Items: []left4me.WorkshopState{{ID: "1"}}}, nil)
	if err != nil || st.Close() != nil {
		t.Fatal(err)
	}
	d.texts(left4me.Change{Repair: []string{"left4dead2/cfg/a.cfg"}}, left4me.Overlay{Name: "maps", Kind: left4me.GitOverlay})
	d.checkRevision(2, map[string]string{"left4dead2/cfg/a.cfg": "hostname \"x\"\n"})
	if r := d.revision(0); r.Origin != "abc" || len(r.Items) != 1 {
		t.Errorf("got %+v", r)
	}
	if _, m, err := d.agent.overlays.repo.Manifest(t.Context(), "maps", 0); err != nil || !m[len(m)-1].Exec {
		t.Errorf("got %+v, %v", m, err)
	}
}

// The plan of an upload lists the texts that its build repairs, for every format of an upload.
func TestPlanListsTextsToRepair(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	long := "hostname \"" + strings.Repeat("ä", 5000) + "\"\n"
	files := []struct{ name, text string }{
		{"pack/left4dead2/cfg/a.cfg", bom + "x\n"},
		{"pack/left4dead2/cfg/plain.cfg", "x\n"},
		{"pack/left4dead2/maps/a.nav", wide},
		{"pack/left4dead2/cfg/b.cfg", wide},
		{"pack/left4dead2/cfg/long.cfg", bom + long},
	}
	var zipped, tarred bytes.Buffer
	z, tr := zip.NewWriter(&zipped), tar.NewWriter(&tarred)
	loose := map[string]string{}
	for _, f := range files {
		loose[f.name] = f.text
		w, err := z.Create(f.name)
		if err == nil {
			_, err = w.Write([]byte(f.text))
		}
		if err = errors.Join(err,
			tr.WriteHeader(&tar.Header{Name: f.name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(f.text))})); err == nil {
			_, err = tr.Write([]byte(f.text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(z.Close(), tr.Close()); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"left4dead2/cfg/a.cfg: the file begins with a byte order mark: the game takes the mark for a part of the first command and does " +
			"not run it",
		"left4dead2/cfg/b.cfg: the file is UTF-16: the game runs no command of the file",
		"left4dead2/cfg/long.cfg: the file begins with a byte order mark: the game takes the mark for a part of the first command and " +
			"does not run it",
	}
	for id, sent := range map[string]map[string]string{
		"zip":   {"a.zip": zipped.String()},
		"tar":   {"a.tar": tarred.String()},
		"loose": loose,
	} {
		change := left4me.Change{Upload: d.send(id, sent)}
		plan, err := d.agent.builds.PlanUpload(t.Context(), bus.PlanRequest{Overlay: "maps", Change: change})
		slices.Sort(plan.Repairs)
		if d := cmp.Diff(want, plan.Repairs); d != "" || err != nil {
			t.Errorf("%s: got %v %s", id, err, d)
		}
		change.Import.Texts = left4me.TextsAsIs
		if plan, err = d.agent.builds.PlanUpload(t.Context(), bus.PlanRequest{Overlay: "maps", Change: change}); err != nil ||
			len(plan.Repairs) > 0 {
			t.Errorf("%s: got %v, %v", id, plan.Repairs, err)
		}
		change.Import.Texts = ""
		r := d.texts(change, left4me.Overlay{Name: "maps", Kind: left4me.FilesOverlay})
		if id == "zip" && !strings.Contains(stepOf(r, left4me.StepInspect).Note, "3 texts saved as UTF-8") {
			t.Errorf("got %+v", r.Steps)
		}
	}
}
