// Package programs builds the simulated game server and the simulated SteamCMD for tests that run them
// as programs.
package programs

import (
	"fmt"
	"os"
	"os/exec"
)

// Var is the environment variable that names a directory of built programs. script/test sets it so that
// the packages under test share one build.
const Var = "STAGE_PROGRAMS"

const module = "github.com/left4me/left4me/"

// Build returns a directory that contains the programs srcds and steamcmd and those named by more,
// which are packages of this module such as cmd/left4me. If Var is set, it returns that directory,
// which must contain all of them; otherwise it builds them in dir. It builds without cgo, so the
// programs run however the test was built.
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
