// Package srcdslog reads the log of Source engine servers: the lines of log files, and of the console with sv_logecho,
// and the datagrams of logaddress_add.
//
// A line is read into an [Event]; lines that are not known, those of plugins above all, are kept as they are with the
// kind Unknown, so that nothing is lost. Names and chat are chosen by players and may hold quotes and brackets: the
// reader prefers the reading that a name of at most 31 bytes allows, but doesn't promise to see through every
// forgery. Hence never take an Event for proof of who did something. Datagrams have no authentication at all: check the
// address they come from, and the secret.
//
// Servers cut lines, and other output comes between: [Parse] makes no event of such a line, and [Reader] counts it.
//
// The formats are the "HL Log Standard" and "Server queries" of the Valve Developer Community, and what Left 4 Dead 2
// writes otherwise: docs/log-format.md has it with its sources.
package srcdslog
