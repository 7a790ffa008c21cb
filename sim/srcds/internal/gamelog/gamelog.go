// Package gamelog writes the log of the simulated server: into files, onto the console and to the addresses of
// logaddress_add.
//
// Lines have the server's local time, one datagram each. A new file begins with each map. As with the engine nothing is
// logged, nor sent, before "log on". Errors are of no consequence to the game and are dropped.
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

// Log is the log of one server. It isn't safe for concurrent use.
type Log struct {
	Dir      string                                   // of the game, above logs/
	Loopback bool                                     // targets in 127/8 are allowed
	Print    func(text string)                        // answers to commands
	Echo     func(text string)                        // lines of the log, for the console
	Send     func(to netip.AddrPort, datagram []byte) // from the socket of the game: receivers tell servers by it
	Settings func() Settings

	on      bool
	file    *os.File
	name    string
	targets []netip.AddrPort
}

// Settings are the variables of the console that matter here.
type Settings struct {
	Echo, Files, OneFile bool
	Subdir               string // sv_logsdir
	Secret               string // in decimal, empty for none
	Version              string // of the server, for the first line
}

// On says whether there is a log.
func (l *Log) On() bool { return l.on }

// Start begins the log.
func (l *Log) Start() {
	if l.on {
		return
	}
	l.on = true
	l.Print("Server logging enabled.\n")
	l.open()
}

// Stop ends the log.
func (l *Log) Stop() {
	if !l.on {
		return
	}
	l.close()
	l.on = false
	l.Print("Server logging disabled.\n")
}

// Rotate begins a new file, as a new map does.
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
	for _, to := range l.targets { // a line break ends the datagram; what follows has no time
		for part := range strings.SplitSeq(line, "\n") {
			l.Send(to, srcdslog.AppendDatagram(nil, s.Secret, part))
		}
	}
}

// open makes the first file of the day that isn't there yet.
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

// Add adds a target. It says whether it wasn't there yet.
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

// Delete removes a target and says whether it was there.
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

// Targets returns where the log goes.
func (l *Log) Targets() []netip.AddrPort { return l.targets }
