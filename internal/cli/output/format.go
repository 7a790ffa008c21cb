package output

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/left4me"
)

// Fit truncates text to a number of characters.
func Fit(s string, width int) string {
	if width < 1 || utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:width-1]) + "…"
}

// Moment formats a time in this machine's time zone.
func Moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}

// Row writes a row of a table with two columns, unless value is empty.
func Row(w io.Writer, label, value string) {
	if value != "" {
		fmt.Fprintf(w, "%s\t%s\n", label, OneLine(value))
	}
}

// Count formats a number with its noun: "3 servers".
func Count(n int, noun string) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Joined returns names separated by spaces.
func Joined(names []left4me.Name) string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = string(n)
	}
	return strings.Join(all, " ")
}
