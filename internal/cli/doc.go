// Package cli is left4me's command line: what the panel does in a browser, over
// the same JSON API.
//
// It knows of left4me only what the API says, so that a command works alike on
// the machine itself, over its local socket, and from anywhere else with an
// address and a token. It trusts no answer: each has a deadline and a largest
// size, and text from outside is made harmless before it reaches a terminal.
// What went wrong is one line on stderr and an exit code; see ExitCodes.
package cli
