// Package charset detects and decodes the encodings of texts and file names that do not state their
// encoding.
//
// It supports the legacy encodings of the WHATWG Encoding Standard and the DOS code pages, in which
// archivers on Windows write names. It does no I/O and is safe for concurrent use.
package charset

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// UTF8 is the name of the encoding that needs no conversion.
const UTF8 = "utf-8"

// Encoding is a character encoding.
type Encoding struct {
	Name  string // in lower case, as used in left4me's interfaces
	Label string // name for display
	also  []string
	table encoding.Encoding
}

// all lists the encodings, the most frequent first. Where the standard uses one name for several
// encodings, the name means the largest: euc-kr is CP949, shift_jis is CP932.
var all = []Encoding{
	{"gbk", "Chinese, simplified (GBK, CP936)", []string{"gb2312", "cp936"}, simplifiedchinese.GBK},
	{"gb18030", "Chinese (GB18030)", nil, simplifiedchinese.GB18030},
	{"big5", "Chinese, traditional (Big5, CP950)", []string{"cp950", "big5-hkscs"}, traditionalchinese.Big5},
	{"shift_jis", "Japanese (Shift_JIS, CP932)", []string{"sjis", "shift-jis", "cp932", "windows-31j"}, japanese.ShiftJIS},
	{"euc-kr", "Korean (EUC-KR, CP949)", []string{"cp949", "windows-949", "uhc"}, korean.EUCKR},
	{"cp866", "Cyrillic (DOS 866)", []string{"ibm866"}, charmap.CodePage866},
	{"cp1251", "Cyrillic (Windows-1251)", []string{"windows-1251"}, charmap.Windows1251},
	{"cp437", "Western (DOS 437)", []string{"ibm437"}, charmap.CodePage437},
	{"cp850", "Western (DOS 850)", []string{"ibm850"}, charmap.CodePage850},
	{"cp1252", "Western (Windows-1252)", []string{"windows-1252", "iso-8859-1", "latin1"}, charmap.Windows1252},
	{"cp852", "Central European (DOS 852)", []string{"ibm852"}, charmap.CodePage852},
	{"cp1250", "Central European (Windows-1250)", []string{"windows-1250"}, charmap.Windows1250},
	{"euc-jp", "Japanese (EUC-JP)", nil, japanese.EUCJP},
	{"iso-2022-jp", "Japanese (ISO-2022-JP)", nil, japanese.ISO2022JP},
	{"koi8-r", "Cyrillic (KOI8-R)", nil, charmap.KOI8R},
	{"koi8-u", "Cyrillic (KOI8-U)", nil, charmap.KOI8U},
	{"cp855", "Cyrillic (DOS 855)", []string{"ibm855"}, charmap.CodePage855},
	{"x-mac-cyrillic", "Cyrillic (Macintosh)", []string{"maccyrillic"}, charmap.MacintoshCyrillic},
	{"macintosh", "Western (Macintosh)", []string{"macroman"}, charmap.Macintosh},
	{"cp1253", "Greek (Windows-1253)", []string{"windows-1253"}, charmap.Windows1253},
	{"cp1254", "Turkish (Windows-1254)", []string{"windows-1254", "iso-8859-9"}, charmap.Windows1254},
	{"cp1255", "Hebrew (Windows-1255)", []string{"windows-1255"}, charmap.Windows1255},
	{"cp1256", "Arabic (Windows-1256)", []string{"windows-1256"}, charmap.Windows1256},
	{"cp1257", "Baltic (Windows-1257)", []string{"windows-1257"}, charmap.Windows1257},
	{"cp1258", "Vietnamese (Windows-1258)", []string{"windows-1258"}, charmap.Windows1258},
	{"windows-874", "Thai (Windows-874)", []string{"cp874", "tis-620"}, charmap.Windows874},
	{"cp858", "Western (DOS 858)", []string{"ibm858"}, charmap.CodePage858},
	{"cp860", "Portuguese (DOS 860)", []string{"ibm860"}, charmap.CodePage860},
	{"cp862", "Hebrew (DOS 862)", []string{"ibm862"}, charmap.CodePage862},
	{"cp863", "French of Canada (DOS 863)", []string{"ibm863"}, charmap.CodePage863},
	{"cp865", "Nordic (DOS 865)", []string{"ibm865"}, charmap.CodePage865},
	{"iso-8859-2", "Central European (ISO-8859-2)", nil, charmap.ISO8859_2},
	{"iso-8859-3", "South European (ISO-8859-3)", nil, charmap.ISO8859_3},
	{"iso-8859-4", "Baltic (ISO-8859-4)", nil, charmap.ISO8859_4},
	{"iso-8859-5", "Cyrillic (ISO-8859-5)", nil, charmap.ISO8859_5},
	{"iso-8859-6", "Arabic (ISO-8859-6)", nil, charmap.ISO8859_6},
	{"iso-8859-7", "Greek (ISO-8859-7)", nil, charmap.ISO8859_7},
	{"iso-8859-8", "Hebrew (ISO-8859-8)", nil, charmap.ISO8859_8},
	{"iso-8859-10", "Nordic (ISO-8859-10)", nil, charmap.ISO8859_10},
	{"iso-8859-13", "Baltic (ISO-8859-13)", nil, charmap.ISO8859_13},
	{"iso-8859-14", "Celtic (ISO-8859-14)", nil, charmap.ISO8859_14},
	{"iso-8859-15", "Western (ISO-8859-15)", nil, charmap.ISO8859_15},
	{"iso-8859-16", "Romanian (ISO-8859-16)", nil, charmap.ISO8859_16},
	{UTF8, "UTF-8", []string{"utf8"}, nil},
}

// All returns all encodings, the most frequent first.
func All() []Encoding { return append([]Encoding(nil), all...) }

// Find returns the encoding with the given name, ignoring case. ok is false if the name is unknown.
func Find(name string) (e Encoding, ok bool) {
	low := strings.ToLower(strings.TrimSpace(name))
	for _, e := range all {
		if e.Name == low {
			return e, true
		}
		for _, a := range e.also {
			if a == low {
				return e, true
			}
		}
	}
	return Encoding{}, false
}

// ErrNot is returned for bytes or texts that an encoding cannot represent.
var ErrNot = errors.New("charset: the bytes are no text in this encoding")

// Decode converts bytes from the encoding to UTF-8. If some bytes are invalid, it returns the
// readable part and ErrNot.
func (e Encoding) Decode(b []byte) (string, error) {
	if e.table == nil {
		if !utf8.Valid(b) {
			return strings.ToValidUTF8(string(b), "\uFFFD"), ErrNot
		}
		return string(b), nil
	}
	if ascii(b) && e.Name != "iso-2022-jp" && !strings.HasPrefix(e.Name, "utf-16") {
		return string(b), nil
	}
	text, err := e.table.NewDecoder().Bytes(b)
	if err != nil || strings.ContainsRune(string(text), utf8.RuneError) {
		return string(text), ErrNot
	}
	return string(text), nil
}

// Encode converts a text from UTF-8 to the encoding. It returns ErrNot if the encoding lacks one of
// the characters.
func (e Encoding) Encode(s string) ([]byte, error) {
	if e.table == nil {
		return []byte(s), nil
	}
	b, err := e.table.NewEncoder().String(s)
	if err != nil {
		return nil, ErrNot
	}
	return []byte(b), nil
}

// Unslashed restores the bytes of a name in which a decoder, such as that of RAR, replaced \ with
// /. In these encodings, \ may be the second byte of a character, and / never is.
func (e Encoding) Unslashed(b []byte) []byte {
	lead := func(c byte) bool { return c >= 0x81 && c <= 0xfe }
	switch e.Name {
	case "gbk", "gb18030", "big5", "euc-kr":
	case "shift_jis":
		lead = func(c byte) bool { return c >= 0x81 && c <= 0x9f || c >= 0xe0 && c <= 0xfc }
	default:
		return b
	}
	out := append([]byte(nil), b...)
	for i := 0; i < len(out); i++ {
		if lead(out[i]) && i+1 < len(out) {
			if i++; out[i] == '/' {
				out[i] = '\\'
			}
		}
	}
	return out
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
