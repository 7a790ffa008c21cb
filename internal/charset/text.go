package charset

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

// textOnly are encodings that files say they are in, by a byte order mark. Names of
// files never are.
var textOnly = []Encoding{
	{"utf-16le", "UTF-16, little-endian", nil, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)},
	{"utf-16be", "UTF-16, big-endian", nil, unicode.UTF16(unicode.BigEndian, unicode.UseBOM)},
}

// inTexts are those that a short text may be in, the likeliest first when two are
// as good. Windows writes texts in other code pages than packers write names.
var inTexts = []string{"gbk", "gb18030", "big5", "shift_jis", "euc-kr", "cp1251", "cp1252", "cp1250", "cp866"}

// ofWindows are the code pages for texts beside those of DOS for names.
var ofWindows = map[string]string{
	"cp866": "cp1251", "cp855": "cp1251", "cp850": "cp1252", "cp858": "cp1252", "cp437": "cp1252", "cp860": "cp1252", "cp863": "cp1252",
	"cp865": "cp1252",
	"cp852": "cp1250", "cp862": "cp1255",
}

// FindText is Find with the encodings that only texts are in: utf-16le and utf-16be.
func FindText(name string) (e Encoding, ok bool) {
	for _, e := range textOnly {
		if strings.EqualFold(name, e.Name) {
			return e, true
		}
	}
	return Find(name)
}

// DetectText says which encoding the text of a file is in, which isn't UTF-16. Its
// lines, and the texts between quotation marks, tell together. hint is as in Detect, and what it is for names: a code page
// of DOS means that of Windows beside it. It takes time linear in the length of b.
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
	if windows, ok := ofWindows[hint]; ok {
		hint = windows
	}
	g := detect(odd, hint, inTexts, "cp1252", true)
	if g.Name == "gbk" && !Fits(g.Name, [][]byte{b}) && Fits("gb18030", [][]byte{b}) {
		g.Name = "gb18030"
	}
	return g
}

// ReadText returns what a file says, and the encoding that it is in; UTF8 when it is
// that. The text can be written again as it was: Encode gives b. hint is as in
// DetectText. Errors: ErrNot for what is no text, and for one of which most is UTF-8
// and the rest is not, or that would not come back as it was.
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
	if err != nil || strings.ContainsFunc(text, func(r rune) bool { return unwritten(r) && r != '\f' && (g.Name != UTF8 || r < ' ') }) {
		return "", Guess{}, ErrNot
	}
	if again, err := e.Encode(text); err != nil || !bytes.Equal(again, b) {
		return "", Guess{}, ErrNot
	}
	return text, g, nil
}

// mostlyUTF8 reports whether more lines are UTF-8 than aren't, of those that aren't
// ASCII: a text with some damage.
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

// Values returns what decodes single values of a text that is neither UTF-8 nor
// UTF-16. Values may be cut within a character: what is left of it goes. What can't
// be read is U+FFFD.
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

// Lacks returns the first character of a text that an encoding doesn't have, or has
// only as another one, and its line, from 1.
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
