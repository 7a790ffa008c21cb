// Package left4me defines the types that all parts of left4me share: names, states, jobs and their
// steps, the definitions sent to hosts and the status they report, and the errors that may be shown
// to users.
//
// The package does no I/O: it opens no file or socket and reads no clock, so that both the control
// side and the hosts can import it.
package left4me
