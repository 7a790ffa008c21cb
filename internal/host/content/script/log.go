package script

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/content/sandbox"
	"github.com/left4me/left4me/internal/host/running/terminal"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	// maxLogs is the number of logs kept per overlay.
	maxLogs = 10
	// maxChunk limits how much of a log one call reads, in bytes.
	maxChunk = 1 << 20
	// maxLog limits the size of a stored log in bytes. A run writes slightly less.
	maxLog = sandbox.MaxLog + 1<<20
)

// LogFile returns the path of a run's complete log, as printed by the script. The directory's name is
// not a valid server name.
func (b *Builder) LogFile(overlay, id left4me.Name) string {
	return filepath.Join(b.Root, "logs", ".builds", string(overlay), string(id)+".log")
}

// keepLog copies the log of a run to its permanent place and removes the oldest logs.
func (b *Builder) keepLog(overlay, id left4me.Name, dir string) error {
	from, err := openFile(filepath.Join(dir, sandbox.LogName))
	if errors.Is(err, fs.ErrNotExist) { // the run was never set up
		return nil
	}
	if err != nil {
		return err
	}
	defer from.Close()
	to := b.LogFile(overlay, id)
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return err
	}
	tmp := to + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NOFOLLOW, 0o640)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, io.LimitReader(from, maxLog))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(tmp, to)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return dropLogs(filepath.Dir(to))
}

// dropLogs removes all but the newest logs. Names of runs sort by time.
func dropLogs(dir string) error {
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	slices.Sort(logs)
	for _, old := range logs[:max(0, len(logs)-maxLogs)] {
		err = errors.Join(err, os.Remove(old))
	}
	return err
}

// openFile opens a regular file that a script may have replaced by another kind of file.
func openFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, errors.Join(err, &fs.PathError{Op: "open", Path: name, Err: errors.New("it is no file")})
	}
	return f, nil
}

// followed is the log of a running script.
type followed struct {
	file  *os.File // nil if there is none
	clean terminal.Cleaner
	print func(string)
	left  int64 // number of bytes that may still be shown
}

func newLog(name string, print func(string)) *followed {
	f, _ := openFile(name)
	return &followed{file: f, print: print, left: maxLog}
}

// read prints new output. If end is set, it reads to the end of the log; otherwise it returns after
// maxChunk bytes.
func (l *followed) read(end bool) {
	if l.file == nil {
		return
	}
	buf := make([]byte, 64<<10)
	for read := 0; l.left > 0 && (end || read < maxChunk); {
		n, err := l.file.Read(buf[:min(int64(len(buf)), l.left)])
		l.left -= int64(n)
		read += n
		l.lines(l.clean.Clean(nil, buf[:n]))
		if err != nil || n == 0 {
			break
		}
	}
	if end {
		l.lines(l.clean.Flush(nil))
	}
}

func (l *followed) lines(b []byte) {
	for line := range bytes.Lines(b) {
		l.print(strings.TrimSuffix(string(line), "\n"))
	}
}

func (l *followed) close() {
	if l.file != nil {
		l.file.Close()
	}
}
