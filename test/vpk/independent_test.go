package vpk

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/left4me/left4me/test/stage"
)

func TestMain(m *testing.M) {
	code := m.Run()
	stage.Clean()
	os.Exit(code)
}

// Both programs must see the same paths, sizes and checksums in real add-ons and in archives
// written by the Python program, and left4me must report no problem.
func TestIndependentReaderAgrees(t *testing.T) {
	dir := t.TempDir()
	left4me := stage.Build(t).Left4me
	run(t, "python3", "independent.py", "write", dir)
	real, err := filepath.Glob("../../source/vpk/testdata/*.vpk")
	if err != nil {
		t.Fatal(err)
	}
	made := []string{"one1.vpk", "one2.vpk", "parts1_dir.vpk", "parts2_dir.vpk", "empty2.vpk"}
	if len(real) < 5 {
		t.Fatalf("got only %d real add-ons", len(real))
	}
	for _, m := range made {
		real = append(real, filepath.Join(dir, m))
	}
	for _, file := range real {
		ours, theirs := list(t, left4me, "vpk", "ls", "--json", file), list(t, "python3", "independent.py", "list", file)
		if d := cmp.Diff(theirs, ours); d != "" {
			t.Errorf("%s: left4me's list differs:\n%s", file, d)
		}
		if len(ours) == 0 && filepath.Base(file) != "empty2.vpk" {
			t.Errorf("%s: nothing was compared", file)
		}
		run(t, left4me, "vpk", "verify", file)
	}
}

type entry struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
	CRC  string `json:"crc32"`
}

func list(t *testing.T, program string, args ...string) (all []entry) {
	t.Helper()
	if err := json.Unmarshal(run(t, program, args...), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func run(t *testing.T, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	out, err := cmd.Output()
	if err != nil {
		var stderr []byte
		if exit, ok := err.(*exec.ExitError); ok {
			stderr = exit.Stderr
		}
		t.Fatalf("%s %v: %v\n%s%s", program, args, err, out, stderr)
	}
	return out
}
