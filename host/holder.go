package host

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// holder names the program that has a port, as far as this user may see:
// "srcds_linux (pid 4242)", or "another program".
func holder(port int, protocol string) string {
	inodes := map[string]bool{}
	for _, table := range []string{protocol, protocol + "6"} {
		for _, inode := range socketsOn(filepath.Join("/proc/net", table), port) {
			inodes["socket:["+inode+"]"] = true
		}
	}
	pids, err := os.ReadDir("/proc")
	if err != nil || len(inodes) == 0 {
		return "another program"
	}
	for _, p := range pids {
		if _, err := strconv.Atoi(p.Name()); err != nil {
			continue
		}
		fds, err := os.ReadDir(filepath.Join("/proc", p.Name(), "fd"))
		if err != nil {
			continue // another user's process
		}
		for _, fd := range fds {
			link, err := os.Readlink(filepath.Join("/proc", p.Name(), "fd", fd.Name()))
			if err == nil && inodes[link] {
				return fmt.Sprintf("%s (pid %s)", programName(p.Name()), p.Name())
			}
		}
	}
	return "a program of another user"
}

func programName(pid string) string {
	b, err := os.ReadFile(filepath.Join("/proc", pid, "comm"))
	if err != nil {
		return "a program"
	}
	return strings.TrimSpace(string(b))
}

// socketsOn returns the inodes of sockets that are bound to a port. TCP sockets
// count only while they listen. The table is that of proc(5): local address and
// port in hexadecimal, state, inode as the tenth column.
func socketsOn(table string, port int) []string {
	f, err := os.Open(table)
	if err != nil {
		return nil
	}
	defer f.Close()
	const listening, unconnected = "0A", "07"
	want := fmt.Sprintf(":%04X", port)
	var inodes []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		col := strings.Fields(lines.Text())
		if len(col) > 9 && strings.HasSuffix(col[1], want) && (col[3] == listening || col[3] == unconnected) {
			inodes = append(inodes, col[9])
		}
	}
	return inodes
}
