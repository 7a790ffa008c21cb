package vdf

import "strings"

type kind int

const (
	end kind = iota
	opening
	closing
	word
	condition
)

type token struct {
	kind kind
	text string
	line int
}

type scanner struct {
	text    string
	pos     int
	line    int
	open    int // line of an unclosed quotation mark
	escapes bool
}

func (s *scanner) next() token {
	s.skip()
	t := token{line: s.line}
	if s.pos >= len(s.text) {
		return t
	}
	switch s.text[s.pos] {
	case '{':
		s.pos++
		t.kind = opening
	case '}':
		s.pos++
		t.kind = closing
	case '"':
		s.pos++
		t.kind, t.text = word, s.quoted()
	default:
		if n := conditionLen(s.text[s.pos:]); n > 0 {
			t.kind, t.text = condition, s.text[s.pos:s.pos+n]
			s.pos += n
			return t
		}
		t.kind, t.text = word, s.bare()
	}
	return t
}

// peekCondition reads the next token if it is a condition.
func (s *scanner) peekCondition() (string, bool) {
	before := *s
	if t := s.next(); t.kind == condition {
		return t.text, true
	}
	*s = before
	return "", false
}

// skip advances to the next token. A comment ends at the end of its line.
func (s *scanner) skip() {
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == '\n':
			s.line++
			s.pos++
		case c <= ' ':
			s.pos++
		case strings.HasPrefix(s.text[s.pos:], "//"):
			n := strings.IndexByte(s.text[s.pos:], '\n')
			if n < 0 {
				n = len(s.text) - s.pos
			}
			s.pos += n
		default:
			return
		}
	}
}

// quoted reads to the closing quotation mark, which it consumes, or to the end of the text.
func (s *scanner) quoted() string {
	start, line := s.pos, s.line
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case '"':
			s.pos++
			return s.unescape(s.text[start : s.pos-1])
		case '\n':
			s.line++
		case '\\':
			if s.escapes && s.pos+1 < len(s.text) {
				s.pos++
				if s.text[s.pos] == '\n' {
					s.line++
				}
			}
		}
		s.pos++
	}
	s.open = line
	return s.unescape(s.text[start:])
}

func (s *scanner) unescape(text string) string {
	if !s.escapes || !strings.Contains(text, `\`) {
		return text
	}
	return unescaper.Replace(text)
}

// All other backslashes are kept.
var (
	unescaper = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\\`, `\`, `\"`, `"`)
	escaper   = strings.NewReplacer("\n", `\n`, "\t", `\t`, `\`, `\\`, `"`, `\"`)
)

// bare reads an unquoted token. It has no escapes and may contain "//", as URLs do.
func (s *scanner) bare() string {
	start := s.pos
	for s.pos < len(s.text) {
		if c := s.text[s.pos]; c <= ' ' || c == '{' || c == '}' || c == '"' {
			break
		}
		s.pos++
	}
	return s.text[start:s.pos]
}

// maxCondition limits the length of a condition in bytes. Without it a file with many unclosed
// conditions would take quadratic time.
const maxCondition = 256

// conditionLen returns the length of the condition at the start of text, or 0 if there is none. An
// unquoted vector such as [0 is not a condition.
func conditionLen(text string) int {
	text = text[:min(len(text), maxCondition)]
	if !strings.HasPrefix(text, "[$") && !strings.HasPrefix(text, "[!") {
		return 0
	}
	for i := range len(text) {
		switch text[i] {
		case ']':
			return i + 1
		case '\n', '"', '{', '}':
			return 0
		}
	}
	return 0
}
