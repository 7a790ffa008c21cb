package format

import (
	"net/url"
	"strings"
)

// UnixLines ends lines as shells and the game do; browsers send CR LF.
func UnixLines(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// Escape is text as a value in an address.
func Escape(s string) string { return url.QueryEscape(s) }

// CfgLines splits a text field into lines; browsers end them with CR LF.
func CfgLines(text string) []string {
	text = strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n ")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
