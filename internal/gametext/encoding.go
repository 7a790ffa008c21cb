package gametext

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"

	"github.com/left4me/left4me/internal/left4me"
)

// form is the encoding of a file's characters.
type form int

const (
	utf8Plain form = iota // UTF-8 or another superset of ASCII
	utf8Marked
	utf16LE
	utf16BE
	damagedUTF16
)

const mark = "\ufeff"

// minUnits is the minimum length in UTF-16 units for a text without a byte order mark to be
// recognised as UTF-16.
const minUnits = 4

// decode returns the text as UTF-8 without a byte order mark, and its form. The bytes of a text
// that is not UTF-16 are unchanged.
func decode(b []byte) (string, form) {
	var f form
	switch {
	case bytes.HasPrefix(b, []byte(mark)):
		return strings.TrimLeft(string(b), mark), utf8Marked
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}):
		f = utf16LE
	case bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		f = utf16BE
	default:
		f = unmarked(b)
	}
	if f == utf8Plain {
		return string(b), f
	}
	text, ok := decodeUTF16(b, f)
	if !ok {
		return "", damagedUTF16
	}
	return strings.TrimLeft(text, mark), f
}

// decodeUTF16 fails for text that cannot be restored: half a unit, half a surrogate pair, or a
// zero.
func decodeUTF16(b []byte, f form) (string, bool) {
	if len(b)%2 != 0 {
		return "", false
	}
	var order binary.ByteOrder = binary.LittleEndian
	if f == utf16BE {
		order = binary.BigEndian
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		if units[i] = order.Uint16(b[2*i:]); units[i] == 0 {
			return "", false
		}
	}
	text := utf16.Decode(units)
	again := utf16.Encode(text)
	if len(again) != len(units) {
		return "", false
	}
	for i := range units {
		if units[i] != again[i] {
			return "", false
		}
	}
	return string(text), true
}

// uncut returns UTF-16 without an incomplete unit or surrogate pair at its end.
func uncut(b []byte) []byte {
	b = b[:len(b)&^1]
	n := len(b)
	if n < 4 {
		return b
	}
	high := b[n-1]
	if b[0] == 0xfe {
		high = b[n-2]
	}
	if high >= 0xd8 && high < 0xdc {
		return b[:n-2]
	}
	return b
}

// unmarked recognises UTF-16 without a byte order mark by its zero bytes: the text is mostly ASCII,
// so nearly every second byte is zero, and no other byte is.
func unmarked(b []byte) form {
	if len(b) < 2*minUnits || len(b)%2 != 0 {
		return utf8Plain
	}
	var zeros [2]int
	for i, c := range b {
		if c == 0 {
			zeros[i%2]++
		}
	}
	most := len(b) / 2 * 3 / 4
	f := utf8Plain
	switch {
	case zeros[0] == 0 && zeros[1] >= most:
		f = utf16LE
	case zeros[1] == 0 && zeros[0] >= most:
		f = utf16BE
	}
	if f != utf8Plain {
		if text, ok := decodeUTF16(b, f); !ok ||
			strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' }) {
			return utf8Plain // not a text
		}
	}
	return f
}

// finding describes the effect of the form on a reader.
func (f form) finding(r Reader) (Finding, bool) {
	switch f {
	case utf8Marked:
		return Finding{Problem: left4me.NewError(left4me.Invalid, "text.byte_order_mark", "effect", markEffect(r)), Fix: Encoding}, true
	case utf16LE, utf16BE:
		return Finding{Problem: left4me.NewError(left4me.Invalid, "text.utf16", "effect", zerosEffect(r)), Fix: Encoding}, true
	case damagedUTF16:
		return Finding{Problem: left4me.NewError(left4me.Invalid, "text.utf16_damaged", "effect", zerosEffect(r))}, true
	case utf8Plain:
	}
	return Finding{}, false
}

// markEffect returns what a reader does with a byte order mark.
func markEffect(r Reader) *left4me.Error {
	switch r {
	case Commands:
		return left4me.NewError(left4me.Invalid, "text.mark_in_commands")
	case Admins:
		return left4me.NewError(left4me.Invalid, "text.mark_in_admins")
	case Settings:
		return left4me.NewError(left4me.Invalid, "text.mark_in_settings")
	case KeyValues:
		return left4me.NewError(left4me.Invalid, "text.mark_in_keyvalues")
	case Script:
		return left4me.NewError(left4me.Invalid, "text.mark_in_script")
	case Lines, Unread:
	}
	return left4me.NewError(left4me.Invalid, "text.mark_in_lines")
}

// zerosEffect returns what a reader does with a text that has zero bytes.
func zerosEffect(r Reader) *left4me.Error {
	switch r {
	case Commands:
		return left4me.NewError(left4me.Invalid, "text.zeros_in_commands")
	case Admins:
		return left4me.NewError(left4me.Invalid, "text.zeros_in_admins")
	case Settings:
		return left4me.NewError(left4me.Invalid, "text.zeros_in_settings")
	case Script:
		return left4me.NewError(left4me.Invalid, "text.zeros_in_script")
	case KeyValues, Lines, Unread:
	}
	return left4me.NewError(left4me.Invalid, "text.zeros_in_lines")
}
