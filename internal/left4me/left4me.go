// Package left4me holds the words that every part of left4me shares: names,
// states, jobs and their steps, what a host is told about a server and what it
// tells back, and the errors that may be shown to a person.
//
// It promises to stay free of I/O: it opens no file, no socket and no clock, so
// that the side people talk to and the side that runs games can both import it.
package left4me
