// Package cli implements left4me's command line, which offers the functions of the panel over the
// same JSON API.
//
// The package uses only the API, so a command works in the same way on the machine itself, over the
// local socket, and from any other machine with a URL and a token. The commands of each noun are
// methods of one type, in files whose names start with the noun: serverCommands in server.go,
// server_files.go and so on. Shared state is in app. Package apiclient sends the requests; package
// output writes to the terminal.
package cli
