package chaos

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/left4me/left4me/test/stage"
)

// newest returns the most recent job on a server.
func newest(t *testing.T, s *stage.Stage, name string) stage.Job {
	t.Helper()
	var all []stage.Job
	s.Must(t, "GET", "/jobs?limit=1&server="+name, nil, &all)
	if len(all) == 0 {
		return stage.Job{}
	}
	return all[0]
}

// killAll ends left4me, all shims and all games with SIGKILL.
func killAll(t *testing.T, s *stage.Stage) {
	t.Helper()
	s.Kill()
	stage.Until(t, "no process is left", func() bool {
		left := s.Processes()
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		return len(left) == 0
	})
}

// At startup, left4me starts every server whose desired state is running, and no other.
func TestWantedServersStartAfterKillOfAllProcesses(t *testing.T) {
	t.Parallel()
	s := stage.New(t, 28700, "SIM_MAP_LOAD=100ms", "SIM_PLAYERS=0")
	s.Serve(t)
	on := s.Create(t, "on", nil)
	s.Create(t, "off", nil)
	s.Done(t, "start", "on")
	s.Done(t, "start", "off")
	s.Done(t, "stop", "off")
	before, _ := s.Server("on")

	killAll(t, s)
	s.Serve(t)
	stage.Until(t, "the server runs again", func() bool {
		v, _ := s.Server("on")
		return v.State == "running" && v.PID != before.PID
	})
	if j := newest(t, s, "on"); j.Kind != "server.start" || j.By != "left4me" ||
		j.Reason != "started because it was not running when left4me started" {
		t.Errorf("got %+v", j)
	}
	if v, _ := s.Server("off"); v.State != "stopped" || v.Wanted != "stopped" || newest(t, s, "off").By == "left4me" {
		t.Errorf("got %+v", v)
	}

	// If the server's port is taken, its start fails. The desired state stays running, and the next
	// left4me starts the server.
	killAll(t, s)
	var thief net.PacketConn
	stage.Until(t, "the port of the game that was killed is free", func() bool {
		var err error
		thief, err = net.ListenUDP("udp", &net.UDPAddr{Port: on.Port})
		return err == nil
	})
	s.Serve(t)
	stage.Until(t, "the start fails", func() bool {
		j := newest(t, s, "on")
		return j.State == "failed" && j.Error != nil && strings.Contains(j.Error.Text, "is already used by")
	})
	thief.Close()
	if v, _ := s.Server("on"); v.Wanted != "running" || v.Held != "" {
		t.Errorf("got %+v", v)
	}
	s.Kill()

	// The game's file system is mounted only after left4me has started.
	game, away := filepath.Join(s.Root, "installation"), filepath.Join(s.Root, "away")
	if err := os.Rename(game, away); err != nil {
		t.Fatal(err)
	}
	s.Serve(t)
	stage.Until(t, "the server's reason names the empty directory", func() bool {
		v, _ := s.Server("on")
		return strings.Contains(v.Reason, "not installed on host local (installation/ is empty)")
	})
	if j := newest(t, s, "on"); j.State != "failed" {
		t.Errorf("left4me created a job although no game is installed: %+v", j)
	}
	if err := errors.Join(os.RemoveAll(game), os.Rename(away, game)); err != nil {
		t.Fatal(err)
	}
	stage.Until(t, "the server runs again", func() bool {
		v, _ := s.Server("on")
		return v.State == "running"
	})
	if games, shims := len(s.Games()), len(s.Shims()); games != 1 || shims != 1 {
		t.Errorf("got %d games and %d shims, want one of each", games, shims)
	}
	s.Done(t, "stop", "on")
}
