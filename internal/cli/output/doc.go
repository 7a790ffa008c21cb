// Package output formats the output of commands: it makes text from outside safe for a terminal,
// escapes JSON, formats numbers and times, shows progress, and maps errors to exit codes.
//
// Writers and formatting functions are not safe for concurrent use.
package output
