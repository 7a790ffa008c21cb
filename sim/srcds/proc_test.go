package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// cpuTime returns the CPU time used by a process, in ticks of 10 ms.
func cpuTime(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	var user, system int
	f := strings.Fields(rest)
	if _, err := fmt.Sscan(f[11]+" "+f[12], &user, &system); err != nil {
		t.Fatal(err)
	}
	return user + system
}

func TestServerMemoryIsLimited(t *testing.T) {
	if raceFlags != nil || runtime.GOARCH != "amd64" {
		t.Skip("measured on amd64 without the race detector")
	}
	p := start(t, map[string]string{"cfg/server.cfg": "rcon_password x\n"}, nil)
	p.ask("cvarlist", "maps *", "status", "sim_join Alpha")
	if _, err := p.remote("x").Exec(p.context(), "cvarlist"); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	var size int
	if _, err := fmt.Sscan(rest, &size); err != nil {
		t.Fatal(err)
	}
	const most = 9 << 10 // the aim is 8 MB; page use differs between machines
	if size > most {
		t.Errorf("server uses %d kB of memory", size)
	}
	t.Logf("%d kB of memory", size)
}
