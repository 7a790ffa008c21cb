package main

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/left4me/left4me/sim/srcds/internal/console"
)

// faults are the simulated failures configured by the environment.
type faults struct {
	crashAtStart string        // SIM_CRASH_AT_START=segv|abort|quit: crash before the socket is open
	crashAfter   time.Duration // SIM_CRASH_AFTER: crash this long after the first map is loaded; SIM_CRASH selects how
	crash        string        // SIM_CRASH=segv|abort|quit: quit exits with status 0, as a plugin may do
	hangAfter    time.Duration // SIM_HANG_AFTER: like crashAfter, but hang
	slowStart    time.Duration // SIM_SLOW_START: additional load time of the first map
	flood        string        // SIM_FLOOD="LINES BYTES": flood the console after the first map is loaded
	wrongPort    int           // SIM_WRONG_PORT: number of ports by which it misses the wanted one
	// SIM_STEAM=nolibrary|lost|same: the Steam library is missing, the connection is lost immediately,
	// or the server has its own public address
	steam        string
	reserved     string // SIM_RESERVED=HEX: reserved by a lobby
	ignoreQuit   bool   // SIM_IGNORE_QUIT=1
	ignoreSIGINT bool   // SIM_IGNORE_SIGINT=1
}

func parseFaults(env func(string) string) faults {
	return faults{
		crashAtStart: env("SIM_CRASH_AT_START"),
		crashAfter:   duration(env("SIM_CRASH_AFTER"), 0),
		crash:        env("SIM_CRASH"),
		hangAfter:    duration(env("SIM_HANG_AFTER"), 0),
		slowStart:    duration(env("SIM_SLOW_START"), 0),
		flood:        env("SIM_FLOOD"),
		wrongPort:    number(env("SIM_WRONG_PORT"), 0),
		steam:        env("SIM_STEAM"),
		reserved:     env("SIM_RESERVED"),
		ignoreQuit:   env("SIM_IGNORE_QUIT") == "1",
		ignoreSIGINT: env("SIM_IGNORE_SIGINT") == "1",
	}
}

// faultCommands implements the commands and signals that trigger failures.
type faultCommands struct{ server *server }

// add adds the commands that a real server does not have.
func (c faultCommands) add() {
	add := func(name, help string, run func(console.Args)) { c.server.con.Command("sim_"+name, help, run) }
	add("crash", "sim_crash [segv|abort|quit]: crash with the signal, or exit as if a plugin had called quit.",
		func(a console.Args) { c.crash(a.Word(0)) })
	add("hang", "sim_hang: stop answering permanently.", func(console.Args) { hang() })
	add("flood", "sim_flood <lines> <bytes>: print as fast as possible.", func(a console.Args) { c.flood(a.Rest) })
	add("map_load", "sim_map_load <duration>: set the load time of maps.", func(a console.Args) {
		c.server.opt.sim.mapLoad = duration(a.Word(0), c.server.opt.sim.mapLoad)
	})
	add("ignore_quit", "sim_ignore_quit <0|1>", func(a console.Args) { c.server.opt.sim.faults.ignoreQuit = a.Word(0) == "1" })
	add("ignore_sigint", "sim_ignore_sigint <0|1>", func(a console.Args) { c.server.ignoreSIGINT.Store(a.Word(0) == "1") })
	add("out_of_date", "sim_out_of_date: print the messages of a server about an available update.", func(console.Args) {
		c.server.console("MasterRequestRestart\nYour server needs to be restarted in order to receive the latest update.\n")
	})
	add("reserve", "sim_reserve [hex]: a lobby reserves the server, or releases it.",
		func(a console.Args) { c.server.opt.sim.faults.reserved = a.Word(0) })
	add("file", "sim_file <name>: print a file of the game.", func(a console.Args) {
		text, err := c.server.files.ReadFile(a.Word(0))
		if err != nil {
			c.server.con.Printf("sim_file: no %s\n", a.Word(0))
			return
		}
		c.server.print(strings.TrimSuffix(string(text), "\n") + "\n")
	})
	add("players", "sim_players <n>: set the average number of players.", func(a console.Args) {
		c.server.game.SetAverage(number(a.Word(0), c.server.game.Average()))
		c.server.wakeBeat()
	})
	add("tempo", "sim_tempo <factor>: set the speed of the players.", func(a console.Args) {
		if t := float64(duration(a.Word(0), 0)) / float64(time.Second); t > 0 {
			c.server.opt.sim.tempo = t
			c.server.wakeBeat()
		}
	})
	add("join", "sim_join <name>: a player joins.", func(a console.Args) {
		if !c.server.playing() || c.server.game.Join(a.Text(), time.Now()) == nil {
			c.server.con.Printf("sim_join: %s cannot join\n", a.Text())
		}
		c.server.updateHibernation()
	})
	add("leave", "sim_leave <name>: a player leaves.", func(a console.Args) {
		if p := c.server.game.Find(a.Text()); p != nil {
			c.server.game.Leave(p, "Disconnect by user.", time.Now())
		}
		c.server.updateHibernation()
	})
	add("no_logon", "sim_no_logon <name>: a player loses the connection to Steam; the reason contains a line break.", func(a console.Args) {
		if p := c.server.game.Find(a.Text()); p != nil {
			c.server.game.Leave(p, "No Steam logon\n", time.Now())
		}
		c.server.updateHibernation()
	})
	add("say", "sim_say <userid> <text>: a player sends a chat message.", func(a console.Args) {
		if p := c.server.game.Find(a.Word(0)); p != nil {
			c.server.game.Say(p, strings.Join(a.Words[1:], " "))
		}
	})
}

// crash prints what the crash handler prints and kills the process by a real signal. The lines that
// usually follow are printed by the shell and by srcds_run.
func (c faultCommands) crash(how string) {
	if how == "quit" {
		c.server.log.Stop()
		os.Exit(0)
	}
	signalled := syscall.SIGSEGV
	if how == "abort" {
		signalled = syscall.SIGABRT
	}
	c.server.console("PreMinidumpCallback: updating dump comment\nUploading dump (out-of-process)\n" +
		time.Now().Format("/tmp/dumps/crash_20060102150405_1.dmp\n") + "success = yes\n")
	// A core file of the simulator would be useless.
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	dieBy(signalled)
}

// dieBy ends the process by a signal's default action. The Go runtime's handler would turn the signal
// into an exit, so dieBy first removes the handler without the runtime's knowledge.
func dieBy(sig syscall.Signal) {
	var action [64]byte // at least the size of struct sigaction on every Linux; all zero is SIG_DFL
	_, _, _ = syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
	_ = syscall.Kill(os.Getpid(), sig)
	hang()
}

// hang never returns. If the engine's goroutine calls it, everything that waits for the engine stops.
func hang() {
	for {
		time.Sleep(time.Hour)
	}
}

// flood prints lines of the given length in bytes, without the newline.
func (c faultCommands) flood(arguments string) {
	var lines, size int
	if _, err := fmt.Sscan(arguments, &lines, &size); err != nil || lines < 0 || size < 0 {
		c.server.print("Usage:  sim_flood <lines> <bytes>\n")
		return
	}
	const longest = 1 << 20
	size = min(size, longest)
	out := bufio.NewWriterSize(c.server.out, 32<<10)
	const words = "all work and no play makes the tank a dull boy "
	filler := strings.Repeat(words, size/len(words)+1)
	for n := range lines {
		line := fmt.Sprintf("%07d %s", n, filler)[:size]
		if _, err := out.WriteString(line + "\n"); err != nil {
			return
		}
	}
	_ = out.Flush()
	c.server.console("sim_flood done\n")
}

// watchSignals ends the process on SIGINT, whatever the engine is doing. SIGTERM keeps its default
// action.
func (c faultCommands) watchSignals() {
	c.server.ignoreSIGINT.Store(c.server.opt.sim.faults.ignoreSIGINT)
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, syscall.SIGINT)
	go func() {
		for range interrupts {
			if !c.server.ignoreSIGINT.Load() {
				os.Exit(0)
			}
		}
	}()
}
