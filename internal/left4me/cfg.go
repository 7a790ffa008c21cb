package left4me

import (
	"iter"
	"slices"
	"strings"
)

// The game parses a cfg file and its console input in two steps (tier1 in branch l4d2 of
// alliedmodders/hl2sdk). CCommandBuffer::GetNextCommandLength ends a command at a semicolon and
// starts a comment at //, both only outside quotation marks, and at the end of the line.
// CCommand::Tokenize splits a command into words: a word ends at a blank or control character, at a
// quotation mark, which starts the next word, and at each of {}()': which are words of their own.
// Tokenize compares signed characters, so each byte of 0x80 or above ends a word, too. There are no
// escape sequences. All code of left4me that reads cfg lines uses cfgLine and cfgTokens.

// cfgPart is the range of one command in a line, or of a command within the line's comment.
type cfgPart struct {
	start, end int
	comment    bool
}

// cfgLine returns the commands of the first line of text. It also splits a comment into commands
// and marks them.
func cfgLine(text string) iter.Seq[cfgPart] {
	return func(yield func(cfgPart) bool) {
		quoted := false
		p := cfgPart{}
		for i := 0; ; i++ {
			ends := i == len(text) || text[i] == '\n'
			comment := !ends && !quoted && strings.HasPrefix(text[i:], "//")
			switch {
			case ends, comment, text[i] == ';' && !quoted:
				p.end = i
				if !yield(p) || ends {
					return
				}
				if comment {
					p.comment = true
					i++
				}
				p.start = i + 1
			case text[i] == '"':
				quoted = !quoted
			}
		}
	}
}

// cfgTokens returns the words of a command without their quotation marks.
func cfgTokens(command string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := 0; i < len(command); {
			var word string
			switch c := command[i]; {
			case isBlank(c):
				i++
				continue
			case c == '"':
				word, _, _ = strings.Cut(command[i+1:], `"`)
				i += len(word) + 2
			case isBreak(c):
				word = command[i : i+1]
				i++
			default:
				start := i
				for i++; i < len(command) && !endsWord(command[i]); i++ {
				}
				word = command[start:i]
			}
			if !yield(word) {
				return
			}
		}
	}
}

// isBlank is isspace in the C locale.
func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func isBreak(c byte) bool { return strings.IndexByte("{}()':", c) >= 0 }

func endsWord(c byte) bool { return c <= ' ' || c >= 0x80 || c == '"' || isBreak(c) }

// CfgCommands returns the names of the commands in a line of a cfg file, as the game parses it.
func CfgCommands(line string) []string {
	var names []string
	for _, name := range cfgCommands(line) {
		names = append(names, name)
	}
	return names
}

// cfgCommands returns the offset and the name of each command in a line. It skips comments and
// commands whose name is an empty word.
func cfgCommands(line string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for p := range cfgLine(line) {
			if p.comment {
				return
			}
			for name := range cfgTokens(line[p.start:p.end]) {
				if name != "" && !yield(p.start, name) {
					return
				}
				break
			}
		}
	}
}

// CutQuit searches a console line for quit or exit, which stop the game process, and returns the
// text before the first of them; the game never runs the commands after it. CutQuit does not
// recognize an alias of quit.
func CutQuit(line string) (before string, found bool) {
	for start, name := range cfgCommands(line) {
		if strings.EqualFold(name, "quit") || strings.EqualFold(name, "exit") {
			return strings.Trim(line[:start], "; \t"), true
		}
	}
	return line, false
}

// CfgWords returns the words of each command in a line of a cfg file, without quotation marks. It
// skips comments and empty commands.
func CfgWords(line string) [][]string {
	var all [][]string
	for p := range cfgLine(line) {
		if p.comment {
			break
		}
		if words := slices.Collect(cfgTokens(line[p.start:p.end])); len(words) > 0 {
			all = append(all, words)
		}
	}
	return all
}

// CfgValue makes s safe between quotation marks in a cfg file. It removes quotation marks, control
// characters and line separators, because the format has no escape for them.
func CfgValue(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '"' || r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// CfgTaken returns the first command of a line that would take the server out of left4me's control,
// in lower case, and the reason as an error. Such a command stops the server, changes its address,
// or breaks a channel that left4me monitors and controls it by. why is nil if the line has no such
// command.
func CfgTaken(line string) (command string, why *Error) {
	for _, c := range CfgCommands(line) {
		c = strings.ToLower(c)
		if why := cfgTaken(c); why != nil {
			return c, why
		}
	}
	return "", nil
}

func cfgTaken(command string) *Error {
	switch command {
	case "rcon_password":
		return NewError(Invalid, "cfg.password_of_left4me")
	case "hostport":
		return NewError(Invalid, "cfg.port_is_a_setting")
	case "ip", "hostip":
		return NewError(Invalid, "cfg.address_of_left4me")
	case "sv_logsecret":
		return NewError(Invalid, "cfg.log_unreadable")
	case "logaddress_delall":
		return NewError(Invalid, "cfg.log_lost")
	case "servercfgfile":
		return NewError(Invalid, "cfg.other_file")
	case "quit", "exit", "killserver", "crash":
		return NewError(Invalid, "cfg.ends_at_each_map")
	case "_restart":
		return NewError(Invalid, "cfg.restarts_at_each_map")
	case "map", "changelevel", "changelevel2":
		return NewError(Invalid, "cfg.changes_map_at_each_map") // each change would run the file again
	}
	if strings.HasPrefix(command, "sv_rcon_") && command != "sv_rcon_log" {
		return NewError(Invalid, "cfg.locks_out_left4me")
	}
	return nil
}
