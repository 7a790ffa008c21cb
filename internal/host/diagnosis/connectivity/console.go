package connectivity

import (
	"strconv"
	"strings"
)

// printed holds the facts that a server has printed to its console since its start.
type printed struct {
	port      int    // port that the server uses; 0 if the line is no longer in the log
	library   string // the file of Steam's library that could not be loaded
	noLibrary bool   // the game did not find Steam's library
	lost      bool   // the connection to Steam was lost and has not returned
	outdated  bool   // Steam announced an update to the server
}

// scan parses console output. Players cannot fake these lines, because chat follows the player's
// name.
func scan(text string) printed {
	var p printed
	loading := false // the next line names a library that failed to load
	for line := range strings.Lines(text) {
		line = unmark(strings.TrimSpace(line))
		switch {
		case strings.HasPrefix(line, "left4me: starts on port "):
			p, loading = printed{}, false
			continue
		case strings.HasPrefix(line, "Network: IP "):
			_, rest, _ := strings.Cut(line, " ports ")
			digits, _, _ := strings.Cut(rest, " ")
			p.port, _ = strconv.Atoi(digits)
		case strings.HasPrefix(line, "[S_API] SteamAPI_Init(): Loaded "):
			p.library, p.noLibrary = "", false
		case strings.HasPrefix(line, "[S_API FAIL] SteamAPI_Init() failed; unable to locate a running instance of Steam"):
			p.noLibrary = true
		case strings.HasPrefix(line, "dlopen failed trying to load:"):
			loading = true
			continue
		case loading && strings.HasSuffix(line, "steamclient.so"):
			p.library = line
		case line == "Connection to Steam servers lost.", line == "Connection to Steam servers lost",
			strings.HasPrefix(line, "Could not establish connection to Steam servers."):
			p.lost = true
		case line == "Connection to Steam servers successful.":
			p.lost = false
		case line == "MasterRequestRestart":
			p.outdated = true
		}
		loading = false
	}
	return p
}

// unmark removes the prefix that the engine adds to some lines: # or, in forked children, #NN:.
func unmark(line string) string {
	rest, ok := strings.CutPrefix(line, "#")
	if !ok {
		return line
	}
	if inner := strings.TrimLeft(rest, "0123456789"); strings.HasPrefix(inner, ":") {
		return inner[1:]
	}
	return rest
}
