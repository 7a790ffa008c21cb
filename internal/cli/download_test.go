package cli

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/left4me/left4me/internal/disk/disktest"
)

// A full local disk must not be reported as an unreachable left4me.
func TestDownloadReportsFullDisk(t *testing.T) {
	disktest.OnSmall(t, "256k", func(t *testing.T, dir string) {
		target := serveAPI(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte("x"), 1<<20)) })
		file := filepath.Join(dir, "monday.tar.zst")
		_, _, err := execute(t.Context(), target, nil, "backup", "download", "monday", file)
		if !errors.Is(err, syscall.ENOSPC) {
			t.Error(err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("files left behind: %v, %v", left, err)
		}
	})
}
