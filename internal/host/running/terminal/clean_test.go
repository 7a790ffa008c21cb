package terminal

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

func cleaned(pieces ...string) string {
	var c Cleaner
	var out []byte
	for _, p := range pieces {
		out = c.Clean(out, []byte(p))
	}
	return string(c.Flush(out))
}

func TestCleanerRemovesTerminalSequences(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"plain":                      {"a\nb\n", "a\nb\n"},
		"unterminated line":          {"a\nb", "a\nb\n"},
		"empty lines":                {"\n\n", "\n\n"},
		"Windows line ends":          {"a\r\nb\r\n", "a\nb\n"},
		"progress":                   {"10%\r20%\r", "10%\n20%\n"},
		"colours":                    {"\x1b[1;31mred\x1b[0m\n", "red\n"},
		"title":                      {"\x1b]0;title\x07a\n\x1b]0;title\x1b\\b\n", "a\nb\n"},
		"character set":              {"\x1b(Ba\n", "a\n"},
		"unterminated escape":        {"\x1b[12\na\n", "\na\n"},
		"tabs are kept":              {"a\tb\n", "a\tb\n"},
		"other controls are removed": {"a\x07\x00\x7fb\n", "ab\n"},
		"backspace":                  {"abx\bc\n", "abc\n"},
		"backspace over a rune":      {"aä\bb\n", "ab\n"},
		"UTF-8":                      {"Bündel 漢字\n", "Bündel 漢字\n"},
		"not UTF-8":                  {"a\xffb\n", "a\uFFFDb\n"},
		"C1 controls":                {"a\u0085\u009b1mb\n", "a1mb\n"},
		"longer than MaxLine":        {strings.Repeat("a", MaxLine+5) + "\n", strings.Repeat("a", MaxLine) + "\naaaaa\n"},
		"exactly MaxLine":            {strings.Repeat("a", MaxLine) + "\n", strings.Repeat("a", MaxLine) + "\n"},
		"character across the limit": {strings.Repeat("a", MaxLine-1) + "äb\n", strings.Repeat("a", MaxLine-1) + "\näb\n"},
	} {
		if got := cleaned(tt.in); got != tt.want {
			t.Errorf("%s: got %.60q, want %.60q", name, got, tt.want)
		}
	}
}

func FuzzCleaner(f *testing.F) {
	for _, s := range []string{"a\r\nb\n", "\x1b[31mx\x1b[0m\n", "\x1b]0;t\x07", "ä\b\xff\n", strings.Repeat("ä", 50)} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, in []byte, at int) {
		whole := cleaned(string(in))
		at = max(0, min(at, len(in)))
		if parts := cleaned(string(in[:at]), string(in[at:])); parts != whole {
			t.Fatalf("in two pieces: %q, in one piece: %q", parts, whole)
		}
		if !utf8.ValidString(whole) {
			t.Fatalf("%q is not valid UTF-8", whole)
		}
		if whole != "" && whole[len(whole)-1] != '\n' {
			t.Fatalf("%q doesn't end with a line feed", whole)
		}
		for line := range strings.Lines(whole) {
			if len(line) > MaxLine+1 {
				t.Fatalf("line of %d bytes", len(line))
			}
			if i := strings.IndexFunc(line[:len(line)-1],
				func(r rune) bool { return r < 0x20 && r != '\t' || r >= 0x7f && r < 0xa0 }); i >= 0 {
				t.Fatalf("control character in %q", line)
			}
		}
	})
}

func BenchmarkCleaner(b *testing.B) {
	in := bytes.Repeat([]byte("L 11/24/2026 - 21:38:21: \"Somebody<2><STEAM_1:0:1><>\" entered the game\n"), 400)
	var c Cleaner
	var out []byte
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		out = c.Clean(out[:0], in)
	}
}
