package settings

import "strings"

// read is a cfg parser written independently of left4me. It returns the last value of each variable
// that a file sets, following the game's console for each line. Like the game, it works on bytes.
func read(file string) map[string]string {
	set := map[string]string{}
	var words []string
	var word []byte
	const (
		between = iota
		inWord
		inQuotes
		inComment
	)
	state := between
	endWord := func() {
		if state == inWord || state == inQuotes {
			words = append(words, string(word))
			word = nil
		}
		state = between
	}
	endCommand := func() {
		endWord()
		if len(words) > 0 {
			set[strings.ToLower(words[0])] = strings.Join(words[1:], " ")
		}
		words = nil
	}
	for i := 0; i < len(file); i++ {
		c := file[i]
		switch {
		case c == '\n' || c == '\r' || c == 0:
			endCommand()
		case state == inComment:
		case state == inQuotes && c != '"':
			word = append(word, c)
		case c == '"':
			if state == inQuotes {
				endWord()
			} else {
				endWord()
				state = inQuotes
			}
		case c == ';':
			endCommand()
		case c == '/' && strings.HasPrefix(file[i:], "//"):
			endCommand()
			state = inComment
		case c == ' ' || c == '\t':
			endWord()
		default:
			state = inWord
			word = append(word, c)
		}
	}
	endCommand()
	return set
}
