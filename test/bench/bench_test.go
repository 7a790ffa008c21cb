//go:build bench

// Package bench measures left4me from outside: the real programs on a simulated
// installation, each figure beside that of a peer in the same run.
package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/test/stage"
)

func TestMain(m *testing.M) {
	if os.Getenv("BENCH_BARE") != "" {
		bareServer() // does not return
	}
	code := m.Run()
	stage.Clean()
	os.Exit(code)
}

// row prints one line of a table.
func row(cells ...any) {
	texts := make([]string, len(cells))
	for i, c := range cells {
		switch v := c.(type) {
		case time.Duration:
			texts[i] = v.Round(10 * time.Microsecond).String()
		case float64:
			texts[i] = strconv.FormatFloat(v, 'f', 2, 64)
		default:
			texts[i] = fmt.Sprint(v)
		}
	}
	fmt.Println("| " + strings.Join(texts, " | ") + " |")
}

// median sorts all in place.
func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// cpu is what a process has used, user and system (proc_pid_stat(5), fields 14
// and 15, in ticks of 10 ms).
func cpu(tb testing.TB, pid int) time.Duration {
	tb.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		tb.Fatal(err)
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	u, _ := strconv.Atoi(fields[11])
	s, _ := strconv.Atoi(fields[12])
	return time.Duration(u+s) * 10 * time.Millisecond
}

// rss is the resident memory of a process in MB (10^6 bytes).
func rss(tb testing.TB, pid int) float64 {
	tb.Helper()
	return memory(tb, pid, "status", "VmRSS:")
}

// pss is what a process has resident in MB, its part of what it shares.
func pss(tb testing.TB, pid int) float64 {
	tb.Helper()
	return memory(tb, pid, "smaps_rollup", "Pss:")
}

// memory is a line of one of the files in /proc about a process, in MB.
func memory(tb testing.TB, pid int, file, name string) float64 {
	tb.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, name); ok {
			kb, _ := strconv.Atoi(strings.Fields(v)[0])
			return float64(kb) * 1024 / 1e6
		}
	}
	tb.Fatal("no " + name)
	return 0
}

// usage is the space and the number of inodes below a directory, mounts left
// out, each inode once.
func usage(tb testing.TB, dirs ...string) (bytes int64, inodes int) {
	tb.Helper()
	seen := map[uint64]bool{}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			ino, blocks := inode(name)
			if !seen[ino] {
				seen[ino] = true
				bytes += blocks * 512
				inodes++
			}
			return nil
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	return bytes, inodes
}
