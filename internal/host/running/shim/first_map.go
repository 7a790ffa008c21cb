package shim

import (
	"bytes"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// What the engine prints around the name of a map that it doesn't find (Host_Map
// of the Source engine). It idles without a map then, and answers nobody.
var (
	mapFailed = []byte("map load failed: ")
	notFound  = []byte(" not found or invalid")
)

// firstMap is the map that the game is started with: of several the last.
func firstMap(args []string) string {
	for i := len(args) - 1; i > 0; i-- {
		if args[i-1] == "+map" {
			return args[i]
		}
	}
	return ""
}

// failsToLoad reports whether a line of the console says that a map is not there.
func failsToLoad(line []byte, name string) bool {
	rest, ok := bytes.CutPrefix(line, mapFailed)
	if !ok || name == "" {
		return false
	}
	rest, ok = bytes.CutSuffix(bytes.TrimRight(rest, " \r\n"), notFound)
	return ok && strings.EqualFold(string(rest), name)
}

// noFirstMap is the failure of a start whose map is not there.
func noFirstMap(server left4me.Name, name string) error {
	return left4me.NewError(left4me.Invalid, "map.not_there", "map", name, "server", server).InField(left4me.FieldMap)
}
