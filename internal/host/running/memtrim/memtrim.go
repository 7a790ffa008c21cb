// Package memtrim reduces the memory of a running process. left4me is one large program with several
// roles, and most of its processes are shims, which use only a small part of it.
package memtrim

import (
	"bufio"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"
)

// Process releases memory that only the start of this process needed. The initialization of all
// packages would otherwise keep some 10 MB of the program file resident per process. Pages that are
// needed again are read from the page cache. If /proc can't be read, Process does nothing.
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

// programPages parses a line of /proc/self/maps (proc_pid_maps(5)). It reports whether the mapping
// belongs to exe and is not writable; only then are its pages backed by the file.
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
