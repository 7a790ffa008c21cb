//go:build bench

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestHelper compares the root helper, one process per mount as in its unit, with mount(8). The
// options of mount(8) are limited to one page, so both run in the directory of the layers, and the
// layers have the shortest possible names.
func TestHelper(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may mount")
	}
	program := filepath.Join(t.TempDir(), "left4me-overlay")
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", program, "github.com/left4me/left4me/cmd/left4me-overlay")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	fmt.Println(
		"\n| layers | left4me-overlay mount | mount(8) | ratio | left4me-overlay umount | umount(8) |\n" +
			"| --- | --- | --- | --- | --- | --- |")
	for _, n := range []int{1, 10, 100, 500} {
		root, layers := stack(t, n)
		for i := range layers {
			layers[i], _ = filepath.Rel(filepath.Join(root, "overlays"), layers[i])
		}
		server := filepath.Join(root, "runtime", "alpha")
		options := fmt.Sprintf("userxattr,lowerdir=%s,upperdir=%s/upper,workdir=%s/work", strings.Join(layers, ":"), server, server)
		ours := func(verb string) *exec.Cmd {
			cmd := exec.Command(program, verb, "alpha")
			cmd.Env = []string{"LEFT4ME_ROOT=" + root}
			return cmd
		}
		mount := exec.Command("mount", "-t", "overlay", "overlay", "-o", options, server+"/merged")
		var took [4][]time.Duration
		for range 41 {
			for i, cmd := range []*exec.Cmd{ours("mount"), ours("umount"), mount, exec.Command("umount", server+"/merged")} {
				cmd := *cmd
				cmd.Dir = filepath.Join(root, "overlays")
				begin := time.Now()
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s", cmd.Args[0], err, out)
				}
				took[i] = append(took[i], time.Since(begin))
			}
		}
		a, b := median(took[0]), median(took[2])
		row(n, a, b, float64(a)/float64(b), median(took[1]), median(took[3]))
	}
}
