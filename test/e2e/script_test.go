//go:build e2e

package e2e

import (
	"os"
	"strings"
	"testing"
)

// TestScriptsInBuildUnit runs the scripts of overlays in their unit, started and followed as the
// agent does it.
func TestScriptsInBuildUnit(t *testing.T) {
	if skip != "" {
		t.Skip(skip)
	}
	build := command("go", "test", "-c", "-o", outside+"/usr/local/bin/script.test", "./internal/host/content/script")
	build.Dir, build.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	if err := build.Run(); err != nil {
		t.Fatal(err)
	}
	// STAGE_PROGRAMS prevents a build: the tests must not build programs in the machine.
	out, err := as("left4me", "env", "-C", root, "LEFT4ME_TEST_UNIT_ROOT="+root, "STAGE_PROGRAMS=none", "TMPDIR="+root+"/tmp",
		"script.test", "-test.v", "-test.run", "^TestScriptsRunInUnit$")
	if err != nil || !strings.Contains(out, "--- PASS: TestScriptsRunInUnit") {
		logs, _ := in("journalctl", "--no-pager", "-n", "60", "-u", "left4me-build@*")
		t.Errorf("%v\n%s\n%s", err, out, logs)
	}
}
