// Command steamcmd simulates SteamCMD for demos and tests: it accepts the same commands, prints the
// same messages, and installs a synthetic Left 4 Dead 2 dedicated server with build IDs, depots and an
// app manifest.
//
//	steamcmd lay DIR [NAME=VALUE...]   creates DIR with the layout of Valve's archive: steamcmd.sh, linux32/steamcmd
//	steamcmd pack FILE [NAME=VALUE...] creates such an archive, steamcmd_linux.tar.gz
//	steamcmd +COMMAND WORDS... +quit   runs commands like SteamCMD
//
// Like the real program it updates itself on its first start and exits with 42, after which steamcmd.sh
// starts it again; keeps logs, cache and logins in its HOME; writes unbuffered to a terminal and
// block-buffered to a pipe; refuses app 222860 for Linux to the anonymous account ("Invalid platform")
// unless an app manifest exists, for example from an update for Windows; resumes interrupted downloads
// from steamapps/downloading; and with validate repairs damaged and missing files. It does not touch
// unchanged files, so the upper directory of an overlay contains only what is new.
//
// It is configured by environment variables, or by lines NAME=VALUE in the file sim.env next to
// steamcmd.sh. The environment overrides the file. Defaults are in parentheses:
//
//	SIM_STEAM_BUILD=N       the newest build is 15800000+N (1); each build changes, adds and removes some files
//	SIM_STEAM_CHANGED=X     percentage of the bulk files that a build changes (10)
//	SIM_STEAM_SIZE=5G       total size of the bulk files, with K, M or G (0: only the files of the game, about 2 MB)
//	SIM_STEAM_FILES=N       number of bulk files (100)
//	SIM_STEAM_GAME=N        number of files of the game itself (400, and never fewer than it needs)
//	SIM_STEAM_SPARSE=1      bulk files are sparse after their first bytes
//	SIM_STEAM_SRCDS=PATH    program installed as srcds_linux (depot/srcds_linux next to steamcmd.sh, or noise)
//	SIM_STEAM_RATE=N        download rate in bytes per second, with K, M or G (unlimited)
//	SIM_STEAM_TICK=500ms    interval of progress lines
//	SIM_STEAM_SCRATCH=      directory for temporary files of the simulation (HOME)
//	SIM_STEAM_ANONYMOUS=1   the anonymous account may install the game for Linux, too
//	SIM_STEAM_ACCOUNT=USER:PASSWORD[:GUARD]  account that owns the game
//	SIM_STEAM_INFO=hidden   app_info_print shows no depots; with "empty" it shows nothing
//	SIM_STEAM_FAULT=WHAT    simulated failure:
//	    offline             no network at start: fatal error of the updater, exit code 254
//	    mute:N              exit with this code without output, like a program that cannot run
//	    no-connection       login fails; also rate-limit
//	    appinfo             no app information is received
//	    reason:TEXT         installation is refused with a reason, such as No subscription
//	    state:0x602         download ends in this state
//	    hang                no further output, SIGTERM is ignored, Steam/sim-hangs is created in HOME
//	    kill:NAME           killed by a signal: KILL, SEGV, TERM
//	    lie                 success is reported, but srcds_run is missing
//	    damaged             a file is damaged the first time: state 0x6A6 until it is validated
//	    stale-cache         fails if an appcache existed before (Missing configuration)
//	    noise               garbage is printed between the lines
//	    exit:N              exit with this code in any case
//	SIM_STEAM_FAULT_AT=N    percentage of the download at which it fails (50); -1 for before the login
//	SIM_STEAM_FAULT_TIMES=N number of failures, counted in HOME (unlimited)
//
// A full disk needs no simulated failure: the update ends in state 0x202 when a write fails.
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
	own := filepath.Dir(filepath.Dir(exe)) // directory of steamcmd.sh
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
	// Reset Go's handlers, which turn unexpected signals into a crash with stack traces.
	signal.Reset()
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	if sig == syscall.SIGSEGV || sig == syscall.SIGABRT {
		os.Exit(128 + int(sig)) // exit status in a shell
	}
	_ = syscall.Kill(os.Getpid(), sig)
	select {}
}

// hang never returns. It creates a file when it begins.
func hang(file string) {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
	_ = os.WriteFile(file, nil, 0o644)
	for {
		_ = syscall.Pause()
	}
}
