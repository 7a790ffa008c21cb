//go:build bench

package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/test/stage"
)

// TestSharedCampaigns gives each of twenty servers an overlay with the same 40 GB of workshop
// campaigns and compares the cost with that of the first overlay. The files are almost entirely
// holes: they take no disk space, but reading them costs the full time.
func TestSharedCampaigns(t *testing.T) {
	const n, campaigns, size = 20, 20, 2 << 30
	site := stage.New(t, 28600, "SIM_PLAYERS=0", "SIM_MAP_LOAD=100ms")
	root := site.Root
	s := overlays.Open(root, -1)
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
			if err := st.Link(t.Context(), fmt.Sprintf("left4dead2/addons/%d.vpk", c),
				filepath.Join(cache, fmt.Sprint(c), "1.vpk")); err != nil {
				t.Fatal(err)
			}
		}
		if _, changed, err := s.Publish(t.Context(), st, overlays.Meta{}, nil); err != nil || !changed {
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

	begin = time.Now()
	site.Serve(t)
	row("start of left4me to ready", time.Since(begin))
	begin = time.Now()
	site.Must(t, "GET", "/overlays", nil, nil) // returns once the host has answered
	row("the first list over the API", time.Since(begin))
	begin = time.Now()
	for k := range n {
		name := fmt.Sprintf("s%02d", k)
		site.Must(t, "POST", "/servers", map[string]any{"name": name, "overlays": []string{fmt.Sprintf("campaigns-%d", k)}}, nil)
		site.Done(t, "start", name)
		v, _ := site.Server(name)
		for c := range campaigns {
			seen, err := os.Stat(fmt.Sprintf("/proc/%d/cwd/left4dead2/addons/%d.vpk", v.PID, c))
			if err != nil || seen.Size() != size {
				t.Fatal(seen, err)
			}
		}
	}
	row("create, start, ready: each of 20 servers", time.Since(begin)/n)
	unix.Sync()
	servers, _ := usage(t, filepath.Join(root, "instances"), filepath.Join(root, "logs"))
	for k := range n {
		upper, _ := usage(t, filepath.Join(root, "runtime", fmt.Sprintf("s%02d", k), "upper"))
		servers += upper
	}
	row("what 20 servers that run have besides, kB on disk", float64(servers)/1e3)
	site.Stop()
	begin = time.Now()
	site.Serve(t)
	row("start of left4me to ready, 20 servers run", time.Since(begin))
	begin = time.Now()
	site.Must(t, "GET", "/overlays", nil, nil)
	row("the first list over the API, 20 servers run", time.Since(begin))
	for k := range n {
		site.Done(t, "delete", fmt.Sprintf("s%02d", k))
	}
}
