package api

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFullDiskIsReportedAsSuch(t *testing.T) {
	err := fmt.Errorf("write configuration: %w", &os.PathError{Op: "write", Path: t.TempDir() + "/a", Err: unix.ENOSPC})
	if p := problemOf(t.Context(), err); p.Status != http.StatusInsufficientStorage || !strings.HasPrefix(p.Detail, "disk full: /") ||
		p.Hint == "" {
		t.Errorf("got %+v", p)
	}
}
