package inspect

import (
	"path"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// maxCommands is the maximum number of warnings about the commands of one file.
const maxCommands = 5

// runsCommands reports whether the game runs the file at a lower-case path as a list of commands.
func runsCommands(name string) bool {
	return path.Ext(name) == ".cfg" && strings.HasPrefix(name, base+"/cfg/")
}

// checkCommands warns about commands that the settings of servers refuse in raw lines, each at its first
// line.
func (v *view) checkCommands(file string, text []byte) {
	seen := map[string]bool{}
	line := 0
	for l := range strings.Lines(string(text)) {
		line++
		command, why := left4me.CfgTaken(strings.TrimRight(l, "\r\n"))
		if why == nil || seen[command] {
			continue
		}
		if seen[command] = true; len(seen) > maxCommands {
			return
		}
		v.warn.add(left4me.NewWarning(left4me.WarnCommand, file, "cfg.command_taken",
			"command", left4me.Clip(command, maxListed), "line", line, "problem", why))
	}
}
