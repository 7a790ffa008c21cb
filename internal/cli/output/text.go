package output

import (
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// OneLine makes text from outside safe for a terminal and joins its lines.
func OneLine(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.Join(strings.FieldsFunc(Harmless(s), func(r rune) bool { return r == '\n' }), " ")
}

// Harmless replaces characters that control a terminal: players choose text that appears in a
// console, and must not be able to move the cursor.
func Harmless(s string) string {
	if !strings.ContainsFunc(s, steers) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if steers(r) {
			return '\uFFFD'
		}
		return r
	}, strings.ReplaceAll(s, "\r\n", "\n"))
}

// steers reports whether a terminal would interpret r as a control character or reorder text
// because of it.
func steers(r rune) bool { return r != '\n' && left4me.Hidden(r) }
