package output

import (
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/left4me"
)

// EscapedJSON makes a writer of JSON that writes what can't be seen as escapes. It
// may hold back up to 3 bytes of a character whose end has not come.
func EscapedJSON(w io.Writer) io.Writer { return &escapedJSON{w: w} }

// escapedJSON writes JSON with what can't be seen as escapes, which mean the same to
// programs and nothing to a terminal. JSON itself escapes only ASCII's controls.
type escapedJSON struct {
	w    io.Writer
	rest []byte // of a character that was cut
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
