// Command srcds stands in for srcds_linux, the dedicated server of Left 4 Dead 2, in the demo and in tests.
//
// It is to be started as the real one is: in the root of an installation, with its options and +commands. It reads the
// configuration and the maps that it finds there, prints what the real one prints, takes commands on its standard input
// and over RCON, answers server queries, writes and sends its log, and people who don't exist play on it. What it isn't
// is a game: nobody can connect.
//
// The variables SIM_* of the environment choose who plays and what goes wrong; most have a console command sim_* that
// does the same while the server runs. Both are listed in options.go and faults.go. A cfg file can use the commands.
package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

func main() {
	// Tests and the demo run dozens of these: they shall be small rather than quick.
	runtime.GOMAXPROCS(2)
	debug.SetGCPercent(20)

	root, err := os.Getwd()
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Exit(newServer(root, parseOptions(os.Args[1:], os.Getenv), os.Stdout).run())
}
