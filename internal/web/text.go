package web

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// visible is text from outside, fit to be shown on one line: characters that
// move the cursor, turn the writing direction or take no room are replaced by
// what names them. Tabs stay.
func visible(s string) string {
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

// shownTo returns what becomes of text that a console, a job or a script holds for
// who: passwords are shown to nobody who may change nothing.
func shownTo(who accounts.Actor) func(string) string {
	if accounts.Allow(who, accounts.Act) != nil {
		return left4me.HideSecrets
	}
	return func(s string) string { return s }
}

// jobFor is a job as who may see it.
func jobFor(who accounts.Actor, j left4me.Job) left4me.Job {
	if accounts.Allow(who, accounts.Act) != nil {
		return j.Public()
	}
	return j
}

// lines splits what a console printed and makes each line visible.
func lines(text string) []string {
	text = strings.TrimSuffix(text, "\n")
	if text == "" {
		return nil
	}
	all := strings.Split(text, "\n")
	for i, l := range all {
		all[i] = visible(strings.TrimSuffix(l, "\r"))
	}
	return all
}

// sentence begins with a capital letter and ends with a full stop.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	r, n := utf8.DecodeRuneInString(s)
	return ended(string(unicode.ToUpper(r)) + s[n:])
}

// ended ends with a full stop.
func ended(s string) string {
	if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}

// span is a duration as people say it: two parts at most.
func span(d time.Duration) string {
	s := int64(max(d, 0).Seconds())
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min", s/60)
	case s < 24*3600:
		return fmt.Sprintf("%d h %02d min", s/3600, s/60%60)
	}
	return fmt.Sprintf("%d d %d h", s/86400, s/3600%24)
}

// amount is a count with its unit.
func amount(n int64, unit string) string {
	if unit != "bytes" {
		return fmt.Sprintf("%d", n)
	}
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000*1000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1000*1000*1000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.2f GB", float64(n)/1e9)
}

// visibleLines is text of several lines.
func visibleLines(all []string) string {
	out := make([]string, len(all))
	for i, l := range all {
		out[i] = visible(l)
	}
	return strings.Join(out, "\n")
}
