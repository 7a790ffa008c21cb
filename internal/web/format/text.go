package format

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/left4me"
)

// Short returns the first 80 characters of s.
func Short(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}

// Visible returns untrusted text for display on one line. Characters that move the cursor, change the
// writing direction or have no width are replaced by visible symbols or their code points. Tabs are
// kept.
func Visible(s string) string {
	clean := true
	for _, r := range s {
		if left4me.Hidden(r) || r == utf8.RuneError {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, "‹%02X›", s[i]) // a byte that is not UTF-8
		case r < 0x20 && left4me.Hidden(r):
			b.WriteRune(0x2400 + r) // the picture of this control character
		case r == 0x7f:
			b.WriteRune('␡')
		case left4me.Hidden(r):
			fmt.Fprintf(&b, "‹%04X›", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// VisibleLines splits console output into lines, and applies Visible to each.
func VisibleLines(text string) []string {
	text = strings.TrimSuffix(text, "\n")
	if text == "" {
		return nil
	}
	all := strings.Split(text, "\n")
	for i, l := range all {
		all[i] = Visible(strings.TrimSuffix(l, "\r"))
	}
	return all
}

// Sentence capitalizes the first letter of s and ends s with a full stop.
func Sentence(s string) string {
	if s == "" {
		return ""
	}
	r, n := utf8.DecodeRuneInString(s)
	return EndSentence(string(unicode.ToUpper(r)) + s[n:])
}

// EndSentence ends s with a full stop unless s ends with one or with a question mark.
func EndSentence(s string) string {
	if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}

// JoinVisible joins lines after applying Visible to each.
func JoinVisible(all []string) string {
	out := make([]string, len(all))
	for i, l := range all {
		out[i] = Visible(l)
	}
	return strings.Join(out, "\n")
}
