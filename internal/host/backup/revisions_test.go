package backup

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

// publish publishes a revision with files, and with hard links to other files.
func publish(t *testing.T, root string, job int, files, links map[string]string) (left4me.Revision, bool) {
	t.Helper()
	s := overlays.Open(root, -1)
	st, err := s.Stage(t.Context(), "maps", left4me.JobID(fmt.Sprint("job", job)))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for name, text := range files {
		write(t, filepath.Join(st.Dir(), name), text)
	}
	for name, file := range links {
		if err := st.Link(t.Context(), name, filepath.Join(root, file)); err != nil {
			t.Fatal(err)
		}
	}
	r, changed, err := s.Publish(t.Context(), st, overlays.Meta{By: "al"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r, changed
}

// After a restore, the current revision is still current and a labelled revision still exists. A
// revision without its workshop files must not count as complete.
func TestRestoreKeepsCurrentAndLabelledRevisions(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "snapshot.db"), "x")
	write(t, filepath.Join(root, "workshop_cache/7/1.vpk"), "from the workshop")
	shop := map[string]string{"left4dead2/addons/7.vpk": "workshop_cache/7/1.vpk"}
	for i := range 4 {
		publish(t, root, i, map[string]string{"left4dead2/a.cfg": fmt.Sprint(i), "left4dead2/same": "same"}, shop)
	}
	s := overlays.Open(root, -1)
	if err := s.Use("maps", 3); err != nil {
		t.Fatal(err)
	}
	if err := s.Label("maps", 1, "the first"); err != nil {
		t.Fatal(err)
	}
	archive, m := packed(t, Source{Root: root, Database: filepath.Join(root, "snapshot.db"), Head: Head{Format: Format, CreatedAt: noon}})
	for _, e := range m.Entries {
		if p := e.path(); strings.Contains(p, "/.") || strings.HasPrefix(p, "overlays/maps/2/") ||
			strings.HasPrefix(p, "overlays/maps/4/") || strings.HasSuffix(p, ".files") {
			t.Errorf("%s was packed unnecessarily", p)
		}
	}
	again := t.TempDir()
	if _, err := Restore(t.Context(), bytes.NewReader(archive), Target{Root: again, Now: noon}); err != nil {
		t.Fatal(err)
	}
	s = overlays.Open(again, -1)
	c, err := s.Get(t.Context(), "maps", 0, nil)
	if err != nil || c.Current != 3 || len(c.Revisions) != 2 || c.Revisions[1].Label != "the first" || c.Revisions[0].By != "al" {
		t.Fatalf("got %+v, %v", c, err)
	}
	one, err := os.Stat(filepath.Join(again, "overlays/maps/1/left4dead2/same"))
	if err != nil {
		t.Fatal(err)
	}
	if three, err := os.Stat(filepath.Join(again, "overlays/maps/3/left4dead2/same")); err != nil || !os.SameFile(one, three) {
		t.Errorf("files shared by two revisions are no longer shared: %v", err)
	}
	// Once the workshop file is downloaded again, a build creates another revision.
	write(t, filepath.Join(again, "workshop_cache/7/1.vpk"), "from the workshop")
	files := map[string]string{"left4dead2/a.cfg": "2", "left4dead2/same": "same"}
	if r, changed := publish(t, again, 9, files, shop); !changed || r.Number != 5 || r.Added != 1 || r.Changed != 0 {
		t.Errorf("got %+v, %t", r, changed)
	}
	one, err = os.Stat(filepath.Join(again, "overlays/maps/3/left4dead2/same"))
	if err != nil {
		t.Fatal(err)
	}
	if five, err := os.Stat(filepath.Join(again, "overlays/maps/5/left4dead2/same")); err != nil || !os.SameFile(one, five) {
		t.Errorf("the new revision does not share restored files: %v", err)
	}
	if r, changed := publish(t, again, 10, files, shop); changed {
		t.Errorf("got %+v", r)
	}
	if err := s.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(again, "overlays/maps/[24]*")); len(left) > 0 {
		t.Errorf("revisions left: %q", left)
	}
}
