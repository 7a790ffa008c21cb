// Package programs builds the simulated game and the simulated SteamCMD for tests
// that start them as programs.
package programs

import (
	"fmt"
	"os"
	"os/exec"
)

// Var is the environment variable that names a directory with built programs:
// script/test sets it, so that the packages it tests share one build.
const Var = "STAGE_PROGRAMS"

const module = "github.com/left4me/left4me/"

// Build returns a directory with the programs srcds and steamcmd, and those of
// more, which are packages of this module such as cmd/left4me. It is the directory
// that Var names, which must hold all of them, or else dir, where it builds them:
// without cgo, so that they run whatever the test is built with.
func Build(dir string, more ...string) (string, error) {
	if built := os.Getenv(Var); built != "" {
		return built, nil
	}
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", dir+"/", module+"sim/srcds", module+"sim/steamcmd")
	for _, m := range more {
		cmd.Args = append(cmd.Args, module+m)
	}
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return dir, nil
}
