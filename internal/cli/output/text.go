package output

import (
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// OneLine makes text from outside harmless for a terminal and puts it on one line.
func OneLine(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.Join(strings.FieldsFunc(Harmless(s), func(r rune) bool { return r == '\n' }), " ")
}

// Harmless replaces what could steer a terminal: a player chooses what stands in
// a console, and must not move anybody's cursor.
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

// steers reports whether a terminal would act on r, or show text in another
// order than it is in.
func steers(r rune) bool { return r != '\n' && left4me.Hidden(r) }
