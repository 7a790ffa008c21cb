//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// game is the state of the game as its host reports it.
type game struct {
	Current int64
	Pinned  bool
	Builds  []struct {
		Build   int64
		Layers  []string
		Servers []string
	}
}

func gameNow(t *testing.T) (g game) {
	t.Helper()
	if code := call(t, "GET", "/hosts/local/game", nil, &g); code != 200 {
		t.Fatalf("game: status %d", code)
	}
	return g
}

// steam sets variables of the simulated Steam.
func steam(t *testing.T, vars ...string) {
	t.Helper()
	vars = append([]string{"SIM_STEAM_TICK=20ms", "SIM_STEAM_ANONYMOUS=1", "SIM_STEAM_SIZE=4M", "SIM_STEAM_FILES=20"}, vars...)
	if err := os.WriteFile(outside+root+"/steam/steamcmd/sim.env", []byte(strings.Join(vars, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// downloading starts an update and waits until SteamCMD downloads.
func downloading(t *testing.T) (j job) {
	t.Helper()
	call(t, "POST", "/hosts/local/game/update", nil, &j)
	eventually(t, "SteamCMD downloads", func() bool {
		call(t, "GET", "/jobs/"+j.ID, nil, &j)
		if j.State != "queued" && j.State != "running" {
			t.Fatalf("the job has already ended: %+v", j)
		}
		return slices.ContainsFunc(j.Steps, func(s step) bool { return s.Label == "download" && s.State == "running" })
	})
	return j
}

// An update is downloaded by a separate unit while a server runs, is published, and is used after
// the server's restart. The game may read the new files, and no other user may change them.
func TestGameUpdateWhileServersRun(t *testing.T) {
	running(t, "alpha")
	old := gameNow(t).Current
	steam(t, "SIM_STEAM_BUILD=7")
	done(t, "POST", "/hosts/local/game/update")
	g := gameNow(t)
	if g.Current != 15800007 || len(g.Builds) < 2 || g.Builds[1].Build != old || len(g.Builds[1].Servers) != 1 {
		t.Fatalf("got %+v", g)
	}
	top := root + "/installation/" + g.Builds[0].Layers[0]
	if out := must(t, "find", top, "-not", "-group", "left4me-game", "-o", "-perm", "-o+w", "-not", "-type", "l"); out != "" {
		t.Errorf("others may change the files, or the game may not read them:\n%s", out)
	}
	wantMounts(t, "left4me-install", 0)
	must(t, "test", "!", "-e", root+"/runtime/left4me-install/upper")
	done(t, "POST", "/servers/alpha/restart")
	if g = gameNow(t); len(g.Builds[0].Servers) != 1 {
		t.Errorf("alpha does not run the new build after its restart: %+v", g)
	}
	pid := fmt.Sprint(show(t, "alpha").PID)
	if out, err := inGame(pid, "cat "+root+"/runtime/alpha/home/.steam/sdk32/steamclient.so >/dev/null"); err != nil {
		t.Errorf("the game does not find Steam's library: %s", out)
	}
	if out, err := inGame(pid, "rm -rf "+root+"/runtime/alpha/home/.steam"); err == nil {
		t.Errorf("the game may remove its links: %s", out)
	}

	// left4me is killed in the middle of a download; the unit continues.
	steam(t, "SIM_STEAM_BUILD=8", "SIM_STEAM_CHANGED=100", "SIM_STEAM_RATE=300K")
	j := downloading(t)
	pid = property(t, "left4me-install.service", "MainPID")
	must(t, "systemctl", "kill", "--signal=KILL", "--kill-whom=main", "left4me.service")
	eventually(t, "left4me is back", ready)
	if again := property(t, "left4me-install.service", "MainPID"); again != pid || pid == "0" {
		t.Errorf("the installing process is %s, want the earlier %s", again, pid)
	}
	if call(t, "GET", "/jobs/"+j.ID, nil, &j); j.State != "running" {
		t.Errorf("the job is %s although SteamCMD still runs", j.State)
	}
	eventually(t, "the job ends", func() bool {
		call(t, "GET", "/jobs/"+j.ID, nil, &j)
		return j.State != "queued" && j.State != "running"
	})
	if g = gameNow(t); j.State != "done" || g.Current != 15800008 {
		t.Errorf("%+v\n%+v\n%s", j, g, must(t, "journalctl", "--no-pager", "-n", "40", "-u", "left4me", "-u", "left4me-install"))
	}

	// A cancelled update leaves no files.
	steam(t, "SIM_STEAM_BUILD=9", "SIM_STEAM_CHANGED=100", "SIM_STEAM_RATE=200K")
	j = downloading(t)
	call(t, "POST", "/jobs/"+j.ID+"/cancel", nil, nil)
	eventually(t, "the job is cancelled", func() bool {
		call(t, "GET", "/jobs/"+j.ID, nil, &j)
		return j.State == "cancelled"
	})
	wantMounts(t, "left4me-install", 0)
	must(t, "test", "!", "-e", root+"/runtime/left4me-install/upper")

	done(t, "POST", "/hosts/local/game/rollback")
	if g = gameNow(t); g.Current != 15800007 || !g.Pinned {
		t.Errorf("after the rollback: %+v", g)
	}
	call(t, "POST", "/hosts/local/game/pin", map[string]bool{"pinned": false}, nil)
	done(t, "POST", "/servers/alpha/stop")
}
