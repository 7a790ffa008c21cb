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

// cpu is what the threads of a process have used (schedstat, whose first number is in
// nanoseconds; proc_pid_stat(5) counts in 10 ms, which is all that a shim uses in half
// a minute). What threads used that have ended is not in it: Go keeps its threads.
func cpu(tb testing.TB, pid int) (used time.Duration) {
	tb.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(tasks) == 0 {
		tb.Fatalf("no threads of %d: %v", pid, err)
	}
	for _, task := range tasks {
		b, _ := os.ReadFile(task)
		first, _, _ := strings.Cut(string(b), " ")
		ns, _ := strconv.ParseInt(first, 10, 64)
		used += time.Duration(ns)
	}
	return used
}

// rss is the resident memory of a process in MB (10^6 bytes).
func rss(tb testing.TB, pid int) float64 {
	tb.Helper()
	return memory(tb, pid, "status", "VmRSS:")
}

// own is what of that is the process's own, not pages of files, in MB.
func own(tb testing.TB, pid int) float64 {
	tb.Helper()
	return memory(tb, pid, "status", "RssAnon:")
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
