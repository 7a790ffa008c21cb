package vdf

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// Decode converts a file to UTF-8 text. It decodes UTF-16 in either byte order if the file begins with
// a byte order mark; otherwise UTF-8, with or without a mark, if valid; otherwise Latin-1. Text in
// other encodings is decoded wrongly, but its ASCII part, which includes all keys, remains readable.
// The result may be twice as long as b.
func Decode(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}):
		return decodeUTF16(b[2:], binary.LittleEndian)
	case bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		return decodeUTF16(b[2:], binary.BigEndian)
	}
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if utf8.Valid(b) {
		return string(b)
	}
	text := make([]byte, 0, len(b)+len(b)/8)
	for _, c := range b {
		text = utf8.AppendRune(text, rune(c))
	}
	return string(text)
}

// decodeUTF16 replaces lone surrogates and ignores an incomplete unit at the end.
func decodeUTF16(b []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}
