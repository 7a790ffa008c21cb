package shim_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/host/running/shim"
)

// BenchmarkConsole has the game print 200,000 lines and waits until one attached client has read them
// all, and therefore the log has them too. cpu-ms/op is the CPU time of the shim and the client,
// shim-ms/op that of the shim alone.
func BenchmarkConsole(b *testing.B) {
	const lines = 200_000
	s, c := running(b)
	shimCPU, ownCPU := cpu(b, s.cmd.Process.Pid), cpu(b, os.Getpid())
	var at int64
	for b.Loop() {
		s.types(c, fmt.Sprintf("sim_flood %d 60", lines))
		for end := ""; !strings.Contains(end, "sim_flood done"); {
			k, err := c.Read(b.Context(), at, time.Second, shim.MaxChunk)
			if err != nil || k.Lost > 0 || k.After != at {
				b.Fatalf("read at %d: got %d to %d, %d bytes lost, %v", at, k.After, k.Position, k.Lost, err)
			}
			at, end = k.Position, k.Lines[max(0, len(k.Lines)-1000):]
		}
	}
	shimCPU, ownCPU = cpu(b, s.cmd.Process.Pid)-shimCPU, cpu(b, os.Getpid())-ownCPU
	b.ReportMetric(float64((shimCPU+ownCPU).Milliseconds())/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(shimCPU.Milliseconds())/float64(b.N), "shim-ms/op")
}

// cpu returns the CPU time used by a process: fields 14 and 15 of proc_pid_stat(5), in hundredths of a
// second.
func cpu(b *testing.B, pid int) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var ticks int
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
