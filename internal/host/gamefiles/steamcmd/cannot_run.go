package steamcmd

import (
	"bufio"
	"errors"
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

// Limits for the output that an error quotes.
const (
	lastLines = 5
	lastBytes = 240 // bytes kept of a line
)

// offlineCode is the exit code of SteamCMD's updater when it cannot reach Steam.
const offlineCode = 254

// keepLine stores a line for a later error, at most lastLines of them.
func (s *outputState) keepLine(text string) {
	if text == "" {
		return
	}
	if len(text) > lastBytes { // keep the end of the line too: it names the reason
		text = strings.ToValidUTF8(text[:lastBytes/4]+"…"+text[len(text)-lastBytes*3/4:], "")
	}
	if len(s.last) == lastLines {
		s.last = slices.Delete(s.last, 0, 1)
	}
	s.last = append(s.last, text)
}

// cannotRun reports whether the process ended before SteamCMD printed any line of its own, so that
// another attempt cannot help. Exceptions are an end by an external signal, the exit code that
// SteamCMD's updater uses without a network, and a disk that a wrapper could not write to.
func (s *outputState) cannotRun(end ending) bool {
	unknown := end.code == 126 || end.code == 127 // exit codes of a shell for a program that it cannot run
	switch {
	case s.cause == NotStarted, unknown:
		return true
	case s.ownOutput, end.signal != 0 && !end.crashed(), end.code == offlineCode:
		return false
	}
	return s.cause != DiskFull && s.cause != NotWritable
}

// cannotRun returns the error for a program that ended before SteamCMD started.
func (t Tool) cannotRun(s outputState, end ending) error {
	how := end.how()
	lines, advice := strings.Join(s.last, " / "), t.toRun()
	if s.ownOutput {
		return left4me.NewError(left4me.Unavailable, "steamcmd.ended", "script", t.Script, "how", how, "lines", lines, "advice", advice).
			Because(NotStarted)
	}
	return left4me.NewError(left4me.Unavailable, "steamcmd.ended_silent", "script", t.Script, "how", how, "lines", lines, "advice", advice).
		Because(NotStarted)
}

// notStarted returns the error for a SteamCMD that the kernel refused to execute.
func (t Tool) notStarted(err error) error {
	var e *left4me.Error
	interpreter, script := t.interpreter()
	switch {
	case errors.Is(err, fs.ErrNotExist) && script:
		e = left4me.NewError(left4me.Unavailable, "steamcmd.no_interpreter", "interpreter", interpreter, "script", t.Script)
	case errors.Is(err, fs.ErrNotExist):
		e = left4me.NewError(left4me.Unavailable, "steamcmd.no_loader", "script", t.Script, "advice", t.toRun())
	case errors.Is(err, unix.ENOEXEC) && isELF(t.Script):
		e = left4me.NewError(left4me.Unavailable, "steamcmd.other_machine", "script", t.Script, "advice", t.toRun())
	case errors.Is(err, unix.ENOEXEC):
		e = left4me.NewError(left4me.Unavailable, "steamcmd.no_script", "script", t.Script)
	case errors.Is(err, fs.ErrPermission):
		public, _ := left4me.Public(notExecutable(t.Script))
		e = left4me.NewError(left4me.Unavailable, "steamcmd.not_permitted", "error", public)
	default:
		e = left4me.NewError(left4me.Unavailable, "steamcmd.refused", "script", t.Script, "reason", err, "advice", t.toRun())
	}
	return e.Because(NotStarted)
}

// interpreter returns the interpreter named in the first line of a script, or false for any other
// file.
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

// how describes how the process ended.
func (e ending) how() *left4me.Error {
	if e.signal != 0 {
		return left4me.NewError(left4me.Unavailable, "process.signal", "signal", e.signal)
	}
	return left4me.NewError(left4me.Unavailable, "process.exit_code", "code", e.code)
}

// toRun describes what the machine needs to run SteamCMD: the missing libraries if the program can
// be read, otherwise the usual requirements.
func (t Tool) toRun() *left4me.Error {
	if public, known := left4me.Public(t.Libraries()); known {
		return left4me.NewError(left4me.Unavailable, "steamcmd.lacks_libraries", "error", public)
	}
	for _, dir := range []string{t.Script, t.Home} {
		if noExec(dir) {
			return left4me.NewError(left4me.Unavailable, "steamcmd.on_noexec", "path", dir)
		}
	}
	if runtime.GOARCH != "amd64" {
		return left4me.NewError(left4me.Unavailable, "steamcmd.needs_32_bit_emulated", "user", whoAmI(), "home", t.Home, "script", t.Script)
	}
	return left4me.NewError(left4me.Unavailable, "steamcmd.needs_32_bit", "user", whoAmI(), "home", t.Home, "script", t.Script)
}

// notExecutable returns the error for a file that cannot be executed.
func notExecutable(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.Mode()&0o111 != 0 && noExec(path) {
		return left4me.NewError(left4me.Denied, "steamcmd.noexec", "path", path)
	}
	return left4me.NewError(left4me.Denied, "steamcmd.not_executable", "path", path, "user", whoAmI())
}

// noExec reports whether a path is on a file system mounted with noexec.
func noExec(path string) bool {
	var st syscall.Statfs_t
	return syscall.Statfs(path, &st) == nil && st.Flags&unix.ST_NOEXEC != 0
}
