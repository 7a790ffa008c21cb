package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/left4me/left4me/sim/srcds/internal/console"
	"github.com/left4me/left4me/sim/srcds/internal/content"
	"github.com/left4me/left4me/sim/srcds/internal/game"
	"github.com/left4me/left4me/sim/srcds/internal/gamelog"
	"github.com/left4me/left4me/sim/srcds/internal/query"
	"github.com/left4me/left4me/source/srcdslog"
)

// server is a simulated server. Like the engine, one goroutine does all the work, in [server.run]; the
// goroutines of the sockets and of standard input only pass on what they read. So the server answers
// nothing while a map is loading, and never again after a hang.
type server struct {
	opt   options
	root  string
	out   io.Writer
	con   *console.Console
	files *content.Content
	game  *game.Game
	log   *gamelog.Log
	query *query.Responder

	conn    *net.UDPConn
	address netip.AddrPort // address of conn
	rcon    net.Listener   // nil if its port was in use

	sourceTV *net.UDPConn // nil if disabled

	work    chan func()
	beat    *time.Timer
	started time.Time
	maps    int // number of maps loaded

	current     string // current map, or empty
	next        string // map to load before other work
	nextMode    string
	hibernating bool
	capture     *strings.Builder // receives the output of an RCON command instead of out

	passwordChanges int
	bans            bans
	ignoreSIGINT    atomic.Bool
}

func newServer(root string, opt options, out io.Writer) *server {
	s := &server{
		opt: opt, root: root, out: out, query: query.New(), started: time.Now(), work: make(chan func()),
		bans: newBans(), files: &content.Content{},
	}
	s.con = console.New(s.print)
	s.con.Changed = s.changed
	s.con.ReadScript = func(name string) ([]byte, error) { return s.files.ReadFile("cfg/" + name) }
	s.log = &gamelog.Log{
		Dir: filepath.Join(root, opt.game), Loopback: opt.sim.logLoopback,
		Print: s.print, Echo: s.console, Send: s.send, Settings: s.logSettings,
	}
	seed := opt.sim.seed
	if !opt.sim.hasSeed {
		seed = uint64(opt.port)
	}
	s.game = game.New(seed, opt.sim.players, s.log.Line)
	s.game.Allowed = func(id srcdslog.SteamID, from netip.Addr) bool { return !s.bans.has(id, from, time.Now()) }
	s.addCommands()
	faultCommands{s}.add()
	return s
}

// run runs the server. It returns the exit code if the server cannot start; otherwise a command or
// signal ends the process.
func (s *server) run() int {
	faultCommands{s}.watchSignals()
	if code, ok := s.start(); !ok {
		return code
	}
	s.beat = time.NewTimer(time.Hour)
	s.wakeBeat()
	go s.readConsole(os.Stdin)
	go s.readQueries()
	s.serveRCON()
	s.loadRequestedMaps()
	for {
		select {
		case do := <-s.work:
			do()
		case <-s.beat.C:
			s.playBeat()
		}
		s.loadRequestedMaps()
	}
}

// loadRequestedMaps loads the maps that commands requested. The commands do not load them, so the rest of their
// line is executed first.
func (s *server) loadRequestedMaps() {
	for s.next != "" {
		first := s.maps == 0
		s.loadMap()
		if first && s.current != "" {
			s.armFaults()
		}
	}
}

// armFaults starts the timers of failures that occur after the first map.
func (s *server) armFaults() {
	f := s.opt.sim.faults
	if f.flood != "" {
		faultCommands{s}.flood(f.flood)
	}
	if f.crashAfter > 0 {
		time.AfterFunc(f.crashAfter, func() { s.do(func() { faultCommands{s}.crash(f.crash) }) })
	}
	if f.hangAfter > 0 {
		time.AfterFunc(f.hangAfter, func() { s.do(hang) })
	}
}

// do runs f on the engine's goroutine and waits until it returns.
func (s *server) do(f func()) {
	done := make(chan struct{})
	s.work <- func() {
		defer close(done)
		f()
	}
	<-done
}

// print writes to the console, or to the answer of an RCON command.
func (s *server) print(text string) {
	if s.capture != nil {
		s.capture.WriteString(text)
		return
	}
	s.console(text)
}

// console writes to the console, whatever the source of the command.
func (s *server) console(text string) { _, _ = io.WriteString(s.out, text) }

func (s *server) printf(format string, args ...any) { s.print(fmt.Sprintf(format, args...)) }

// interval returns the time between two beats.
func (s *server) interval() time.Duration {
	const usual, shortest = 4 * time.Second, 10 * time.Millisecond
	return max(shortest, time.Duration(float64(usual)/s.opt.sim.tempo))
}

// wakeBeat restarts the beat timer, or stops it if no players can join.
func (s *server) wakeBeat() {
	if s.beat == nil {
		return
	}
	s.beat.Stop()
	if s.game.Average() > 0 {
		s.beat.Reset(s.interval())
	}
}

// playBeat performs a beat of the game.
func (s *server) playBeat() {
	if s.playing() {
		switch s.game.Beat(time.Now()) {
		case game.Completed:
			s.next = s.files.Next(s.con.String("mp_gamemode"), s.current)
		case game.Lost:
			s.next = s.current
		}
		s.updateHibernation()
	}
	s.wakeBeat()
}

// playing reports whether a map is loaded.
func (s *server) playing() bool { return s.current != "" }

// updateHibernation prints a message when the last player has left or the first one has joined.
func (s *server) updateHibernation() {
	empty := s.game.Humans() == 0 && s.con.Bool("sv_hibernate_when_empty")
	if empty == s.hibernating {
		return
	}
	s.hibernating = empty
	if empty {
		s.print("Server is hibernating\n")
	} else {
		s.print("Server waking up from hibernation\n")
	}
}

// changed handles the change of a variable.
func (s *server) changed(v *console.Var) {
	switch v.Name {
	case "rcon_password":
		s.passwordChanges++
	case "sv_hibernate_when_empty":
		s.updateHibernation()
	}
	if v.Flags&console.Notify != 0 {
		value := v.Value
		if v.Flags&console.Protected != 0 {
			value = "***PROTECTED***"
		}
		s.log.Line(`server_cvar: "%s" "%s"`, v.Name, value)
	}
}

func (s *server) logSettings() gamelog.Settings {
	secret := s.con.String("sv_logsecret")
	if s.con.Int("sv_logsecret") == 0 {
		secret = ""
	}
	return gamelog.Settings{
		Echo: s.con.Bool("sv_logecho"), Files: s.con.Bool("sv_logfile"), OneFile: s.con.Bool("sv_log_onefile"),
		Subdir: s.con.String("sv_logsdir"), Secret: secret, Version: build,
	}
}
