// Package status parses the output of the console command "status" of a Left 4 Dead 2 server, from the
// remote console or the server's terminal.
//
// The output has no specification; the package supports what versions 1.0.3.0 to 2.2.4.3 print. The
// parser uses the lines that it knows and ignores all others, so other console output may appear
// between them.
package status
