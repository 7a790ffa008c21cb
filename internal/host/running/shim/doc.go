// Package shim is the small process between the supervisor and srcds: it owns
// the terminal of one game server, keeps its console, says when it is ready,
// watches that it answers, and ends it in good order. There is one for each
// server that runs, and it outlives the left4me that asked for it.
//
// [Run] is the process itself, [Client] talks to it over its unix socket.
//
// It promises that a console position once given out stays true over restarts
// of the game, of the shim and of the host; that a slow reader never holds up
// the game; that there is one shim for a server at a time; and that nothing of
// the server is left when the shim is gone, however it ended.
//
// Where nobody has mounted the server's stack of layers the shim does it in a
// user and mount namespace of its own. The game gets none of the capabilities
// that this takes.
//
// It knows nothing of what a server is made from: it reads instance.env and
// runs what it finds in the merged directory.
package shim
