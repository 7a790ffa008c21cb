// Package gamelog writes the log of the simulated server to files, to the console and to the addresses
// of logaddress_add.
//
// Lines contain the server's local time, and each is sent in a datagram of its own. Each map starts a
// new file. Like the engine, the package logs and sends nothing before "log on". Errors do not affect
// the game and are ignored.
package gamelog

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/left4me/left4me/source/srcdslog"
)

// ErrLoopback is returned for a target in 127/8.
var ErrLoopback = errors.New("loopback address")

// Log is the log of one server. It is not safe for concurrent use.
type Log struct {
	Dir      string                                   // game directory, which contains logs/
	Loopback bool                                     // allow targets in 127/8
	Print    func(text string)                        // prints answers to commands
	Echo     func(text string)                        // prints lines of the log to the console
	Send     func(to netip.AddrPort, datagram []byte) // sends from the game's socket, by which receivers identify the server
	Settings func() Settings

	on      bool
	file    *os.File
	name    string
	targets []netip.AddrPort
}

// Settings are the console variables that configure the log.
type Settings struct {
	Echo, Files, OneFile bool
	Subdir               string // sv_logsdir
	Secret               string // in decimal, empty for none
	Version              string // server version, for the first line
}

// On reports whether logging is enabled.
func (l *Log) On() bool { return l.on }

// Start enables logging.
func (l *Log) Start() {
	if l.on {
		return
	}
	l.on = true
	l.Print("Server logging enabled.\n")
	l.open()
}

// Stop disables logging.
func (l *Log) Stop() {
	if !l.on {
		return
	}
	l.close()
	l.on = false
	l.Print("Server logging disabled.\n")
}

// Rotate starts a new file, as a new map does.
func (l *Log) Rotate() {
	if l.on && !l.Settings().OneFile {
		l.close()
		l.open()
	}
}

// Line logs a line, given without its time.
func (l *Log) Line(format string, args ...any) {
	if !l.on {
		return
	}
	l.write(time.Now().Format("L 01/02/2006 - 15:04:05: ") + fmt.Sprintf(format, args...))
}

func (l *Log) write(line string) {
	s := l.Settings()
	if l.file != nil {
		fmt.Fprintln(l.file, line)
	}
	if s.Echo {
		l.Echo(line + "\n")
	}
	for _, to := range l.targets { // a line break ends the datagram; the rest has no time
		for part := range strings.SplitSeq(line, "\n") {
			l.Send(to, srcdslog.AppendDatagram(nil, s.Secret, part))
		}
	}
}

// open creates the first log file of the day that does not exist yet.
func (l *Log) open() {
	s := l.Settings()
	if !s.Files || !filepath.IsLocal(s.Subdir) {
		return
	}
	dir := filepath.Join(l.Dir, s.Subdir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return
	}
	day := time.Now().Format("0102")
	for n := range 1000 {
		name := fmt.Sprintf("L%s%03d.log", day, n)
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o644)
		if err != nil {
			if os.IsExist(err) {
				continue
			}
			return
		}
		l.file, l.name = f, s.Subdir+"/"+name
		l.Print(fmt.Sprintf("Server logging data to file %s\n", l.name))
		l.Line(`Log file started (file "%s") (game "%s") (version "%s")`, l.name, l.Dir, s.Version)
		return
	}
}

func (l *Log) close() {
	if l.file == nil {
		return
	}
	l.Line("Log file closed.")
	l.file.Close()
	l.file = nil
}

// Add adds a target. It reports whether the target is new.
func (l *Log) Add(to netip.AddrPort) (bool, error) {
	if to.Addr().Unmap().IsLoopback() && !l.Loopback {
		return false, ErrLoopback
	}
	if slices.Contains(l.targets, to) {
		return false, nil
	}
	l.targets = append(l.targets, to)
	return true, nil
}

// Delete removes a target and reports whether it existed.
func (l *Log) Delete(to netip.AddrPort) bool {
	i := slices.Index(l.targets, to)
	if i < 0 {
		return false
	}
	l.targets = slices.Delete(l.targets, i, i+1)
	return true
}

// DeleteAll removes all targets.
func (l *Log) DeleteAll() { l.targets = nil }

// Targets returns the targets of the log.
func (l *Log) Targets() []netip.AddrPort { return l.targets }
