package output

import (
	"testing"
)

func TestHarmlessRemovesTerminalControls(t *testing.T) {
	for in, want := range map[string]string{
		"plain ünïcode\ttab\n":       "plain ünïcode\ttab\n",
		"a\r\nb":                     "a\nb",
		"\x1b]0;title\x07\x1b[2Jx":   "\uFFFD]0;title\uFFFD\uFFFD[2Jx",
		"\u009b31m":                  "\uFFFD31m",
		"abc\u202ecba":               "abc\uFFFDcba",
		"a\u200e\u061c\u2028\u3164b": "a\uFFFD\uFFFD\uFFFD\uFFFDb",
		"over\rwritten":              "over\uFFFDwritten",
	} {
		if got := Harmless(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
