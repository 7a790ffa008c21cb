package left4me

import (
	"strings"

	"github.com/left4me/left4me/internal/locale"
)

// maxCommands bounds the commands of a Remedy.
const maxCommands = 16

// Remedy is an argument of a Check or an Error: commands, or lines of a configuration, that
// the reader can copy. It is never cut, because part of a command may do something else.
type Remedy struct {
	Commands []string `json:"commands,omitempty"` // run one after the other
	AsRoot   bool     `json:"as_root,omitempty"`  // the reader has to become root for them
	Packages string   `json:"packages,omitempty"` // instead of commands: packages to install, by their Debian names
}

// Commands returns a Remedy of commands that the reader can run without becoming root.
func Commands(commands ...string) Remedy { return Remedy{Commands: commands} }

// String returns r in English, each command between backquotes.
func (r Remedy) String() string { return r.in(locale.English) }

// InLocale makes r an argument of a text.
func (r Remedy) InLocale(p *locale.Printer, format string) (string, bool) {
	return r.in(p), format == ""
}

func (r Remedy) in(p *locale.Printer) string {
	if len(r.Commands) == 0 {
		if r.Packages == "" {
			return ""
		}
		return locale.M("command.packages", "packages", r.Packages).In(p)
	}
	text := "`" + r.Commands[0] + "`"
	for _, c := range r.Commands[1:] {
		text = locale.M("command.then", "first", text, "next", "`"+c+"`").In(p)
	}
	if r.AsRoot {
		return locale.M("command.as_root", "commands", text).In(p)
	}
	return text
}

// fits takes r from budget, and reports whether there was room for it.
func (r Remedy) fits(budget *int) bool {
	if len(r.Commands) > maxCommands {
		return false
	}
	for _, c := range append([]string{r.Packages}, r.Commands...) {
		if n := TextLen(c); n > maxErrorArg || validUTF8(c) != c || !take(budget, n+len(`"",`)) {
			return false
		}
	}
	return true
}

// hasSecrets reports whether a command has a password.
func (r Remedy) hasSecrets() bool {
	text := strings.Join(r.Commands, "\n")
	return HideSecrets(text) != text
}
