package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/host/content/archive"
	"github.com/left4me/left4me/internal/left4me"
)

func TestArchiveToolIsFound(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if c := archives(Config{}); c.State != left4me.CheckWarn || !strings.Contains(c.Text, "Deflate64") ||
		!strings.Contains(c.Mend, archive.ToolPackage) {
		t.Errorf("got %+v", c)
	}
	if err := os.WriteFile(filepath.Join(dir, "7z"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if c := archives(Config{}); c.State != left4me.CheckOK {
		t.Errorf("got %+v", c)
	}
}
