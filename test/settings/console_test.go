package settings

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/sim/installation"
	"github.com/left4me/left4me/sim/programs"
	"github.com/left4me/left4me/source/cvar"
)

// patience is the time limit for an expected condition.
const patience = 60 * time.Second

// game is a running simulated server with its console.
type game struct {
	t     *testing.T
	dir   string
	in    io.Writer
	lines chan string
	asked int
}

func startGame(t *testing.T) *game {
	t.Helper()
	dir := t.TempDir()
	built, err := programs.Build(dir)
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(dir, "game")
	if err := installation.Lay(root, installation.Options{Files: 1, Scale: 0.05, Server: filepath.Join(built, "srcds")}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("./srcds_linux", "-game", "left4dead2", "-console", "-ip", "127.0.0.1", "-port", "0", "+map", "c1m1_hotel")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "SIM_PLAYERS=0", "SIM_MAP_LOAD=0", "SIM_SEED=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	g := &game{t: t, dir: filepath.Join(root, "left4dead2", "cfg"), in: in, lines: make(chan string, 1<<16)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(g.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			g.lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		go func() {
			for range g.lines { //nolint:revive // drain, so that the reader can end
			}
		}()
		<-done
		_ = cmd.Wait()
	})
	return g
}

// ask types a line and returns the output until the command is done.
func (g *game) ask(line string) string {
	g.t.Helper()
	g.asked++
	mark := fmt.Sprintf("done-with-%d", g.asked)
	if _, err := io.WriteString(g.in, line+"\necho "+mark+"\n"); err != nil {
		g.t.Fatal(err)
	}
	var b strings.Builder
	for end := time.After(patience); ; {
		select {
		case l, ok := <-g.lines:
			if !ok {
				g.t.Fatalf("the server ended at %q", line)
			}
			if l == mark {
				return b.String()
			}
			b.WriteString(l + "\n")
		case <-end:
			g.t.Fatalf("no answer to %q", line)
		}
	}
}

// vars returns the values of all variables that the console lists.
func (g *game) vars() map[string]string {
	all := map[string]string{}
	for name, v := range cvar.Parse(g.ask(`find ""`)) {
		all[name] = v.Value
	}
	return all
}

// TestGameSetsOnlyIntendedVariables checks the same as TestSettingsSetOnlyIntendedVariables with
// the game's own console.
func TestGameSetsOnlyIntendedVariables(t *testing.T) {
	g := startGame(t)
	before := g.vars()
	if len(before) < 100 {
		t.Fatalf("got only %d variables", len(before))
	}
	looked := 0
	for _, v := range hostile {
		for _, s := range single(each(v, 60, true)) {
			if servers.CheckSettings(s) != nil {
				continue
			}
			if err := os.WriteFile(filepath.Join(g.dir, "case.cfg"), []byte(written(s)["left4dead2/cfg/server.cfg"]), 0o600); err != nil {
				t.Fatal(err)
			}
			said := g.ask("exec case.cfg")
			want := before
			for name, value := range intended(s) {
				if _, shown := want[name]; shown { // the console does not list all variables
					want[name] = value
				}
			}
			after := g.vars()
			if d := cmp.Diff(want, after); d != "" || strings.Contains(said, "Unknown command") {
				t.Errorf("%+v\n%s\n%s", s, d, said)
			}
			before = after
			looked++
		}
	}
	if looked < 30 {
		t.Errorf("only %d settings were checked", looked)
	}
}
