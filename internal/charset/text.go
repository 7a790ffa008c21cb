package charset

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

// textOnly lists encodings that files declare with a byte order mark. File names never use them.
var textOnly = []Encoding{
	{"utf-16le", "UTF-16, little-endian", nil, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)},
	{"utf-16be", "UTF-16, big-endian", nil, unicode.UTF16(unicode.BigEndian, unicode.UseBOM)},
}

// likelyTextEncodings lists the encodings considered for short texts. Of two with the same score, the first
// wins. Windows writes texts in other code pages than archivers write names.
var likelyTextEncodings = []string{"gbk", "gb18030", "big5", "shift_jis", "euc-kr", "cp1251", "cp1252", "cp1250", "cp866"}

// windowsCodePages maps DOS code pages, used for names, to the Windows code pages used for texts.
var windowsCodePages = map[string]string{
	"cp866": "cp1251", "cp855": "cp1251", "cp850": "cp1252", "cp858": "cp1252", "cp437": "cp1252", "cp860": "cp1252", "cp863": "cp1252",
	"cp865": "cp1252",
	"cp852": "cp1250", "cp862": "cp1255",
}

// FindText is like Find but also knows utf-16le and utf-16be, which only texts use.
func FindText(name string) (e Encoding, ok bool) {
	for _, e := range textOnly {
		if strings.EqualFold(name, e.Name) {
			return e, true
		}
	}
	return Find(name)
}

// DetectText returns the encoding of the text of a file that is not UTF-16. It examines lines and
// quoted strings together. hint is as in Detect and refers to names: for a DOS code page, the
// corresponding Windows code page is used. The time is linear in the length of b.
func DetectText(b []byte, hint string) Guess {
	var odd [][]byte
	size := 0
	for l := range bytes.FieldsFuncSeq(b, func(r rune) bool { return r == '\n' || r == '\r' || r == '"' }) {
		if utf8.Valid(l) {
			continue
		}
		odd = append(odd, l)
		if size += len(l); size > maxDetect {
			break
		}
	}
	if e, ok := Find(hint); ok {
		hint = e.Name
	}
	if windows, ok := windowsCodePages[hint]; ok {
		hint = windows
	}
	g := detect(odd, hint, likelyTextEncodings, "cp1252", true)
	if g.Name == "gbk" && !Fits(g.Name, [][]byte{b}) && Fits("gb18030", [][]byte{b}) {
		g.Name = "gb18030"
	}
	return g
}

// ReadText decodes the content of a file and returns its encoding, UTF8 if no conversion was
// needed. Encoding the text again gives exactly b. hint is as in DetectText. ReadText returns
// ErrNot for binary content, for a text that is mostly UTF-8 with some invalid bytes, and for a
// text that would not give the same bytes.
func ReadText(b []byte, hint string) (string, Guess, error) {
	g := Guess{Name: UTF8, Sure: true}
	switch {
	case utf8.Valid(b):
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}):
		g.Name = "utf-16le"
	case bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		g.Name = "utf-16be"
	case bytes.IndexByte(b, 0) >= 0 || mostlyUTF8(b):
		return "", Guess{}, ErrNot
	default:
		g = DetectText(b, hint)
	}
	e, _ := FindText(g.Name)
	text, err := e.Decode(b)
	if err != nil || strings.ContainsFunc(text, func(r rune) bool { return implausible(r) && r != '\f' && (g.Name != UTF8 || r < ' ') }) {
		return "", Guess{}, ErrNot
	}
	if again, err := e.Encode(text); err != nil || !bytes.Equal(again, b) {
		return "", Guess{}, ErrNot
	}
	return text, g, nil
}

// mostlyUTF8 reports whether more non-ASCII lines are UTF-8 than are not. Such a text is damaged
// UTF-8.
func mostlyUTF8(b []byte) bool {
	balance := 0
	for l := range bytes.Lines(b) {
		switch {
		case ascii(l):
		case utf8.Valid(l):
			balance++
		default:
			balance--
		}
	}
	return balance > 0
}

// Values returns a function that decodes single values of a text that is neither UTF-8 nor UTF-16.
// A value may be truncated inside a character; the rest of that character is dropped. Invalid bytes
// become U+FFFD.
func Values(b []byte, hint string) func([]byte) string {
	e, _ := Find(DetectText(b, hint).Name)
	return func(v []byte) string {
		text, err := e.Decode(v)
		if err != nil && wide(e.Name) {
			text = strings.TrimSuffix(text, string(utf8.RuneError))
		}
		return text
	}
}

// Lacks returns the first character of a text that an encoding cannot represent exactly, and its
// line, counted from 1.
func (e Encoding) Lacks(text string) (r rune, line int, lacks bool) {
	if e.table == nil {
		return 0, 0, false
	}
	line = 1
	has := map[rune]bool{}
	for _, r := range text {
		if r == '\n' {
			line++
		}
		if r < utf8.RuneSelf || has[r] {
			continue
		}
		b, err := e.Encode(string(r))
		if err != nil {
			return r, line, true
		}
		if again, err := e.Decode(b); err != nil || again != string(r) {
			return r, line, true
		}
		has[r] = true
	}
	return 0, 0, false
}
