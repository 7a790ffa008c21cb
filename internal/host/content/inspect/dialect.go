package inspect

import (
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// dialect describes the brackets, quotes and comments of a text format: enough to find unclosed
// brackets and quotes, the most common mistakes.
type dialect struct {
	pairs    string // brackets: pairs of opening and closing characters
	blocks   bool   // /* */ comments
	lines    string // characters that begin a line comment, in addition to //
	escapes  bool   // in quotes, a backslash escapes the next character
	oneLine  bool   // quotes can't span lines
	letters  bool   // single quotes are quotes, too
	verbatim bool   // @"…" can span lines and has no escapes
	words    bool   // line comments begin only where a word can begin
}

var (
	squirrel = dialect{pairs: "{}()[]", blocks: true, lines: "#", escapes: true, oneLine: true, letters: true, verbatim: true}
	smc      = dialect{pairs: "{}", blocks: true, lines: ";", escapes: true, words: true} // SourceMod's own
)

// opened is an unclosed bracket.
type opened struct {
	closing byte
	line    int
}

// check returns the line and description of the first wrong bracket or quote. problem is nil if
// there is none.
func (d dialect) check(text string) (line int, problem *left4me.Error) {
	line = 1
	var stack []opened
	free := true // not inside a word
	for i := 0; i < len(text); i++ {
		c := text[i]
		rest := text[i:]
		switch {
		case c == '\n':
			line, free = line+1, true
			continue
		case c <= ' ':
			free = true
			continue
		case (strings.HasPrefix(rest, "//") || strings.IndexByte(d.lines, c) >= 0) && (free || !d.words):
			n := strings.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest)
			}
			i += n - 1
			continue
		case d.blocks && strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest[2:], "*/")
			if n < 0 {
				return line, left4me.NewError(left4me.Invalid, "syntax.comment_not_closed")
			}
			line += strings.Count(rest[:n+4], "\n")
			i += n + 3
			continue
		case c == '"' || c == '\'' && d.letters:
			n, ok := d.quoted(rest, d.verbatim && i > 0 && text[i-1] == '@')
			if !ok {
				return line, left4me.NewError(left4me.Invalid, "syntax.quote_not_closed")
			}
			line += strings.Count(rest[:n], "\n")
			i += n - 1
			free = true
			continue
		}
		free = false
		switch at := strings.IndexByte(d.pairs, c); {
		case at < 0:
		case at%2 == 0:
			stack = append(stack, opened{d.pairs[at+1], line})
			free = true
		case len(stack) == 0:
			return line, left4me.NewError(left4me.Invalid, "syntax.bracket_unmatched", "bracket", string(c))
		case stack[len(stack)-1].closing != c:
			o := stack[len(stack)-1]
			return line, left4me.NewError(left4me.Invalid, "syntax.bracket_wrong", "bracket", string(c), "needed", string(o.closing),
				"line", o.line)
		default:
			stack = stack[:len(stack)-1]
			free = true
		}
	}
	if len(stack) > 0 {
		o := stack[len(stack)-1]
		return o.line, left4me.NewError(left4me.Invalid, "syntax.bracket_not_closed", "needed", string(o.closing))
	}
	return 0, nil
}

// quoted returns the length of a quoted text, including both quotation marks.
func (d dialect) quoted(s string, verbatim bool) (n int, ok bool) {
	mark := s[0]
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == mark && verbatim && i+1 < len(s) && s[i+1] == mark:
			i++
		case c == mark:
			return i + 1, true
		case c == '\\' && d.escapes && !verbatim:
			i++
		case c == '\n' && d.oneLine && !verbatim:
			return 0, false
		}
	}
	return 0, false
}
