package disk_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/left4me"
)

func TestFullDiskErrorNamesPathAndBytes(t *testing.T) {
	dir := t.TempDir()
	there := filepath.Join(dir, "not", "made", "yet")
	for name, c := range map[string]struct {
		err  error
		text string
	}{
		"a file": {&os.PathError{Op: "write", Path: there, Err: unix.ENOSPC}, "^disk full: " + there + ` has [0-9.]+ \S+ free$`},
		"a link": {
			&os.LinkError{Op: "rename", Old: "/a", New: there, Err: unix.ENOSPC},
			"^disk full: " + there + ` has [0-9.]+ \S+ free$`,
		},
		"a quota":      {&os.PathError{Op: "write", Path: there, Err: unix.EDQUOT}, "^disk quota exceeded: " + there + "$"},
		"no path":      {unix.ENOSPC, "^disk full$"},
		"below a root": {&os.PathError{Op: "openat", Path: "a/b", Err: unix.ENOSPC}, "^disk full$"},
		"said already": {disk.Full(there, 3<<20, nil), "^disk full: " + there + ` has [0-9.]+ \S+ free, 3.0 MiB needed$`},
	} {
		t.Run(name, func(t *testing.T) {
			e, ok := left4me.Public(disk.Explain(fmt.Errorf("start alpha: %w", c.err)))
			if !ok || e.Kind != left4me.DiskFull || !regexp.MustCompile(c.text).MatchString(e.Text) ||
				!strings.Contains(e.Hint, "try again") {
				t.Errorf("got %+v, want %s", e, c.text)
			}
			if !errors.Is(e, unix.ENOSPC) && !errors.Is(e, unix.EDQUOT) {
				t.Errorf("the cause is lost: %v", e.Err)
			}
		})
	}
	if err := errors.New("other"); disk.Explain(err) != err { //nolint:errorlint // must be the identical error
		t.Error("another error is changed")
	}
}
