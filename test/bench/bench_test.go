//go:build bench

// Package bench measures left4me from outside: the real programs run on a simulated installation,
// and each figure is compared with a reference program in the same run.
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

// median sorts all in place and returns its median.
func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// cpu returns the processor time that the live threads of a process have used. It reads schedstat,
// whose first number is in nanoseconds; proc_pid_stat(5) counts in units of 10 ms, all that a shim
// uses in half a minute. Threads that have ended are not counted, but Go keeps its threads.
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

// rss returns the resident memory of a process in MB (10^6 bytes).
func rss(tb testing.TB, pid int) float64 {
	tb.Helper()
	return memory(tb, pid, "status", "VmRSS:")
}

// own returns the anonymous part of a process's resident memory, without pages of files, in MB.
func own(tb testing.TB, pid int) float64 {
	tb.Helper()
	return memory(tb, pid, "status", "RssAnon:")
}

// pss returns the proportional set size of a process in MB: resident memory with shared pages
// divided among the processes that share them.
func pss(tb testing.TB, pid int) float64 {
	tb.Helper()
	return memory(tb, pid, "smaps_rollup", "Pss:")
}

// memory returns the value of one line of a file in /proc/PID, in MB.
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
	tb.Fatal("no line " + name)
	return 0
}

// usage returns the space and the number of inodes under the directories, without other mounts.
// Each inode counts once.
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
