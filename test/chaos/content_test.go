package chaos

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/test/stage"
)

// After left4me is killed at any moment of an edit, the file holds either the complete new text or
// the old one, and no temporary files remain.
func TestKillDuringEditLeavesOldOrNewText(t *testing.T) {
	t.Parallel()
	s := stage.New(t, 32880, "SIM_PLAYERS=0")
	s.Serve(t)
	const path = "left4dead2/cfg/edited.cfg"
	edit := func(overlay string, text int) (job stage.Job) {
		t.Helper()
		s.Must(t, "PUT", "/overlays/"+overlay+"/file?path="+url.QueryEscape(path), text, &job)
		return job
	}
	holds := func(t *testing.T, overlay string) string {
		t.Helper()
		var f apitype.RevisionFile
		s.Must(t, "GET", "/overlays/"+overlay+"/revisions/current/file?path="+url.QueryEscape(path), nil, &f)
		return string(f.Data)
	}
	s.Must(t, "POST", "/overlays", map[string]string{"name": "mods", "kind": "files"}, nil)
	for _, overlay := range []string{"mods", "competitive-cfg"} { // the second was installed by hand
		if job := s.Ended(t, edit(overlay, -1).ID); job.State != "done" {
			t.Fatalf("got %+v", job.Error)
		}
		for n, after := range moments(0, 240*time.Millisecond, 4) {
			t.Run(fmt.Sprintf("%s/%s", overlay, after), func(t *testing.T) {
				before := holds(t, overlay)
				job := edit(overlay, n)
				wait := time.NewTimer(after)
				<-wait.C // the delay itself is under test
				s.Kill()
				s.Serve(t)
				job = s.Ended(t, job.ID)
				want := strconv.Itoa(n)
				if job.State != "done" {
					want = before
					if job.Error == nil || job.Error.Text == "" {
						t.Errorf("the job is %s without an error text", job.State)
					}
				}
				if got := holds(t, overlay); got != want {
					t.Errorf("the job is %s: the file holds %q, want %q", job.State, got, want)
				}
				var o apitype.Overlay
				s.Must(t, "GET", "/overlays/"+overlay, nil, &o)
				var known []string
				for _, r := range o.Content.Revisions {
					known = append(known, strconv.Itoa(r.Number))
				}
				if dirs := revisions(t, filepath.Join(s.Root, "overlays", overlay)); !slices.Equal(sorted(known), dirs) {
					t.Errorf("the API lists revisions %v, the disk holds %v", known, dirs)
				}
				stage.Until(t, "the job's temporary files are removed", func() bool {
					for _, pattern := range []string{"tmp/overlay-*", "tmp/upload-*", "tmp/gone-*", "overlays/.new/*", "overlays/.gone/*"} {
						if left, err := filepath.Glob(filepath.Join(s.Root, pattern)); err != nil || len(left) > 0 {
							return false
						}
					}
					return true
				})
			})
		}
	}
}

// revisions returns the names of the directories of an overlay, sorted as text.
func revisions(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			all = append(all, e.Name())
		}
	}
	return all
}

func sorted(all []string) []string {
	slices.Sort(all)
	return all
}
