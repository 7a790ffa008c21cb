package steamcmd

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
)

// What an error quotes of the last lines that were printed.
const (
	lastLines = 5
	lastBytes = 240 // of each
)

// offlineCode is what SteamCMD's updater exits with when it can't reach Steam.
const offlineCode = 254

// keep remembers the last lines for an error.
func (s *said) keep(text string) {
	if text == "" {
		return
	}
	if len(text) > lastBytes { // the end of a line names the reason
		text = strings.ToValidUTF8(text[:lastBytes/4]+"…"+text[len(text)-lastBytes*3/4:], "")
	}
	if len(s.last) == lastLines {
		s.last = slices.Delete(s.last, 0, 1)
	}
	s.last = append(s.last, text)
}

// cannotRun reports whether what ended was no SteamCMD that works: it ended before
// any line that SteamCMD prints itself. Another try can't help then. Excepted are
// an end by somebody's signal, the exit code of SteamCMD's updater without a
// network, and a disk that a wrapper could not write to.
func (s *said) cannotRun(end ending) bool {
	unknown := end.code == 126 || end.code == 127 // a shell's codes for a program that it can't run
	switch {
	case s.cause == NotStarted, unknown:
		return true
	case s.spoke, end.signal != 0 && !end.crashed(), end.code == offlineCode:
		return false
	}
	return s.cause != DiskFull && s.cause != NotWritable
}

// cannotRun is the failure of a program that ended before SteamCMD began.
func (t Tool) cannotRun(s said, end ending) error {
	how := fmt.Sprintf("exit code %d", end.code)
	if end.signal != 0 {
		how = end.signal.String()
	}
	words := fmt.Sprintf("%s ended with %s before SteamCMD printed a line", t.Script, how)
	if s.spoke {
		words = fmt.Sprintf("%s ended with %s", t.Script, how)
	}
	if len(s.last) > 0 {
		words += "; its last lines: " + strings.Join(s.last, " / ")
	}
	f := failure(NotStarted, words)
	f.Hint = t.toRun()
	return f
}

// notStarted explains why the system refused to run SteamCMD.
func (t Tool) notStarted(err error) error {
	words, hint := t.Script+": "+err.Error(), t.toRun()
	interpreter, script := t.interpreter()
	switch {
	case errors.Is(err, fs.ErrNotExist) && script:
		words = fmt.Sprintf("its first line names %s, which is not there", interpreter)
		hint = fmt.Sprintf("correct the first line (#!) of %s, or install %s", t.Script, interpreter)
	case errors.Is(err, fs.ErrNotExist):
		words = t.Script + " needs a loader that is missing"
	case errors.Is(err, unix.ENOEXEC) && isELF(t.Script):
		words = t.Script + " is not a program for this machine, or the kernel does not run 32-bit programs"
	case errors.Is(err, unix.ENOEXEC):
		words = t.Script + " is neither a program nor a script that begins with #!"
		hint = "write #!/bin/sh as the first line of " + t.Script
	case errors.Is(err, fs.ErrPermission):
		public, _ := left4me.Public(notExecutable(t.Script))
		words, hint = public.Text, public.Hint
	}
	f := failure(NotStarted, words)
	f.Hint = hint
	return f
}

// interpreter is what the first line of a script names; false for anything else.
func (t Tool) interpreter() (string, bool) {
	f, err := openPlain(t.Script)
	if err != nil {
		return "", false
	}
	defer f.Close()
	line, _ := bufio.NewReader(io.LimitReader(f, 256)).ReadString('\n')
	words, script := strings.CutPrefix(line, "#!")
	fields := strings.Fields(words)
	if !script || len(fields) == 0 {
		return "", false
	}
	return fields[0], true
}

// toRun says what a machine needs to run SteamCMD: what its program lacks when
// that can be read, or else what it usually is.
func (t Tool) toRun() string {
	if public, known := left4me.Public(t.Libraries()); known {
		return public.Hint
	}
	for _, dir := range []string{t.Script, t.Home} {
		if noExec(dir) {
			return dir +
				" is on a file system that is mounted with noexec: as root: mount -o remount,exec its mount point, or use another place"
		}
	}
	usual := "SteamCMD is a 32-bit x86 program: as root: apt-get install lib32gcc-s1 lib32stdc++6 libc6-i386"
	if runtime.GOARCH != "amd64" {
		usual = "SteamCMD is a 32-bit x86 program: as root: dpkg --add-architecture i386, apt-get update, " +
			"apt-get install qemu-user libc6:i386 libstdc++6:i386 libgcc-s1:i386 (on amd64: lib32gcc-s1)"
	}
	return fmt.Sprintf("%s; then run it by hand as %s, with HOME=%s: %s +quit", usual, whoAmI(), t.Home, t.Script)
}

// notExecutable says why a file can't be executed.
func notExecutable(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.Mode()&0o111 != 0 && noExec(path) {
		return left4me.Errorf(left4me.Denied, "%s is on a file system that is mounted with noexec", path).
			WithHint("as root: mount -o remount,exec its mount point, or put SteamCMD in another place")
	}
	return left4me.Errorf(left4me.Denied, "%s is not executable for %s", path, whoAmI()).WithHint("chmod +x " + path)
}

// noExec reports whether a path is on a file system that runs no programs.
func noExec(path string) bool {
	var st syscall.Statfs_t
	return syscall.Statfs(path, &st) == nil && st.Flags&unix.ST_NOEXEC != 0
}
