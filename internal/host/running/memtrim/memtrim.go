// Package memtrim makes a running program small. left4me is one large program in
// several roles, and the largest number of its processes are shims, which use
// little of it.
package memtrim

import (
	"bufio"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"
)

// Process gives back what only the beginning of this process needed. What all
// packages did as they were initialised stays resident otherwise, some ten
// megabytes of the program's own file for each process. What is needed again
// comes back from the page cache by itself. Where /proc can't be read nothing
// happens.
func Process() {
	debug.FreeOSMemory()
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		if from, to, ok := programPages(lines.Text(), exe); ok {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED)
		}
	}
}

// programPages reads a line of /proc/self/maps (proc_pid_maps(5)) and reports
// whether it is of exe and can't be written to: only such pages are the file's.
func programPages(line, exe string) (from, to uintptr, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 6 || strings.Contains(fields[1], "w") || !strings.HasSuffix(line, " "+exe) {
		return 0, 0, false
	}
	var a, b uint64
	if _, err := fmt.Sscanf(fields[0], "%x-%x", &a, &b); err != nil || a >= b {
		return 0, 0, false
	}
	return uintptr(a), uintptr(b), true
}
