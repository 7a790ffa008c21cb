package build

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/host/job"
)

// Linked files, such as downloads, are shared with others and must not be modified.
func TestLinkedTextIsReplacedNotModified(t *testing.T) {
	root := t.TempDir()
	st, err := overlays.Open(root, -1).Stage(t.Context(), "maps", "first")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	cached := filepath.Join(root, "cached")
	if err := os.WriteFile(cached, []byte("\ufeff"+"x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := st.Link(t.Context(), "left4dead2/cfg/a.cfg", cached); err != nil {
		t.Fatal(err)
	}
	b := &build{staging: st, p: job.Quiet("first")}
	if n, err := b.plainTexts(t.Context()); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if text, err := st.Root().ReadFile("left4dead2/cfg/a.cfg"); err != nil || string(text) != "x\n" {
		t.Errorf("staged file = %q, %v", text, err)
	}
	if text, err := os.ReadFile(cached); err != nil || string(text) != "\ufeff"+"x\n" {
		t.Errorf("cached file = %q, %v", text, err)
	}
}
