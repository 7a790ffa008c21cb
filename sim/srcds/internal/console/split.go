package console

import "strings"

// MaxLine is the length of a command, in bytes, from which on the engine's tokenizer refuses it.
const MaxLine = 512

// Split cuts a line into its commands: at semicolons outside quotes, up to a comment outside quotes. There are no
// escapes; a quote that isn't closed ends with the line.
func Split(line string) []string {
	var commands []string
	quoted, start := false, 0
	add := func(end int) {
		if c := strings.TrimSpace(line[start:end]); c != "" {
			commands = append(commands, c)
		}
		start = end + 1
	}
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '"':
			quoted = !quoted
		case quoted:
		case line[i] == ';':
			add(i)
		case strings.HasPrefix(line[i:], "//"):
			add(i)
			return commands
		}
	}
	add(len(line))
	return commands
}

// Args is a command as it was given.
type Args struct {
	Name  string
	Words []string // what follows the name, without quotes
	Rest  string   // the same as it was typed
}

// Word returns the i-th word after the name, or an empty string.
func (a Args) Word(i int) string {
	if i < len(a.Words) {
		return a.Words[i]
	}
	return ""
}

// Text returns what follows the name without the quotes around it, as the engine takes the value of a variable: they
// may be missing although it has blanks.
func (a Args) Text() string {
	s := strings.TrimPrefix(a.Rest, `"`)
	if len(s) != len(a.Rest) {
		s = strings.TrimSuffix(s, `"`)
	}
	return s
}

// parse reads one command of [Split].
func parse(command string) Args {
	name, rest := word(command)
	a := Args{Name: name, Rest: strings.TrimSpace(rest)}
	for rest = a.Rest; rest != ""; {
		var w string
		w, rest = word(rest)
		a.Words = append(a.Words, w)
		rest = strings.TrimLeft(rest, " \t")
	}
	return a
}

// word takes the first word off s, in quotes or up to a blank or a quote.
func word(s string) (first, rest string) {
	if s != "" && s[0] == '"' {
		first, rest, _ = strings.Cut(s[1:], `"`)
		return first, rest
	}
	if i := strings.IndexAny(s, " \t\""); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}
