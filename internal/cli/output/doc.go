// Package output has what the commands print and how they end: text from outside made
// harmless for a terminal, JSON with escapes, numbers and times for people, progress,
// and the exit codes.
//
// Writers and formatting functions may be used by one goroutine at a time.
package output
