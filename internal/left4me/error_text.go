package left4me

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/bytesize"
)

// ErrorText is what is said of an error with a code. Names in braces stand for
// arguments, {port}, also with a format behind a colon:
//
//	q, .200q    quoted as by %q of package fmt, of at most 200 characters
//	.12s        at most 12 characters
//	x           a number in hexadecimal digits
//	MB, binary  bytes as bytesize.MB and bytesize.Binary write them
//	short       bytes as bytesize.Short writes them
//	KiB, GiB    whole KiB and GiB, without the unit
//	hours       whole hours, without the unit
//	span        hours or minutes, if it is some of them: 2 hours, 30 minutes
//	time, date  15:04 MST and 2006-01-02 15:04 MST, in UTC
//	hint        what can be done about an error; its text without a format
//
// What is in double brackets, [[: {reason}]], is left out when an argument in it is
// missing or empty.
type ErrorText struct{ Code, Text, Hint string }

// ErrorTexts lists what is said of errors, sorted by code. Codes are stable, and so
// are the names of arguments and what they are.
func ErrorTexts() []ErrorText { return englishErrors[:] }

func findErrorText(code string) (ErrorText, bool) {
	i, ok := slices.BinarySearchFunc(englishErrors[:], code, func(t ErrorText, code string) int { return strings.Compare(t.Code, code) })
	if !ok {
		return ErrorText{}, false
	}
	return englishErrors[i], true
}

// Render returns what e says, as this build words it: its texts are made of its
// code and arguments. An error whose code or arguments this build doesn't know,
// because it came from another build, says what it came with.
func (e *Error) Render() (text, hint string) {
	if text, hint, ok := e.worded(); ok {
		return text, hint
	}
	return e.Text, e.Hint
}

// Worded reports whether what e says is made of its code and arguments by this build: else
// it says what it came with, and nobody knows what that names.
func (e *Error) Worded() bool {
	_, _, ok := e.worded()
	return ok || e.Code != "" && e.Hint == "" && e.Text == unknownText(e.Code, e.Args)
}

func (e *Error) worded() (text, hint string, ok bool) {
	t, ok := findErrorText(e.Code)
	if !ok {
		return "", "", false
	}
	text, ok = fillText(t.Text, e.Args)
	hint, ok2 := fillText(t.Hint, e.Args)
	return text, hint, ok && ok2
}

// Rendered returns e with what it says as this build words it, for whoever reads Text
// and Hint; see Render.
func (e *Error) Rendered() *Error {
	text, hint := e.Render()
	if text == e.Text && hint == e.Hint {
		return e
	}
	c := *e
	c.Text, c.Hint = text, hint
	return &c
}

// Said is the text of e as this build words it; empty when e is nil.
func (e *Error) Said() string {
	if e == nil {
		return ""
	}
	text, _ := e.Render()
	return text
}

// fillText puts arguments in the place of their names, or reports false when one
// is missing or of another kind than its place.
func fillText(text string, args Args) (string, bool) {
	if !strings.Contains(text, "{") {
		return text, true
	}
	var b strings.Builder
	for {
		before, rest, optional := strings.Cut(text, "[[")
		if s, ok := fillPlaces(before, args); ok {
			b.WriteString(s)
		} else {
			return "", false
		}
		if !optional {
			return b.String(), true
		}
		var part string
		part, text, _ = strings.Cut(rest, "]]")
		if s, ok := fillPlaces(part, args); ok && !emptyPlace(part, args) {
			b.WriteString(s)
		}
	}
}

// emptyPlace reports whether an argument of a text is an empty text, or an error of
// which a hint is wanted that it hasn't got.
func emptyPlace(text string, args Args) bool {
	for name, v := range args {
		if e, ok := v.(*Error); ok && strings.Contains(text, "{"+name+":hint}") {
			if _, hint := e.Render(); hint == "" {
				return true
			}
		}
		if v == "" && (strings.Contains(text, "{"+name+"}") || strings.Contains(text, "{"+name+":")) {
			return true
		}
	}
	return false
}

func fillPlaces(text string, args Args) (string, bool) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		place, after, ok := strings.Cut(rest, "}")
		name, format, _ := strings.Cut(place, ":")
		v, there := args[name]
		if !ok || !there || !writeArg(&b, v, format) {
			return "", false
		}
		text = after
	}
}

// writeArg writes an argument in a format, or reports false when it has none such.
func writeArg(b *strings.Builder, v any, format string) bool {
	var s string
	switch v := v.(type) {
	case string:
		return writeTextArg(b, v, format)
	case int64:
		s = formatNumber(v, format)
	case Bytes:
		s = formatBytes(v, format)
	case time.Duration:
		s = formatDuration(v, format)
	case time.Time:
		s = formatTime(v, format)
	case *Error:
		text, hint := v.Render()
		b.WriteString(map[string]string{"": text, "hint": hint}[format])
		return format == "" || format == "hint"
	}
	b.WriteString(s)
	return s != ""
}

func writeTextArg(b *strings.Builder, s, format string) bool {
	if format == "" {
		b.WriteString(s)
		return true
	}
	limit, ok := strings.CutPrefix(format[:len(format)-1], ".")
	if n, err := strconv.Atoi(limit); ok && err == nil {
		if runes := []rune(s); len(runes) > n {
			s = string(runes[:n])
		}
	} else if ok || limit != "" {
		return false
	}
	switch format[len(format)-1] {
	case 'q':
		b.WriteString(strconv.Quote(s))
	case 's':
		b.WriteString(s)
	default:
		return false
	}
	return true
}

func formatNumber(n int64, format string) string {
	switch format {
	case "":
		return strconv.FormatInt(n, 10)
	case "x":
		return strconv.FormatInt(n, 16)
	}
	return ""
}

func formatBytes(n Bytes, format string) string {
	switch format {
	case "":
		return strconv.FormatInt(int64(n), 10)
	case "MB":
		return bytesize.MB(int64(n))
	case "short":
		return bytesize.Short(int64(n))
	case "binary":
		return bytesize.Binary(int64(n))
	case "KiB":
		return strconv.FormatInt(int64(n>>10), 10)
	case "GiB":
		return strconv.FormatInt(int64(n>>30), 10)
	}
	return ""
}

func formatDuration(d time.Duration, format string) string {
	switch format {
	case "":
		return d.String()
	case "hours":
		return strconv.Itoa(int(d.Hours()))
	case "span":
		switch {
		case d >= 2*time.Hour && d%time.Hour == 0:
			return fmt.Sprintf("%d hours", d/time.Hour)
		case d >= 2*time.Minute && d%time.Minute == 0:
			return fmt.Sprintf("%d minutes", d/time.Minute)
		}
		return d.String()
	}
	return ""
}

func formatTime(t time.Time, format string) string {
	switch format {
	case "time":
		return t.UTC().Format("15:04 MST")
	case "date":
		return t.UTC().Format("2006-01-02 15:04 MST")
	}
	return ""
}

// unknownText is said of an error whose code has no text, which the tests of this
// repository don't let happen.
func unknownText(code string, args Args) string { return fmt.Sprint(code, " ", map[string]any(args)) }
