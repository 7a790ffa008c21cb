package console

import "strings"

// MaxLine is the length of a command in bytes from which the engine's tokenizer rejects it.
const MaxLine = 512

// Split splits a line into commands, at semicolons outside quotes, and ends at a comment outside
// quotes. There are no escapes; an unclosed quote ends with the line.
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

// Args is a command with its arguments.
type Args struct {
	Name  string
	Words []string // arguments without quotes
	Rest  string   // arguments as typed
}

// Word returns the i-th argument, or "".
func (a Args) Word(i int) string {
	if i < len(a.Words) {
		return a.Words[i]
	}
	return ""
}

// Text returns the arguments without surrounding quotes, as the engine reads the value of a variable: a
// value with spaces does not need quotes.
func (a Args) Text() string {
	s := strings.TrimPrefix(a.Rest, `"`)
	if len(s) != len(a.Rest) {
		s = strings.TrimSuffix(s, `"`)
	}
	return s
}

// parse parses one command returned by [Split].
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

// word removes the first word from s, which is quoted or ends at a space or a quote.
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
