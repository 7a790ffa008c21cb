package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/left4me/left4me/source/rcon"
)

// diedBy fails the test unless the given signal ended the process.
func (p *process) diedBy(want syscall.Signal) {
	p.t.Helper()
	s := p.exit().Sys().(syscall.WaitStatus)
	if !s.Signaled() || s.Signal() != want || s.CoreDump() {
		p.t.Errorf("ended by %v (core %v), want the signal %v", p.cmd.ProcessState, s.CoreDump(), want)
	}
}

func TestCrashEndsBySignal(t *testing.T) {
	t.Run("on command", func(t *testing.T) {
		p := start(t, nil, nil)
		p.typed("sim_crash")
		p.diedBy(syscall.SIGSEGV)
		out := p.out.String()
		if !strings.Contains(out, "Uploading dump (out-of-process)\n/tmp/dumps/crash_") || !strings.HasSuffix(out, "success = yes\n") {
			t.Errorf("got last lines %q", p.out.tail())
		}
	})
	t.Run("with SIGABRT", func(t *testing.T) {
		p := start(t, withPassword, nil)
		w := p.wire()
		w.send(1, rcon.Auth, "geheim")
		w.expect(rcon.Packet{ID: 1}, rcon.Packet{ID: 1, Type: rcon.AuthResponse})
		w.send(2, rcon.ExecCommand, "sim_crash abort")
		w.expectEnd()
		p.diedBy(syscall.SIGABRT)
	})
	t.Run("during start", func(t *testing.T) {
		p := launch(t, lay(t, nil), []string{"SIM_CRASH_AT_START=segv"}, "+map", "c1m1_hotel")
		p.diedBy(syscall.SIGSEGV)
		if strings.Contains(p.out.String(), "Network:") {
			t.Error("it crashed after opening a socket")
		}
	})
	t.Run("after a delay", func(t *testing.T) {
		p := launch(t, lay(t, nil), []string{"SIM_CRASH_AFTER=1ms", "SIM_CRASH=abort"}, "+map", "c1m1_hotel")
		p.diedBy(syscall.SIGABRT)
		if !strings.Contains(p.out.String(), "VAC secure mode") {
			t.Error("it crashed before the map was loaded")
		}
	})
}

// silent fails the test if the server answers anywhere. It has to wait a short time, because the
// absence of an answer cannot be observed otherwise.
func (p *process) silent() {
	p.t.Helper()
	short, cancel := context.WithTimeout(context.Background(), 150*time.Millisecond)
	defer cancel()
	if _, err := p.client().Info(short); !errors.Is(err, context.DeadlineExceeded) {
		p.t.Errorf("query: got error %v, want no answer", err)
	}
	w := p.wire()
	w.send(1, rcon.Auth, "geheim")
	_ = w.SetReadDeadline(time.Now().Add(150 * time.Millisecond))
	if _, err := rcon.ReadPacket(w); !errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Errorf("rcon: got error %v, want no answer", err)
	}
	p.typed("echo is anybody there")
	if _, ok := p.out.wait("\nis anybody there", 150*time.Millisecond); ok {
		p.t.Error("the console answers")
	}
	p.running()
}

// untilSilent sends queries until the server stops answering.
func (p *process) untilSilent() {
	p.t.Helper()
	for end := time.Now().Add(10 * time.Second); ; {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		_, err := p.client().Info(ctx)
		cancel()
		if err != nil {
			return
		}
		if time.Now().After(end) {
			p.t.Fatal("the server still answers")
		}
	}
}

func TestHangStopsAnswers(t *testing.T) {
	t.Run("on command", func(t *testing.T) {
		p := start(t, withPassword, nil)
		p.typed("sim_hang")
		p.untilSilent()
		p.silent()
	})
	t.Run("after a delay", func(t *testing.T) {
		p := launch(t, lay(t, withPassword), []string{"SIM_HANG_AFTER=1ms"}, "+map", "c1m1_hotel")
		p.network()
		p.wait("VAC secure mode")
		p.untilSilent()
		p.silent()
	})
}

func TestSlowStartDelaysReadiness(t *testing.T) {
	begin := time.Now()
	p := launch(t, lay(t, nil), []string{"SIM_SLOW_START=300ms"}, "+map", "c1m1_hotel")
	p.ready()
	if long := time.Since(begin); long < 300*time.Millisecond {
		t.Errorf("got ready after %v, want at least 300ms", long)
	}
	p.typed("sim_map_load 10ms")
	p.typed("map c1m2_streets")
	p.ready()
}

func TestFloodPrintsAllLines(t *testing.T) {
	check := func(t *testing.T, p *process, lines, size int) {
		t.Helper()
		p.wait("sim_flood done")
		_, flood, _ := strings.Cut(p.out.String(), "\n0000000 ")
		flood, _, _ = strings.Cut("0000000 "+flood, "sim_flood done")
		n := 0
		for line := range strings.Lines(flood) {
			if len(line) != size+1 {
				t.Fatalf("line %d: got %d bytes: %q", n, len(line), line)
			}
			n++
		}
		if n != lines {
			t.Errorf("got %d lines, want %d", n, lines)
		}
	}
	t.Run("on command", func(t *testing.T) {
		p := start(t, nil, nil)
		p.typed("sim_flood 20000 60")
		check(t, p, 20000, 60)
		p.ready()
		if got := p.ask("sim_flood x"); !strings.Contains(got, "Usage:") {
			t.Errorf("got %s, want the usage", got)
		}
	})
	t.Run("after the map", func(t *testing.T) {
		p := launch(t, lay(t, nil), []string{"SIM_FLOOD=100 2000"}, "+map", "c1m1_hotel")
		check(t, p, 100, 2000)
	})
}

func TestServerExitsOnSignalAndQuit(t *testing.T) {
	t.Run("SIGINT", func(t *testing.T) {
		p := start(t, nil, nil)
		_ = p.cmd.Process.Signal(syscall.SIGINT)
		if s := p.exit(); !s.Success() {
			t.Errorf("got %v, want exit status 0", s)
		}
	})
	t.Run("SIGINT during a map load", func(t *testing.T) {
		p := launch(t, lay(t, nil), []string{"SIM_MAP_LOAD=3600"}, "+map", "c1m1_hotel")
		p.network()
		_ = p.cmd.Process.Signal(syscall.SIGINT)
		if s := p.exit(); !s.Success() {
			t.Errorf("got %v, want exit status 0", s)
		}
	})
	t.Run("SIGTERM", func(t *testing.T) {
		p := start(t, nil, nil)
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		p.diedBy(syscall.SIGTERM)
	})
	t.Run("ignored SIGINT and quit", func(t *testing.T) {
		p := start(t, nil, []string{"SIM_IGNORE_QUIT=1", "SIM_IGNORE_SIGINT=1"})
		p.typed("quit")
		_ = p.cmd.Process.Signal(syscall.SIGINT)
		p.ask("echo still here")
		p.running()
		p.ask("sim_ignore_sigint 0")
		_ = p.cmd.Process.Signal(syscall.SIGINT)
		if s := p.exit(); !s.Success() {
			t.Errorf("got %v, want exit status 0", s)
		}
	})
	t.Run("quit ends the process after sim_ignore_quit 0", func(t *testing.T) {
		p := start(t, nil, nil)
		p.ask("sim_ignore_quit 1", "quit", "sim_ignore_quit 0")
		p.typed("quit")
		if s := p.exit(); !s.Success() {
			t.Errorf("got %v, want exit status 0", s)
		}
	})
}

func TestOutOfDateServerRequestsRestart(t *testing.T) {
	p := start(t, nil, nil)
	p.typed("sim_out_of_date")
	p.wait("MasterRequestRestart")
	p.wait("Your server needs to be restarted in order to receive the latest update.")
}

func TestCfgFileCanTriggerFault(t *testing.T) {
	p := start(t, map[string]string{"cfg/server.cfg": "exec sim.cfg\n", "cfg/sim.cfg": "sim_ignore_quit 1\n"}, nil)
	p.ask("quit")
	p.running()
}

func TestServerRunsUnderSrcdsRun(t *testing.T) {
	p := runUnder(t, lay(t, nil), "./srcds_run", "-norestart", "-game", "left4dead2", "-ip", "127.0.0.1", "-port", "0")
	p.wait("WARNING: No map specified! Defaulting to c1m1_hotel")
	if info := p.ready(); info.Map != "c1m1_hotel" {
		t.Errorf("got map %s, want c1m1_hotel", info.Map)
	}
	p.typed("sim_crash")
	p.wait("Segmentation fault (core dumped)")
	if s := p.exit(); s.ExitCode() != 139 {
		t.Errorf("got %v, want exit status 139", s)
	}
	if _, err := os.Stat(filepath.Join(p.root, "core")); err == nil {
		t.Error("a core file was written")
	}
}
