package format

import (
	"net/url"
	"strings"
)

// UnixLines replaces CR LF by LF: browsers submit text with CR LF, but shells and the game use LF.
func UnixLines(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// Escape returns s escaped for the query of an address.
func Escape(s string) string { return url.QueryEscape(s) }

// CfgLines splits the text of a form field into lines, which browsers end with CR LF.
func CfgLines(text string) []string {
	text = strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n ")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
