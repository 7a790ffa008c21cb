package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

func TestDoctorListsFilesPutAside(t *testing.T) {
	root := t.TempDir()
	if all := asides(t.Context(), Config{Root: root}); len(all) != 1 || all[0].State != left4me.CheckOK {
		t.Errorf("nothing put aside: %+v", all)
	}
	want := []string{filepath.Join(root, "tmp", "aside-alpha-abcdefgh"), filepath.Join(root, "logs", ".aside-beta-abcdefgh")}
	for _, dir := range append(want, filepath.Join(root, "tmp", "upload-x"), filepath.Join(root, "runtime", "aside-1")) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	all := asides(t.Context(), Config{Root: root})
	if len(all) != len(want) {
		t.Fatalf("got %+v", all)
	}
	for i, c := range all {
		if c.State != left4me.CheckWarn || !strings.Contains(c.Text, want[i]) || !strings.Contains(c.Mend, "rm -rf "+want[i]) {
			t.Errorf("got %+v, want a warning with %s", c, want[i])
		}
	}
}
