package left4me

import (
	"iter"
	"slices"
	"strings"
)

// The game takes a cfg file and its console apart in two steps, as tier1 of the
// branch l4d2 of alliedmodders/hl2sdk has it. CCommandBuffer::GetNextCommandLength
// ends a command at a semicolon and begins a comment at //, both only outside of
// quotation marks, and at the end of the line. CCommand::Tokenize makes words of a
// command: a word ends at a blank or control character, at a quotation mark, which
// begins the next one, and at each of {}()': which are words of their own. It
// compares signed characters, so that each byte from 0x80 on ends a word, too.
// There is no escape. Everything here that reads cfg lines goes through cfgLine and
// cfgTokens.

// cfgPart is a command of a line, or what is behind // in it.
type cfgPart struct {
	start, end int
	comment    bool
}

// cfgLine gives the commands of the first line of text, and whether they are in a
// comment: what is commented out is taken apart as if it were not.
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

// cfgTokens gives the words of a command, without quotation marks.
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

// isBlank is isspace of the C locale.
func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func isBreak(c byte) bool { return strings.IndexByte("{}()':", c) >= 0 }

func endsWord(c byte) bool { return c <= ' ' || c >= 0x80 || c == '"' || isBreak(c) }

// CfgCommands returns the names of the commands in a line of a cfg file, as the
// game reads it.
func CfgCommands(line string) []string {
	var names []string
	for _, name := range cfgCommands(line) {
		names = append(names, name)
	}
	return names
}

// cfgCommands gives the commands of a line that aren't comments, with where each
// begins. A command whose name is an empty word is none.
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

// CfgTaken returns the first command of a line that would take a server away from
// left4me, in small letters, and why it does: each ends the server, moves it, or takes
// away what left4me watches and steers it by. There is none when why is nil.
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
	}
	if strings.HasPrefix(command, "sv_rcon_") && command != "sv_rcon_log" {
		return NewError(Invalid, "cfg.locks_out_left4me")
	}
	return nil
}
