// Package srcdslog parses the log of Source engine servers: the lines of log files and of the console
// with sv_logecho, and the datagrams of logaddress_add.
//
// Each line is parsed into an [Event]. Unknown lines, mostly those of plugins, become events of the
// kind Unknown with the whole message, so nothing is lost. Players choose names and chat texts, which
// may contain quotes and brackets. The parser prefers an interpretation in which names have at most 31
// bytes, but cannot detect every forgery: never take an Event as proof of who did something. Datagrams
// are not authenticated: check their source address and the secret.
//
// Servers truncate lines and other output can interrupt them: [Parse] returns no event for such a line,
// and [Reader] counts it.
//
// The formats are documented as "HL Log Standard" and "Server queries" in the Valve Developer Community
// wiki. docs/log-format.md describes the differences of Left 4 Dead 2, with sources.
package srcdslog
