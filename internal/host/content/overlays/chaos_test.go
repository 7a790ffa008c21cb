package overlays_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/host/content/overlays"
)

const publishVar = "LEFT4ME_TEST_PUBLISH"

// TestMain also makes the test binary the program that is killed while it publishes, and the one
// that publishes onto a full disk.
func TestMain(m *testing.M) {
	run := publishForever
	root := os.Getenv(publishVar)
	if root == "" {
		if root = os.Getenv(fullVar); root == "" {
			os.Exit(m.Run())
		}
		run = publishTooMuch
	}
	if err := run(root); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// version returns the files of revision n: 12 that never change and 2 that depend on n.
func version(n int) map[string]string {
	v := map[string]string{}
	for i := range 12 {
		v[fmt.Sprintf("left4dead2/d%d/f%d", i%4, i)] = fmt.Sprint("constant ", i)
	}
	v["left4dead2/n"] = strconv.Itoa(n)
	v[fmt.Sprintf("left4dead2/only/%d", n%3)] = fmt.Sprint("only in ", n)
	return v
}

// publishForever publishes one version after another and drops old ones, like an agent that
// restarts the same job.
func publishForever(root string) error {
	s := overlays.Open(root, -1)
	background := context.Background()
	if err := s.Sweep(background); err != nil {
		return err
	}
	for {
		n, err := overlays.Current(filepath.Join(root, "overlays/maps"))
		if err != nil {
			return err
		}
		st, err := s.Stage(background, "maps", "job")
		if err != nil {
			return err
		}
		for name, text := range version(n + 1) {
			file := filepath.Join(st.Dir(), name)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				return err
			}
		}
		r, _, err := s.Publish(background, st, overlays.Meta{}, nil)
		if err != nil {
			return err
		}
		fmt.Println(r.Number)
		if err := st.Close(); err != nil {
			return err
		}
		if r.Number > 3 {
			if err := s.Drop("maps", r.Number-3, nil); err != nil {
				return err
			}
			if err := s.Sweep(background); err != nil {
				return err
			}
		}
	}
}

// After a kill at any time, either the old or the new revision must be current, each revision must
// be complete, and the next start must remove all remains.
func TestKillDuringPublishLeavesCompleteRevisions(t *testing.T) {
	s := newRepository(t)
	exe, err := os.Executable()
	must(t, err)
	last := 0
	for round := range 10 {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), publishVar+"="+s.root)
		cmd.Stderr = t.Output()
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		// Wait for a first revision, so that even a slow machine makes progress in each round.
		var reported int
		if _, err := fmt.Fscan(out, &reported); err != nil {
			t.Fatalf("round %d: nothing was published: %v", round, err)
		}
		time.Sleep(rand.N(60 * time.Millisecond)) // kill at a random time
		must(t, cmd.Process.Kill())
		for {
			var n int
			if _, err := fmt.Fscan(out, &n); err != nil {
				break
			}
			reported = n
		}
		_ = cmd.Wait()

		now, err := overlays.Current(filepath.Join(s.root, "overlays/maps"))
		if err != nil || now < reported || now > reported+1 || now <= last {
			t.Fatalf("round %d: got current revision %d, want %d or the next; previous round %d: %v", round, now, reported, last, err)
		}
		last = now
		fresh := overlays.Open(s.root, -1)
		must(t, fresh.Sweep(t.Context()))
		s.checkNoLeftovers()
		c, err := fresh.Get(t.Context(), "maps", 0, nil)
		must(t, err)
		there := map[string]bool{"overlay.json": true}
		for _, r := range c.Revisions {
			if d := cmp.Diff(version(r.Number), files(t, s.path("maps", r.Number))); d != "" {
				t.Fatalf("round %d: revision %d: mismatch (-want +got):\n%s", round, r.Number, d)
			}
			_, m, err := fresh.Manifest(t.Context(), "maps", r.Number)
			if err != nil || len(m) != len(version(r.Number)) {
				t.Errorf("manifest of %d: %d entries, %v", r.Number, len(m), err)
			}
			name := strconv.Itoa(r.Number)
			there[name], there[name+".json"], there[name+".files"] = true, true, true
		}
		entries, err := os.ReadDir(filepath.Join(s.root, "overlays/maps"))
		must(t, err)
		for _, e := range entries {
			// A manifest stays while other manifests are deltas to it.
			if !there[e.Name()] && filepath.Ext(e.Name()) != ".files" {
				t.Errorf("round %d: %s was left behind", round, e.Name())
			}
		}
	}
}
