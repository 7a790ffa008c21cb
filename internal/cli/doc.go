// Package cli is left4me's command line: what the panel does in a browser, over
// the same JSON API.
//
// It knows of left4me only what the API says, so that a command works alike on
// the machine itself, over its local socket, and from anywhere else with an
// address and a token. Each noun has a type with its commands, in files that begin
// with its name: serverCommands in server.go, server_files.go and so on. What all of
// them need is in app. Requests are made by package apiclient; text goes to the
// terminal through package output.
package cli
