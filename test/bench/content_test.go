//go:build bench

package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/host/content"
)

// Twenty overlays with the same 40 GB of campaigns, one for each of twenty
// servers, beside one; the campaigns are downloads of the workshop. They are
// nearly all hole, which costs the disk nothing and reading what it always costs.
func TestSharedCampaigns(t *testing.T) {
	const n, campaigns, size = 20, 20, 2 << 30
	root := t.TempDir()
	s := content.Open(root, -1)
	cache := filepath.Join(root, "workshop_cache")
	for c := range campaigns {
		file := filepath.Join(cache, fmt.Sprint(c), "1.vpk")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, fmt.Appendf(nil, "campaign %d", c), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(file, size); err != nil {
			t.Fatal(err)
		}
	}
	publish := func(k int) time.Duration {
		begin := time.Now()
		st, err := s.Stage(t.Context(), left4me.Name(fmt.Sprintf("campaigns-%d", k)), left4me.JobID(fmt.Sprint("job", k)))
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		for c := range campaigns {
			if err := st.Link(fmt.Sprintf("left4dead2/addons/%d.vpk", c), filepath.Join(cache, fmt.Sprint(c), "1.vpk")); err != nil {
				t.Fatal(err)
			}
		}
		if _, changed, err := s.Publish(t.Context(), st, content.Meta{}, nil); err != nil || !changed {
			t.Fatal(changed, err)
		}
		return time.Since(begin)
	}
	fmt.Println("\n| 40 GB of campaigns | |\n| --- | --- |")
	row("the first overlay: all is read and hashed", publish(0))
	unix.Sync()
	one, _ := usage(t, filepath.Join(root, "overlays"), cache)
	var others time.Duration
	for k := 1; k < n; k++ {
		others += publish(k)
	}
	row("each of the 19 others", others/(n-1))
	unix.Sync()
	all, _ := usage(t, filepath.Join(root, "overlays"), cache)
	row("one overlay, kB on disk", float64(one)/1e3)
	row("20 overlays, kB on disk", float64(all)/1e3)
	row("what a copy for each would take, GB", float64(n*campaigns*size)/1e9)
	begin := time.Now()
	list, err := s.List(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	row(fmt.Sprintf("list of %d overlays with what is shared", len(list)), time.Since(begin))
}
