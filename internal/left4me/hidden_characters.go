package left4me

import "unicode"

// Hidden reports whether r is invisible or misleading when printed: control characters, changes of
// the writing direction, line separators, and characters without width. The panel and the command
// line share this table. The tab is not hidden, nor are the joiners U+200C and U+200D, because some
// scripts and many emoji break without them.
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
