package gametext

import (
	"strings"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/left4me"
)

// maxCommand is the longest command that the game runs, in bytes: CCommand holds COMMAND_MAX_LENGTH
// (512) bytes including the terminator, and Tokenize refuses a command that fills all but the last
// byte (tier1/convar.cpp of hl2sdk, branch l4d2).
const maxCommand = 510

// typographic reports whether a character looks like the quotation mark ".
func typographic(r rune) bool { return strings.ContainsRune("“”„‟″〝〞＂", r) }

// blank reports whether a character looks like a space or is invisible.
func blank(r rune) bool {
	return r == '\u00a0' || r >= '\u2000' && r <= '\u200b' || r == '\u202f' || r == '\u205f' || r == '\u2060' || r == '\u3000' ||
		r == '\ufeff'
}

// plainBlank returns the ASCII blank that a look-alike stands for, or an empty string.
func plainBlank(r rune) string {
	if r == '\u200b' || r == '\u2060' || r == '\ufeff' {
		return ""
	}
	return " "
}

// characters replaces look-alikes of quotation marks and blanks where they matter: outside of
// quoted strings and comments.
func characters(r Reader, text string) (string, []Finding) {
	quotes := Finding{Problem: left4me.NewError(left4me.Invalid, "text.typographic_quotes"), Fix: Characters}
	blanks := Finding{Problem: left4me.NewError(left4me.Invalid, "text.unusual_blanks"), Fix: Characters}
	if r == Script || r == Lines || !utf8.ValidString(text) || !suspicious(text) {
		return text, nil
	}
	r = actualReader(r, text)
	if r == KeyValues && strings.Contains(text, `\"`) {
		return text, nil // the readers disagree on whether the string ends there
	}
	var out strings.Builder
	out.Grow(len(text))
	s := scanner{reader: r}
	n := 0
	for line := range strings.Lines(text) {
		n++
		s.line(line, &out)
		if s.quotes {
			quotes.Rows = append(quotes.Rows, n)
		}
		if s.blanks {
			blanks.Rows = append(blanks.Rows, n)
		}
	}
	if s.quoted && (r == KeyValues || r == Settings) {
		return text, nil // a quotation mark is missing, so everything after it would be a guess
	}
	var all []Finding
	for _, f := range []Finding{quotes, blanks} {
		if len(f.Rows) > 0 {
			all = append(all, f)
		}
	}
	return out.String(), all
}

func suspicious(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return typographic(r) || blank(r) })
}

// actualReader corrects the reader r, which was determined from the directory of the file. If a line
// consists of a bracket, the file contains no commands.
func actualReader(r Reader, text string) Reader {
	if r != Commands {
		return r
	}
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "{" {
			return Settings
		}
	}
	return r
}

// scanner processes a text line by line.
type scanner struct {
	reader  Reader
	quoted  bool // inside ASCII quotation marks; a KeyValues string may continue on the next line
	comment bool // inside a block comment

	quotes, blanks bool // what was repaired in this line
}

// line writes a line with its look-alikes replaced.
func (s *scanner) line(line string, out *strings.Builder) {
	s.quotes, s.blanks = false, false
	if s.reader == Commands || s.reader == Admins {
		s.quoted = false // quoted strings end with the line
	}
	end := len(strings.TrimRight(line, "\r\n"))
	start, first := true, true // at the start of a word; in the first word of a command
	for i := 0; i < end; {
		r, n := utf8.DecodeRuneInString(line[i:end])
		rest := line[i:end]
		switch {
		case s.comment:
			if strings.HasPrefix(rest, "*/") {
				s.comment, n = false, 2
			}
			out.WriteString(rest[:n])
		case s.quoted:
			n = s.inQuotes(rest, out)
		case s.begins(rest):
			out.WriteString(rest)
			i = end
			continue
		case s.reader == Settings && strings.HasPrefix(rest, "/*"):
			s.comment, n = true, 2
			out.WriteString(rest[:n])
		case r == '"':
			s.quoted, first = true, false
			out.WriteString(rest[:n])
		case typographic(r) && start:
			if width, ok := s.typographicWord(rest, out); ok {
				i += width
				start, first = false, false
				continue
			}
			out.WriteString(rest[:n])
			first = false
		case blank(r) && s.matters(rest, start, first):
			s.blanks = true
			out.WriteString(plainBlank(r))
		default:
			out.WriteString(rest[:n])
		}
		switch {
		case r == ';' && s.reader == Commands && !s.quoted:
			start, first = true, true
		case r == ' ' || r == '\t' || blank(r) && s.blanks:
			// Blanks before a command do not end its first word.
			if !start {
				first = false
			}
			start = true
		case r == '{' || r == '}':
			start = true
		default:
			start = false
		}
		i += n
	}
	out.WriteString(line[end:])
}

// inQuotes writes one character inside a quoted string and returns its length in bytes. If the line
// has no closing ASCII mark, a typographic mark that looks like the closing one ends the string.
func (s *scanner) inQuotes(rest string, out *strings.Builder) int {
	r, n := utf8.DecodeRuneInString(rest)
	switch {
	case r == '\\' && s.reader == Settings && len(rest) > 1:
		_, more := utf8.DecodeRuneInString(rest[1:])
		n += more
	case r == '"':
		s.quoted = false
	case typographic(r) && (s.reader == Commands || s.reader == Admins) && !strings.Contains(rest, `"`) && ends(rest[n:]):
		s.quoted, s.quotes = false, true
		out.WriteByte('"')
		return n
	}
	out.WriteString(rest[:n])
	return n
}

// begins reports whether a line comment begins at rest.
func (s *scanner) begins(rest string) bool {
	return strings.HasPrefix(rest, "//") || rest[0] == ';' && (s.reader == Admins || s.reader == Settings)
}

// ends reports whether a word may end before rest.
func ends(rest string) bool {
	r, _ := utf8.DecodeRuneInString(rest)
	return rest == "" || strings.ContainsRune(" \t;{}\"", r) || blank(r) || typographic(r)
}

// typographicWord replaces the typographic marks around a word with ASCII ones. It reports false if
// the closing mark is missing.
func (s *scanner) typographicWord(rest string, out *strings.Builder) (int, bool) {
	_, open := utf8.DecodeRuneInString(rest)
	for i, r := range rest[open:] {
		if r != '"' && !typographic(r) {
			continue
		}
		n := utf8.RuneLen(r)
		if !ends(rest[open+i+n:]) {
			continue
		}
		inside := rest[open : open+i]
		if strings.Contains(inside, `"`) {
			return 0, false
		}
		s.quotes = true
		out.WriteString(`"` + inside + `"`)
		return open + i + n, true
	}
	return 0, false
}

// matters reports whether a look-alike of a blank has an effect: in or around the name of a
// command, at its end, and between the words of other files.
func (s *scanner) matters(rest string, start, first bool) bool {
	if strings.HasPrefix(rest, mark) {
		return true
	}
	if s.reader != Commands {
		return s.reader == Admins || start
	}
	after := strings.TrimLeftFunc(rest, func(r rune) bool { return blank(r) || r == ' ' || r == '\t' })
	return first || after == "" || after[0] == ';' || strings.HasPrefix(after, "//")
}

// tooLong returns the commands that are too long for the game to run.
func tooLong(r Reader, text string) []Finding {
	if actualReader(r, text) != Commands {
		return nil
	}
	f := Finding{Problem: left4me.NewError(left4me.Invalid, "text.command_too_long", "limit", maxCommand)}
	n := 0
	for line := range strings.Lines(text) {
		n++
		if len(line) <= maxCommand {
			continue
		}
		quoted, begun := false, 0
		for i := 0; i <= len(line); i++ {
			end := i == len(line) || line[i] == '\n' || !quoted && (line[i] == ';' || strings.HasPrefix(line[i:], "//"))
			if end && i-begun > maxCommand {
				f.Rows = append(f.Rows, n)
				break
			}
			if end && i < len(line) && line[i] != ';' {
				break
			}
			if end {
				begun = i + 1
			} else if line[i] == '"' {
				quoted = !quoted
			}
		}
	}
	if len(f.Rows) == 0 {
		return nil
	}
	return []Finding{f}
}
