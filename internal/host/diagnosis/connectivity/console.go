package connectivity

import (
	"strconv"
	"strings"
)

// printed is what a server said of itself on its console since it was started.
type printed struct {
	port     int    // that it really has; 0 when it is not to be seen any more
	library  string // why Steam's library could not be loaded
	lost     bool   // the connection to Steam, and it did not come back
	outdated bool   // Steam told it that there is an update
}

// scan reads a console. Players can't write such lines: what they say stands
// behind their names.
func scan(text string) printed {
	var p printed
	loading := false // the next line names a library that could not be loaded
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
			p.library = ""
		case strings.HasPrefix(line, "[S_API FAIL] SteamAPI_Init() failed; unable to locate a running instance of Steam"):
			p.library = "the game found no library of Steam"
		case strings.HasPrefix(line, "dlopen failed trying to load:"):
			loading = true
			continue
		case loading && strings.HasSuffix(line, "steamclient.so"):
			p.library = "the game could not load " + line
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

// unmark takes off the marks that the engine puts before some lines: # and, of
// forked children, #NN:.
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
