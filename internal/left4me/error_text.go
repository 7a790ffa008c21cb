package left4me

import (
	"fmt"
	"strings"

	"github.com/left4me/left4me/internal/locale"
)

// ErrorText is the English text of a code and the hint on what to do, both with places for
// arguments; see package locale.
type ErrorText struct{ Code, Text, Hint string }

// ErrorTexts returns the texts of all codes, sorted by code. Codes and the names and types of their
// arguments are stable.
func ErrorTexts() []ErrorText { return codeTexts("error.", ".hint") }

// codeTexts returns the texts whose keys begin with prefix, sorted by code. The key of what to do
// about a code ends with more.
func codeTexts(prefix, more string) []ErrorText {
	hints := map[string]string{}
	var all []ErrorText
	for key, forms := range locale.English.All(prefix) {
		code := strings.TrimPrefix(key, prefix)
		if of, ok := strings.CutSuffix(code, more); ok {
			hints[of] = forms["other"]
		} else {
			all = append(all, ErrorText{code, forms["other"], ""})
		}
	}
	for i := range all {
		all[i].Hint = hints[all[i].Code]
	}
	return all
}

// Render returns the English text and hint of e from its code and arguments. If this build does not
// know the code or the arguments, because another build created the error, Render returns the
// error's own Text and Hint.
func (e *Error) Render() (text, hint string) { return e.RenderIn(locale.English) }

// RenderIn is like Render in the language of p.
func (e *Error) RenderIn(p *locale.Printer) (text, hint string) {
	if text, hint, ok := e.fromCode(p); ok {
		return text, hint
	}
	return e.Text, e.Hint
}

// Worded reports whether this build created the text of e from its code and arguments. If not, the
// text may contain names that were not checked against the reader's permissions.
func (e *Error) Worded() bool {
	_, _, ok := e.fromCode(locale.English)
	return ok || e.Code != "" && e.Hint == "" && e.Text == unknownText(e.Code, e.Args)
}

func (e *Error) fromCode(p *locale.Printer) (text, hint string, ok bool) {
	return textsOf(p, "error.", e.Code, ".hint", e.Args)
}

// textsOf returns the text of a code and what to do about it, whose key ends with more. It
// reports false when a code or an argument is not known.
func textsOf(p *locale.Printer, prefix, code, more string, args Args) (text, hint string, ok bool) {
	if code == "" {
		return "", "", false
	}
	key := prefix + code
	if text, ok = p.Lookup(key, args); !ok {
		return "", "", false
	}
	if key += more; p.Has(key) {
		hint, ok = p.Lookup(key, args)
	}
	return text, hint, ok
}

// InLocale implements locale.Arg: it returns the text of e or, with the format "hint", its hint.
func (e *Error) InLocale(p *locale.Printer, format string) (string, bool) {
	text, hint := e.RenderIn(p)
	if format == "hint" {
		return hint, true
	}
	return text, format == ""
}

// Rendered returns e with the Text and Hint of this build; see Render.
func (e *Error) Rendered() *Error {
	text, hint := e.Render()
	if text == e.Text && hint == e.Hint {
		return e
	}
	c := *e
	c.Text, c.Hint = text, hint
	return &c
}

// Said returns the English text of e, or "" if e is nil.
func (e *Error) Said() string {
	if e == nil {
		return ""
	}
	text, _ := e.Render()
	return text
}

// unknownText returns the text of an error whose code has no text. Tests make sure that all codes
// have one.
func unknownText(code string, args Args) string { return fmt.Sprint(code, " ", map[string]any(args)) }
