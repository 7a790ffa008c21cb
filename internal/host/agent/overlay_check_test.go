package agent

import (
	"archive/zip"
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/sim/installation"
)

// packed returns a VPK with one file.
func packed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := installation.WritePack(&b, []installation.PackFile{{Name: "sound/a.wav", Data: []byte(text)}}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// zipOf returns a zip of files that are stored uncompressed.
func zipOf(t *testing.T, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = w.Write([]byte(files[name]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// warned lists warnings by code and file.
func warned(all []left4me.Warning) (list []string) {
	for _, w := range all {
		if w.Kind == left4me.WarnBroken || w.Kind == left4me.WarnIncomplete {
			list = append(list, fmt.Sprintf("%s: %s", strings.TrimPrefix(w.Path, "left4dead2/addons/"), w.Code))
		}
	}
	slices.Sort(list)
	return list
}

func (d *depot) plan(c left4me.Change) left4me.Plan {
	d.t.Helper()
	p, err := d.agent.builds.PlanUpload(d.t.Context(), bus.PlanRequest{Overlay: "maps", Change: c})
	if err != nil {
		d.t.Fatal(err)
	}
	return p
}

// The preview of an upload must report the same damage as the revision.
func TestPlanReportsDamagedAddons(t *testing.T) {
	t.Parallel()
	good := packed(t, "some data")
	files := map[string]string{
		"good.vpk":    good,
		"sums.vpk":    good[:len(good)-1] + "x",
		"short.vpk":   good[:len(good)-3],
		"nothing.vpk": "<html>not found</html>",
		"lone.vpk":    strings.Replace(good, "\xff\x7f", "\x00\x00", 1), // its data is in another file
		// An add-on in two files that is complete.
		"many_dir.vpk": strings.Replace(packed(t, "other data"), "\xff\x7f", "\x00\x00", 1),
		"many_000.vpk": "other data",
	}
	want := []string{
		"lone.vpk: addon.parts_missing", "nothing.vpk: addon.unreadable", "short.vpk: addon.truncated", "sums.vpk: addon.checksums_wrong",
	}
	for id, sent := range map[string]map[string]string{
		"loose": files,
		"zip":   {"all.zip": zipOf(t, files)},
		"zips":  {"a.zip": zipOf(t, files), "b.zip": zipOf(t, map[string]string{"cfg/x.cfg": "x"})},
	} {
		d := newDepot(t)
		c := left4me.Change{Upload: d.send(id, sent)}
		for range 2 { // the second preview uses the result of the first
			p := d.plan(c)
			if diff := cmp.Diff(want, warned(p.Warnings)); diff != "" || p.Problem != nil || p.Unread != 0 {
				t.Errorf("%s: %v, unread %d %s", id, p.Problem, p.Unread, diff)
			}
		}
		r := d.change(c)
		if r.State != left4me.JobDone {
			t.Fatalf("%s: got %+v", id, r.Error)
		}
		if log := strings.Join(r.Log, "\n"); !strings.Contains(log, "problem in left4dead2/addons/short.vpk: the add-on is truncated") {
			t.Errorf("%s: the log of the build does not name the damaged files:\n%s", id, log)
		}
		if diff := cmp.Diff(want, warned(d.overlay("maps").Revisions[0].Warnings)); diff != "" {
			t.Errorf("%s: the revision has other warnings: %s", id, diff)
		}
	}
}

func TestPlanRefusesDamagedArchive(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	whole := zipOf(t, map[string]string{"cfg/a.cfg": "first", "cfg/b.cfg": "the text of b"})
	damaged := strings.Replace(whole, "the text of b", "the next of b", 1)
	for id, test := range map[string]struct{ sent, want string }{
		"sums":  {damaged, `entry "cfg/b.cfg" is damaged`},
		"short": {whole[:len(whole)-10], "incomplete"},
	} {
		c := left4me.Change{Upload: d.send(id, map[string]string{"a.zip": test.sent})}
		p := d.plan(c)
		if p.Problem == nil {
			t.Errorf("%s: got no problem", id)
			continue
		}
		if !strings.Contains(p.Problem.Text, test.want) || p.Problem.Hint == "" {
			t.Errorf("%s: got %v", id, p.Problem)
		}
		r := d.change(c)
		if r.Error == nil || r.Error.Text != p.Problem.Text {
			t.Errorf("%s: got %v, want the error of the preview, %v", id, r.Error, p.Problem)
		}
	}
}
