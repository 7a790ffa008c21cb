// Package status reads the answer of a Left 4 Dead 2 server to the console command "status", as it comes through the
// remote console or in the server's terminal.
//
// The text is made for people and has no specification; the shapes here are those that versions 1.0.3.0 to 2.2.4.3
// print. The parser takes the lines that it knows wherever they are and leaves the rest: other console output may stand between
// them.
package status
