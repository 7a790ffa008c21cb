package left4me

import "unicode"

// Hidden reports whether a character can't be seen for what it is: one that
// steers a terminal, turns the writing direction, breaks the line or takes no
// room. It is the one table of them, for the panel and the command line. The tab
// is none, and the joiners aren't either, for without them some scripts and many
// emoji fall apart.
func Hidden(r rune) bool {
	switch {
	case r == '\t' || r == '\u200C' || r == '\u200D':
		return false
	case r < 0x20 || r >= 0x7f && r < 0xa0:
		return true
	case r < 0x100:
		return r == 0xad
	case r == '\u2028' || r == '\u2029' || r == '\u3164' || r == '\u115F' || r == '\u1160' || r == '\uFFA0':
		return true
	}
	return unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r)
}
