package format

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/left4me"
)

// Short is the beginning of a text that somebody else wrote.
func Short(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}

// Visible is text from outside, fit to be shown on one line: characters that
// move the cursor, turn the writing direction or take no room are replaced by
// what names them. Tabs stay.
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
			fmt.Fprintf(&b, "‹%02X›", s[i]) // a byte that is no UTF-8
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

// VisibleLines splits what a console printed and makes each line visible.
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

// Sentence begins with a capital letter and ends with a full stop.
func Sentence(s string) string {
	if s == "" {
		return ""
	}
	r, n := utf8.DecodeRuneInString(s)
	return EndSentence(string(unicode.ToUpper(r)) + s[n:])
}

// EndSentence ends with a full stop.
func EndSentence(s string) string {
	if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}

// JoinVisible is text of several lines.
func JoinVisible(all []string) string {
	out := make([]string, len(all))
	for i, l := range all {
		out[i] = Visible(l)
	}
	return strings.Join(out, "\n")
}
