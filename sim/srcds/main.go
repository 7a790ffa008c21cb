// Command srcds simulates srcds_linux, the dedicated server of Left 4 Dead 2, for demos and tests.
//
// It is started like the real server: in the root of an installation, with the same options and
// +commands. It reads the configuration and the maps of the installation, prints the same messages,
// accepts commands on standard input and over RCON, answers server queries, writes and sends its log,
// and simulates players. Real game clients cannot connect.
//
// SIM_* environment variables configure the players and the failures. Most have a console command sim_*
// that does the same while the server runs, which cfg files can use, too. Both are listed in options.go
// and faults.go.
package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

func main() {
	// Tests and demos run dozens of these processes: low memory use matters more than speed.
	runtime.GOMAXPROCS(2)
	debug.SetGCPercent(20)

	root, err := os.Getwd()
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Exit(newServer(root, parseOptions(os.Args[1:], os.Getenv), os.Stdout).run())
}
