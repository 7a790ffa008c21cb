package shim

import (
	"bytes"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// Text that the engine prints before and after the name of a map that it can't find (Host_Map of the
// Source engine). It then idles without a map and answers no queries.
var (
	mapFailed = []byte("map load failed: ")
	notFound  = []byte(" not found or invalid")
)

// firstMap returns the map that the game starts with: the last +map counts.
func firstMap(args []string) string {
	for i := len(args) - 1; i > 0; i-- {
		if args[i-1] == "+map" {
			return args[i]
		}
	}
	return ""
}

// failsToLoad reports whether a console line says that the named map doesn't exist.
func failsToLoad(line []byte, name string) bool {
	rest, ok := bytes.CutPrefix(line, mapFailed)
	if !ok || name == "" {
		return false
	}
	rest, ok = bytes.CutSuffix(bytes.TrimRight(rest, " \r\n"), notFound)
	return ok && strings.EqualFold(string(rest), name)
}

// noFirstMap returns the error for a start whose map doesn't exist.
func noFirstMap(server left4me.Name, name string) error {
	return left4me.NewError(left4me.Invalid, "map.not_there", "map", name, "server", server).InField(left4me.FieldMap)
}
