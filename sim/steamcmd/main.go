// Command steamcmd stands in for SteamCMD in the demo and in tests: it takes the same commands, prints what the real
// one prints, and installs a synthetic Left 4 Dead 2 dedicated server with build ids, depots and an app manifest.
//
//	steamcmd lay DIR [NAME=VALUE...]   lays DIR out as Valve's archive is: steamcmd.sh, linux32/steamcmd
//	steamcmd pack FILE [NAME=VALUE...] makes such an archive, steamcmd_linux.tar.gz
//	steamcmd +COMMAND WORDS... +quit   is SteamCMD
//
// As the real one it updates itself at its first start and exits with 42, which steamcmd.sh takes for "again"; keeps its
// logs, cache and logins in its HOME; prints at once on a terminal and by the block on a pipe; does not give app 222860
// to anonymous for Linux ("Invalid platform") unless an app manifest is there, as after a pass for Windows; resumes in
// steamapps/downloading what was cut; and with validate mends what is damaged or missing. Files that needn't change are
// not touched: the upper directory of an overlay gets what is new and nothing else.
//
// What it is to do stands in variables of the environment, or as lines NAME=VALUE in the file sim.env beside
// steamcmd.sh, which the environment overrides:
//
//	SIM_STEAM_BUILD=N       the newest build is 15800000+N (1); a newer one changes, adds and removes some files
//	SIM_STEAM_CHANGED=X     how many percent of the bulk a build changes (10)
//	SIM_STEAM_SIZE=5G       of the bulk, K, M or G (0: only what belongs to the game, some 2 MB)
//	SIM_STEAM_FILES=N       into how many files the bulk goes (100)
//	SIM_STEAM_GAME=N        how many files belong to the game itself (400, and never less than it needs)
//	SIM_STEAM_SPARSE=1      the bulk has a beginning and then holes
//	SIM_STEAM_SRCDS=PATH    the program that becomes srcds_linux (depot/srcds_linux beside steamcmd.sh, or noise)
//	SIM_STEAM_RATE=N        bytes a second of downloads, with K, M or G (as fast as it goes)
//	SIM_STEAM_TICK=500ms    how often progress is printed
//	SIM_STEAM_SCRATCH=      directory for what only the simulation needs; the home
//	SIM_STEAM_ANONYMOUS=1   the game is given to anonymous for Linux too
//	SIM_STEAM_ACCOUNT=USER:PASSWORD[:GUARD]  the account that owns the game
//	SIM_STEAM_INFO=hidden   app_info_print shows no depots, or with empty nothing at all
//	SIM_STEAM_FAULT=WHAT    what goes wrong:
//	    offline             no way out at the start: the updater's fatal error, exit code 254
//	    mute:N              it ends with that code before it prints a line, as a program that can't run
//	    no-connection       the login fails; also rate-limit
//	    appinfo             no information on the app comes
//	    reason:TEXT         the installation is refused with a reason, as No subscription
//	    state:0x602         it ends in that state while it downloads
//	    hang                it prints nothing any more, takes no SIGTERM, and makes Steam/sim-hangs in its HOME
//	    kill:NAME           it dies by a signal: KILL, SEGV, TERM
//	    lie                 it says that it succeeded, and srcds_run is not there
//	    damaged             the first time a file comes out damaged: state 0x6A6 until it is validated
//	    stale-cache         an appcache that was there before makes it fail (Missing configuration)
//	    noise               between its lines it prints what nobody can read
//	    exit:N              it ends with that code whatever it did
//	SIM_STEAM_FAULT_AT=N    at how many percent of the download (50); at -1 before the login is done
//	SIM_STEAM_FAULT_TIMES=N how often it goes wrong, counted in its HOME (always)
//
// A disk that is full needs no fault: it ends in state 0x202 when it really can't write.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) >= 2 && (args[0] == "lay" || args[0] == "pack") {
		made := lay
		if args[0] == "pack" {
			made = pack
		}
		if err := made(args[1], args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "steamcmd:", err)
			return 1
		}
		return 0
	}
	exe, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	own := filepath.Dir(filepath.Dir(exe)) // where steamcmd.sh is
	o, err := parseOptions(own, os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, "steamcmd:", err)
		return 1
	}
	s := &session{options: o, own: own, out: newPrinter(os.Stdout), vars: map[string]string{}}
	defer s.out.flush()
	return s.run(args)
}

// die ends the program by a signal, as a crash or the kernel would.
func die(name string) {
	sig := map[string]syscall.Signal{"SEGV": syscall.SIGSEGV, "TERM": syscall.SIGTERM, "ABRT": syscall.SIGABRT}[strings.ToUpper(name)]
	if sig == 0 {
		sig = syscall.SIGKILL
	}
	// By default Go makes a crash of a signal that it did not expect, with traces.
	signal.Reset()
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	if sig == syscall.SIGSEGV || sig == syscall.SIGABRT {
		os.Exit(128 + int(sig)) // as a shell tells it
	}
	_ = syscall.Kill(os.Getpid(), sig)
	select {}
}

// hang does nothing for good, and tells by a file that it begins.
func hang(told string) {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
	_ = os.WriteFile(told, nil, 0o644)
	for {
		_ = syscall.Pause()
	}
}
