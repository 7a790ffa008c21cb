//go:build bench

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/test/stage"
)

// TestUpdate updates 1 % of a game of 5 GB while a server runs. It measures the bytes written, the
// duration of a rollback, and the cost of the server's restart.
func TestUpdate(t *testing.T) {
	s := stage.New(t, 32000, "SIM_PLAYERS=0", "SIM_MAP_LOAD=100ms")
	if err := os.RemoveAll(filepath.Join(s.Root, "installation")); err != nil {
		t.Fatal(err)
	}
	sim := filepath.Join(t.TempDir(), "steamcmd")
	build := exec.Command("go", "build", "-o", sim, "github.com/left4me/left4me/sim/steamcmd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// The simulation stores each build for comparison. These writes must not count as writes of the
	// update, so they go to memory.
	scratch, err := os.MkdirTemp("/dev/shm", "left4me-bench-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(scratch) })
	run(t, sim, "lay", filepath.Join(s.Root, "steam/steamcmd"), "SIM_STEAM_SCRATCH="+scratch, "SIM_STEAM_SRCDS="+s.Srcds,
		"SIM_STEAM_ANONYMOUS=1",
		"SIM_STEAM_SIZE=5G", "SIM_STEAM_FILES=1000", "SIM_STEAM_CHANGED=1", "SIM_STEAM_BUILD=1")
	s.Env = append(s.Env, "HOME="+t.TempDir())
	s.Serve(t)
	var downloaded int64 // bytes downloaded by the last job
	game := func(verb string) time.Duration {
		t.Helper()
		begin := time.Now()
		var j struct {
			stage.Job
			Steps []struct {
				Label    string
				Progress struct{ Total int64 }
			} `json:"steps"`
		}
		s.Must(t, "POST", "/hosts/local/game/"+verb, nil, &j)
		for ; !j.Ended(); time.Sleep(10 * time.Millisecond) {
			s.Must(t, "GET", "/jobs/"+j.ID, nil, &j)
		}
		if j.State != "done" {
			t.Fatalf("%s: %+v", verb, j)
		}
		for _, step := range j.Steps {
			if step.Label == "download" {
				downloaded = step.Progress.Total
			}
		}
		return time.Since(begin)
	}
	fmt.Println("\n| what | left4me |\n| --- | --- |")
	row("install 5 GB", game("install"))
	s.Create(t, "alpha", nil)
	s.Done(t, "start", "alpha")
	restart := func() time.Duration {
		begin := time.Now()
		s.Done(t, "restart", "alpha")
		return time.Since(begin)
	}
	row("restart of a server, the same build", restart())
	// Do not install SteamCMD again: it would update itself first.
	env := filepath.Join(s.Root, "steam/steamcmd/sim.env")
	b, err := os.ReadFile(env)
	if err == nil {
		err = os.WriteFile(env, []byte(strings.ReplaceAll(string(b), "BUILD=1", "BUILD=2")), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	before := written(t, s.PID())
	row("update of 1 %", game("update"))
	wrote := written(t, s.PID()) - before
	layers, err := filepath.Glob(filepath.Join(s.Root, "installation", "update-*"))
	if err != nil || len(layers) != 1 {
		t.Fatalf("got %q, error %v", layers, err)
	}
	bytes, _ := usage(t, layers...)
	var changed int64
	err = filepath.WalkDir(layers[0], func(_ string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			st, err := d.Info()
			if err != nil {
				return err
			}
			changed += st.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	row("files that Steam gave anew, MB", float64(downloaded)/1e6)
	row("of these changed, MB", float64(changed)/1e6)
	row("layer on disk, MB", float64(bytes)/1e6)
	row("written by SteamCMD and left4me, MB", float64(wrote)/1e6)
	row("ratio to what Steam gave", float64(wrote)/float64(downloaded))
	row("ratio to what changed", float64(wrote)/float64(changed))
	row("restart of a server, to the new build", restart())
	row("rollback, asked for to reported", game("rollback"))
	s.Done(t, "delete", "alpha")
}

// written returns how many bytes a process, and its children that it has waited for, caused to be
// written to disks.
func written(t *testing.T, pid int) int64 {
	t.Helper()
	io, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(io), "\nwrite_bytes: ")
	n, err := strconv.ParseInt(strings.TrimSpace(strings.SplitN(rest, "\n", 2)[0]), 10, 64)
	if err != nil {
		t.Fatalf("%v in %q", err, io)
	}
	return n
}
