// Package shim implements the process between the supervisor and srcds. It owns the terminal of one
// game server, stores its console output, reports when the server is ready, checks that it keeps
// answering, and stops it cleanly. Each running server has its own shim, which outlives the left4me
// process that requested the start.
//
// [Run] is the process itself; [Client] talks to it over its Unix socket.
//
// Guarantees: a console position stays valid across restarts of the game, the shim and the host. A slow
// reader never blocks the game. A server has at most one shim. After the end of the shim, for any
// reason, no process or mount of the server is left.
//
// If the server's stack of layers isn't mounted yet, the shim mounts it in a user and mount namespace
// of its own. The game gets none of the capabilities that mounting requires.
//
// The shim doesn't know a server's definition: it reads instance.env and runs the program that it finds
// in the merged directory.
package shim
