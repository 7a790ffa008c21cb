package chaos

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/test/stage"
)

func gameOf(t *testing.T, s *stage.Stage) (v apitype.Game) {
	t.Helper()
	s.Must(t, "GET", "/hosts/local/game", nil, &v)
	return v
}

// powerCut ends all processes of a root with SIGKILL: left4me, shims, games and SteamCMD.
func powerCut(t *testing.T, s *stage.Stage) {
	t.Helper()
	s.Kill()
	stage.Until(t, "no process is left", func() bool {
		none := true
		environs, _ := filepath.Glob("/proc/[0-9]*/environ")
		for _, name := range environs {
			env, err := os.ReadFile(name)
			if err != nil || !strings.Contains(string(env), "="+s.Root) {
				continue
			}
			none = false
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		return none
	})
}

// The power is cut in the middle of an update, of a rollout that waits for servers to be empty, and
// of a rollout that restarts servers. Afterwards all servers that should run do, and both update
// and rollout are completed.
func TestUpdateAndRolloutCompleteAfterPowerCut(t *testing.T) {
	t.Parallel()
	s := stage.New(t, 29300, "SIM_MAP_LOAD=50ms", "SIM_PLAYERS=2")
	must(t, os.RemoveAll(filepath.Join(s.Root, "installation")))
	quick := func(build string) { s.Steam(t, "SIM_STEAM_BUILD="+build, "SIM_STEAM_TICK=20ms", "SIM_STEAM_SIZE=2M") }
	ask := func(verb, restart string) string {
		t.Helper()
		var j stage.Job
		s.Must(t, "POST", "/hosts/local/game/"+verb, map[string]any{"restart": restart}, &j)
		return j.ID
	}
	names := []string{"alpha", "beta"}
	run := func(build int64) {
		t.Helper()
		for _, name := range names {
			stage.Until(t, name+" runs", func() bool {
				v, _ := s.Server(name)
				return v.State == "running" && (build == 0 || v.Build == build)
			})
		}
		if games := len(s.Games()); games != len(names) {
			t.Errorf("%d games run, want %d", games, len(names))
		}
	}
	rolledOut := func(what string) {
		t.Helper()
		stage.Until(t, what+" ends", func() bool {
			r := gameOf(t, s).Rollout
			return r != nil && r.State != "waiting" && r.State != "running"
		})
		if r := gameOf(t, s).Rollout; r.State != "done" {
			t.Errorf("%s: %+v", what, r)
		}
	}
	quick("1")
	s.Serve(t)
	if j := s.Ended(t, ask("install", "")); j.State != "done" {
		t.Fatalf("got %+v, %+v", j, j.Error)
	}
	first := gameOf(t, s).Current
	for _, name := range names {
		s.Create(t, name, nil)
		s.Done(t, "start", name)
	}

	s.Steam(t, "SIM_STEAM_BUILD=2", "SIM_STEAM_TICK=20ms", "SIM_STEAM_SIZE=200M", "SIM_STEAM_CHANGED=100", "SIM_STEAM_RATE=2M")
	update := ask("update", "empty")
	stage.Until(t, "the update downloads", func() bool {
		var j stage.Job
		s.Must(t, "GET", "/jobs/"+update, nil, &j)
		for _, step := range j.Steps {
			if step.Label == "download" && step.State == "running" {
				return true
			}
		}
		if j.Ended() {
			t.Fatalf("got %+v, %+v", j, j.Error)
		}
		return false
	})
	powerCut(t, s)
	quick("2")
	s.Serve(t)
	run(0)
	if j := s.Ended(t, update); j.State != "done" {
		t.Errorf("update: %+v %+v", j, j.Error)
	}
	second := gameOf(t, s).Current
	if second == first {
		t.Fatalf("the build is still %d", first)
	}

	stage.Until(t, "the rollout waits until the servers are empty", func() bool {
		r := gameOf(t, s).Rollout
		return r != nil && r.State == "running" && len(r.Servers) == 2 && r.Servers[0].State == "wants"
	})
	powerCut(t, s)
	s.Serve(t)
	run(second) // servers start with the current build
	rolledOut("the rollout that waited")

	ask("rollback", "now")
	stage.Until(t, "the rollout restarts a server", func() bool {
		r := gameOf(t, s).Rollout
		return r != nil && r.State == "running" && len(r.Servers) > 0 && r.Servers[0].State == "moving"
	})
	powerCut(t, s)
	s.Serve(t)
	run(first)
	rolledOut("the rollout that moved servers")
}
