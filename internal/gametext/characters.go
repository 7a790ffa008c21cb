package gametext

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxCommand is the longest command that the game runs, in bytes: CCommand holds
// COMMAND_MAX_LENGTH (512) with what ends it, and Tokenize refuses one that fills
// all but the last byte (tier1/convar.cpp of hl2sdk, branch l4d2).
const maxCommand = 510

// typographic reports whether people take a character for ".
func typographic(r rune) bool { return strings.ContainsRune("“”„‟″〝〞＂", r) }

// blank reports whether people take a character for a space, or don't see it.
func blank(r rune) bool {
	return r == '\u00a0' || r >= '\u2000' && r <= '\u200b' || r == '\u202f' || r == '\u205f' || r == '\u2060' || r == '\u3000' ||
		r == '\ufeff'
}

// plainBlank is the blank that a look-alike stands for, if any.
func plainBlank(r rune) string {
	if r == '\u200b' || r == '\u2060' || r == '\ufeff' {
		return ""
	}
	return " "
}

const (
	quotesText = "typographic quotation marks, which are letters to the reader of this file"
	blanksText = "blanks or hidden characters that the reader of this file takes for letters"
	plainHint  = `write plain quotation marks (") and spaces`
)

// characters repairs look-alikes of quotation marks and of blanks, where they
// matter: not in plain quotation marks, and not in comments.
func characters(r Reader, text string) (string, []Finding) {
	quotes, blanks := Finding{Text: quotesText, Hint: plainHint, Fix: Characters}, Finding{
		Text: blanksText, Hint: plainHint,
		Fix: Characters,
	}
	if r == Script || r == Lines || !utf8.ValidString(text) || !suspicious(text) {
		return text, nil
	}
	r = really(r, text)
	if r == KeyValues && strings.Contains(text, `\"`) {
		return text, nil // whether a string ends there depends on who reads it
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
		return text, nil // a mark is missing somewhere: all behind it is a guess
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

// really tells commands from files that only lie where commands do: no command
// is a bracket alone.
func really(r Reader, text string) Reader {
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

// scanner goes through a text line by line.
type scanner struct {
	reader  Reader
	quoted  bool // in plain quotation marks; KeyValues may go on in the next line
	comment bool // in a comment of several lines

	quotes, blanks bool // something was repaired in this line
}

// line writes a line as it is meant.
func (s *scanner) line(line string, out *strings.Builder) {
	s.quotes, s.blanks = false, false
	if s.reader == Commands || s.reader == Admins {
		s.quoted = false // they end with the line
	}
	end := len(strings.TrimRight(line, "\r\n"))
	start, first := true, true // of a word, and in the first word of a command
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
			// Blanks in front of a command are no end of its first word.
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

// inQuotes writes one character in plain quotation marks and returns its length.
// One that nothing ends in its line is ended by a typographic mark, as people see
// it.
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

// begins reports whether a comment to the end of the line begins.
func (s *scanner) begins(rest string) bool {
	return strings.HasPrefix(rest, "//") || rest[0] == ';' && (s.reader == Admins || s.reader == Settings)
}

// ends reports whether a word may end here.
func ends(rest string) bool {
	r, _ := utf8.DecodeRuneInString(rest)
	return rest == "" || strings.ContainsRune(" \t;{}\"", r) || blank(r) || typographic(r)
}

// typographicWord writes a word in typographic marks with plain ones. One that
// isn't ended is none.
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

// matters reports whether a blank that is none makes a difference: in or around
// the name of a command, at its end, and between the words of other files.
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

// tooLong finds commands that the game leaves out.
func tooLong(r Reader, text string) []Finding {
	if really(r, text) != Commands {
		return nil
	}
	f := Finding{
		Text: fmt.Sprintf("a command of more than %d bytes, which the game leaves out with what follows it", maxCommand),
		Hint: "shorten it",
	}
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
