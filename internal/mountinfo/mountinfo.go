// Package mountinfo reads the mount points in /proc/PID/mountinfo
// (proc_pid_mountinfo(5)).
//
// github.com/moby/sys/mountinfo 0.7.3 refuses a table with a line of more than 64 KiB, which an
// overlay with many layers has (findings/mountinfo-refuses-many-layers.sh).
package mountinfo

import (
	"os"
	"strconv"
	"strings"
)

// Self returns the mount points that this process sees, in the order of the table: a covered mount
// comes before the mount that covers it. A removed mount point ends in "//deleted".
func Self() ([]string, error) { return read("self") }

// Of is like Self for another process. It returns fs.ErrNotExist if the process does not exist.
func Of(pid int) ([]string, error) { return read(strconv.Itoa(pid)) }

func read(process string) ([]string, error) {
	table, err := os.ReadFile("/proc/" + process + "/mountinfo")
	if err != nil {
		return nil, err
	}
	return parse(string(table)), nil
}

// parse parses a table. It skips lines with fewer fields than the kernel writes.
func parse(table string) (points []string) {
	for line := range strings.Lines(table) {
		var point string
		ok := true
		for range 5 { // mount id, parent, device, root, mount point
			if point, line, ok = strings.Cut(line, " "); !ok {
				break
			}
		}
		if ok {
			points = append(points, unescape(point))
		}
	}
	return points
}

// unescape decodes a path: the kernel writes space, tab, newline, backslash and, in some fields,
// the number sign as a backslash with three octal digits.
func unescape(path string) string {
	if !strings.Contains(path, `\`) {
		return path
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] == '\\' && i+3 < len(path) {
			if c, err := strconv.ParseUint(path[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

// Under reports whether a mount point is dir or under it. dir must not end in a slash.
func Under(point, dir string) bool { return point == dir || strings.HasPrefix(point, dir+"/") }
