//go:build bench

package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/host/running/overlayfs"
	"github.com/left4me/left4me/sim/installation"
	"github.com/left4me/left4me/test/stage"
)

// TestMount mounts a stack of layers as the shim and the root helper do. The reference is mount(8),
// whose single page of options limits it to about sixty layers.
func TestMount(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may mount")
	}
	fmt.Println("\n| layers | overlayfs.Mount | mount(8) | ratio |\n| --- | --- | --- | --- |")
	for _, n := range []int{1, 10, 100, 500} {
		root, layers := stack(t, n)
		r, err := overlayfs.OpenRoot(root)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var ours, theirs []time.Duration
		merged := filepath.Join(root, "runtime", "alpha", "merged")
		for range 9 {
			begin := time.Now()
			if err := r.Mount("alpha"); err != nil {
				t.Fatal(err)
			}
			ours = append(ours, time.Since(begin))
			if err := r.Unmount("alpha"); err != nil {
				t.Fatal(err)
			}
			if n > 50 {
				continue
			}
			begin = time.Now()
			run(t, "mount", "-t", "overlay", "overlay", "-o", "userxattr,lowerdir="+strings.Join(layers, ":")+
				",upperdir="+filepath.Join(root, "runtime/alpha/upper")+",workdir="+filepath.Join(root, "runtime/alpha/work"), merged)
			theirs = append(theirs, time.Since(begin))
			run(t, "umount", merged)
		}
		a := median(ours)
		if n > 50 {
			row(n, a, "can't", "")
			continue
		}
		b := median(theirs)
		row(n, a, b, float64(a)/float64(b))
	}
}

func stack(t *testing.T, n int) (root string, layers []string) {
	t.Helper()
	root = t.TempDir()
	names := make([]string, n)
	for i := range n {
		names[i] = fmt.Sprintf("overlays/l%d/1", i)
		layers = append(layers, filepath.Join(root, names[i]))
		makeDirs(t, filepath.Join(root, names[i]))
	}
	for _, d := range []string{"upper", "work", "merged"} {
		makeDirs(t, filepath.Join(root, "runtime/alpha", d))
	}
	makeDirs(t, filepath.Join(root, "instances/alpha"))
	env := "L4D2_LOWERDIRS=" + strings.Join(names, ":") + "\n"
	if err := os.WriteFile(filepath.Join(root, "instances/alpha/instance.env"), []byte(env), 0o600); err != nil {
		t.Fatal(err)
	}
	return root, layers
}

func makeDirs(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
}

// TestTwentyServers measures the disk, memory and processor use of twenty servers.
func TestTwentyServers(t *testing.T) {
	s := stage.New(t, 28500, "SIM_PLAYERS=0", "SIM_MAP_LOAD=100ms")
	// The real game has 9 GB. The simulated one must take some space, too, or the ratio of the disk
	// usage would look better than it is.
	if err := installation.Lay(filepath.Join(s.Root, "installation", "base"),
		installation.Options{Server: s.Srcds, Scale: 20}); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	s.Serve(t)
	fmt.Println("\n| what | left4me |\n| --- | --- |")
	row("start to ready (polled each 10 ms)", time.Since(begin))
	if st, err := os.Stat(s.Left4me); err == nil {
		row("binary, MB", float64(st.Size())/1e6)
	}
	settle := time.NewTimer(5 * time.Second)
	<-settle.C
	row("left4me serve idle, MB resident", rss(t, s.PID()))
	row("left4me serve idle, MB of its own", own(t, s.PID()))

	const n = 20
	for i := range n {
		name := fmt.Sprintf("s%02d", i)
		s.Create(t, name, nil)
		s.Done(t, "start", name)
	}
	<-time.NewTimer(5 * time.Second).C
	shims := s.Shims()
	before := cpu(t, s.PID())
	var shimsBefore time.Duration
	for _, pid := range shims {
		shimsBefore += cpu(t, pid)
	}
	const span = 30 * time.Second
	<-time.NewTimer(span).C
	row("left4me serve with 20 servers, MB resident", rss(t, s.PID()))
	row("left4me serve with 20 servers, MB of its own", own(t, s.PID()))
	row("left4me serve with 20 idle servers, % of a core", 100*float64(cpu(t, s.PID())-before)/float64(span))
	var most, together, theirs float64
	var shimsAfter time.Duration
	for _, pid := range shims {
		most = max(most, rss(t, pid))
		together += pss(t, pid)
		theirs += own(t, pid)
		shimsAfter += cpu(t, pid)
	}
	row("largest of 20 shims, MB resident", most)
	row("20 shims together, MB (PSS)", together)
	row("20 shims together, MB of their own", theirs)
	row("20 shims, % of a core", 100*float64(shimsAfter-shimsBefore)/float64(span))

	base, baseInodes := usage(t, filepath.Join(s.Root, "installation"))
	all, inodes := usage(t, filepath.Join(s.Root, "instances"), filepath.Join(s.Root, "logs"))
	for i := range n {
		dir := filepath.Join(s.Root, "runtime", fmt.Sprintf("s%02d", i))
		b, k := usage(t, filepath.Join(dir, "upper"))
		all, inodes = all+b, inodes+k+4 // work, merged and their parent directories
	}
	row("20 servers, kB on disk", float64(all)/1e3)
	row("20 copies of the installation, kB on disk", float64(n*base)/1e3)
	row("ratio of the bytes, %", 100*float64(all)/float64(n*base))
	row("20 servers, inodes", inodes)
	row("20 copies, inodes", n*baseInodes)
	for i := range n {
		s.Done(t, "delete", fmt.Sprintf("s%02d", i))
	}
}
