package left4me_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A script that is asked for its usage must print the comment at its beginning and do nothing else. A
// script without arguments must reject arguments.
func TestScriptsPrintTheirUsage(t *testing.T) {
	paths, err := filepath.Glob("script/*")
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		c := exec.CommandContext(ctx, args[0], args[1:]...)
		c.WaitDelay = time.Second
		out, err := c.CombinedOutput()
		return string(out), err
	}
	for _, path := range append(paths, "test/bench/run", ".ci/run", "deploy/install", "test/e2e/machine") {
		if path == "script/lib.sh" || path == "script/words.txt" {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitN(string(text), "\n", 3)
		for _, flag := range []string{"--help", "-h"} {
			if out, err := run(path, flag); err != nil || !strings.HasPrefix(out, strings.TrimPrefix(lines[1], "# ")) ||
				strings.Contains(out, "set -euo") {
				t.Errorf("%s %s: %v\n%s", path, flag, err, out)
			}
		}
		if bytes.Contains(text, []byte("\nno_arguments ")) {
			if out, err := run(path, "nonsense"); err == nil || !strings.Contains(out, "takes no arguments") {
				t.Errorf("%s nonsense: %v\n%s", path, err, out)
			}
		}
	}
}
