package left4me

import (
	"fmt"
	"strings"

	"github.com/left4me/left4me/internal/locale"
)

// ErrorText is the English text of a code and the hint for what to do about it, both with
// places for arguments; see package locale.
type ErrorText struct{ Code, Text, Hint string }

// ErrorTexts returns the texts of all codes, sorted by code. Codes are stable, and so are
// the names and types of their arguments.
func ErrorTexts() []ErrorText {
	hints := map[string]string{}
	var all []ErrorText
	for key, forms := range locale.English.All("error.") {
		code := strings.TrimPrefix(key, "error.")
		if of, ok := strings.CutSuffix(code, ".hint"); ok {
			hints[of] = forms["other"]
		} else {
			all = append(all, ErrorText{Code: code, Text: forms["other"]})
		}
	}
	for i := range all {
		all[i].Hint = hints[all[i].Code]
	}
	return all
}

// Render returns the English text and hint of e, made of its code and arguments. An error
// whose code or arguments this build doesn't know, because it came from another build, has
// the texts it came with.
func (e *Error) Render() (text, hint string) { return e.RenderIn(locale.English) }

// RenderIn is Render in the language of p.
func (e *Error) RenderIn(p *locale.Printer) (text, hint string) {
	if text, hint, ok := e.fromCode(p); ok {
		return text, hint
	}
	return e.Text, e.Hint
}

// Worded reports whether this build made the text of e from its code and arguments. If not,
// the text may name things that nobody has checked.
func (e *Error) Worded() bool {
	_, _, ok := e.fromCode(locale.English)
	return ok || e.Code != "" && e.Hint == "" && e.Text == unknownText(e.Code, e.Args)
}

func (e *Error) fromCode(p *locale.Printer) (text, hint string, ok bool) {
	if e.Code == "" {
		return "", "", false
	}
	key := "error." + e.Code
	if text, ok = p.Lookup(key, e.Args); !ok {
		return "", "", false
	}
	if key += ".hint"; p.Has(key) {
		hint, ok = p.Lookup(key, e.Args)
	}
	return text, hint, ok
}

// InLocale makes an error an argument of a text: its text, or with the format "hint" what
// to do about it.
func (e *Error) InLocale(p *locale.Printer, format string) (string, bool) {
	text, hint := e.RenderIn(p)
	if format == "hint" {
		return hint, true
	}
	return text, format == ""
}

// Rendered returns e with the Text and Hint that this build makes of its code; see Render.
func (e *Error) Rendered() *Error {
	text, hint := e.Render()
	if text == e.Text && hint == e.Hint {
		return e
	}
	c := *e
	c.Text, c.Hint = text, hint
	return &c
}

// Said returns the English text of e; empty when e is nil.
func (e *Error) Said() string {
	if e == nil {
		return ""
	}
	text, _ := e.Render()
	return text
}

// unknownText is said of an error whose code has no text, which the tests of this
// repository don't let happen.
func unknownText(code string, args Args) string { return fmt.Sprint(code, " ", map[string]any(args)) }
