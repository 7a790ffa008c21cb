package left4me

import (
	"iter"
	"strings"
)

// CfgCommands returns the names of the commands in a line of a cfg file, as the
// game reads it: semicolons part commands and // begins a comment, both only
// outside of quotation marks, for which there is no escape
// (https://developer.valvesoftware.com/wiki/CFG).
func CfgCommands(line string) []string {
	var names []string
	for _, name := range cfgCommands(line) {
		names = append(names, name)
	}
	return names
}

// cfgCommands gives the commands of a line, with where each begins.
func cfgCommands(line string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		quoted, start := false, 0
		for i := range len(line) + 1 {
			comment := i < len(line) && !quoted && strings.HasPrefix(line[i:], "//")
			switch {
			case i == len(line), comment, line[i] == ';' && !quoted:
				if name := firstWord(line[start:i]); name != "" && !yield(start, name) || comment {
					return
				}
				start = i + 1
			case line[i] == '"':
				quoted = !quoted
			}
		}
	}
}

func firstWord(command string) string {
	name, quoted := strings.CutPrefix(strings.TrimLeft(command, " \t"), `"`)
	// The game's parser ends a word at these, too.
	if i := strings.IndexAny(name, " \t\"{}()':,"); i >= 0 && !quoted {
		name = name[:i]
	} else if i := strings.IndexByte(name, '"'); i >= 0 {
		name = name[:i]
	}
	return strings.TrimSpace(name)
}

// CutQuit looks in a line for the console for quit or exit, the commands that end
// the game for good, and returns the commands before it; the game does not get to
// those behind it. An alias for quit is not recognized.
func CutQuit(line string) (before string, found bool) {
	for start, name := range cfgCommands(line) {
		if strings.EqualFold(name, "quit") || strings.EqualFold(name, "exit") {
			return strings.Trim(line[:start], "; \t"), true
		}
	}
	return line, false
}

// CfgWords returns the commands of a line of a cfg file with their words, without
// quotation marks. No command is empty.
func CfgWords(line string) [][]string {
	var all [][]string
	var words []string
	var word strings.Builder
	quoted, begun := false, false
	endWord := func() {
		if begun {
			words = append(words, word.String())
		}
		word.Reset()
		begun = false
	}
	endCommand := func() {
		endWord()
		if len(words) > 0 {
			all = append(all, words)
		}
		words = nil
	}
	for i := range len(line) {
		switch c := line[i]; {
		case c == '"':
			endWord()
			quoted = !quoted
			begun = quoted
		case quoted:
			word.WriteByte(c)
		case c == ';':
			endCommand()
		case strings.HasPrefix(line[i:], "//"):
			endCommand()
			return all
		case c == ' ' || c == '\t':
			endWord()
		default:
			word.WriteByte(c)
			begun = true
		}
	}
	endCommand()
	return all
}

// CfgValue makes s fit to stand between quotation marks in a cfg file: what would
// end the value or the line is left out, since the format has no way to write it.
func CfgValue(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '"' || r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// taken are commands that nobody can put into a cfg file through left4me: each ends the server, moves it,
// or takes away what left4me watches and steers it by.
var taken = map[string]string{
	"rcon_password":     "left4me sets one of its own",
	"hostport":          "the port is the server's own setting",
	"ip":                "left4me says where it listens",
	"hostip":            "left4me says where it listens",
	"sv_logsecret":      "left4me could not read what the server tells",
	"logaddress_delall": "left4me would not hear of the server any more",
	"servercfgfile":     "the game would read another file than this",
	"quit":              "the server would end at each map",
	"exit":              "the server would end at each map",
	"killserver":        "the server would end at each map",
	"_restart":          "the server would start anew at each map",
	"crash":             "the server would end at each map",
}

// CfgTaken returns the first command of a line that would take a server away from
// left4me, in small letters, and why it does; both are empty when there is none.
func CfgTaken(line string) (command, why string) {
	for _, c := range CfgCommands(line) {
		c = strings.ToLower(c)
		if why := taken[c]; why != "" {
			return c, why
		}
		if strings.HasPrefix(c, "sv_rcon_") && c != "sv_rcon_log" {
			return c, "left4me could be locked out"
		}
	}
	return "", ""
}
