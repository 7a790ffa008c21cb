package output

import (
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/left4me"
)

// EscapedJSON returns a writer for JSON that escapes invisible characters. It may hold back up to 3
// bytes of an incomplete character.
func EscapedJSON(w io.Writer) io.Writer { return &escapedJSON{w: w} }

// escapedJSON writes JSON with escapes for invisible characters, which are equivalent for programs
// and harmless for a terminal. JSON itself requires escapes only for ASCII control characters.
type escapedJSON struct {
	w    io.Writer
	rest []byte // an incomplete character
}

func (e *escapedJSON) Write(b []byte) (int, error) {
	in := append(e.rest, b...)
	out := make([]byte, 0, len(in))
	for len(in) > 0 && utf8.FullRune(in) {
		r, n := utf8.DecodeRune(in)
		switch {
		case r == utf8.RuneError && n == 1:
			out = append(out, `\ufffd`...)
		case r < 0x7f || !left4me.Hidden(r):
			out = append(out, in[:n]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		in = in[n:]
	}
	e.rest = append([]byte{}, in...)
	_, err := e.w.Write(out)
	return len(b), err
}
