package charset

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wlynxg/chardet"
)

// Guess is the result of Detect.
type Guess struct {
	Name string // name of the encoding; empty if all texts are UTF-8
	// Sure reports whether the texts suffice to determine the encoding. If not, Name is the most
	// likely one, and users may correct it: a name of a few letters can be a valid word in several
	// encodings.
	Sure bool
}

const (
	maxDetect         = 24 << 10 // maximum number of bytes examined; more do not improve the result
	minConfidence     = 0.9      // minimum confidence of the detector
	minConfidenceWide = 0.5      // minimum confidence for multi-byte encodings
	longEnough        = 24       // number of non-ASCII bytes from which a single text suffices
	implausibleScore  = 6        // a text with a score below the negative of this is implausible
)

// detectorNames maps the detector's names to ours, for the encodings that it detects reliably from two
// or more texts. Western encodings are not among them.
var detectorNames = map[string]string{
	"GB2312": "gbk", "Big5": "big5", "SHIFT_JIS": "shift_jis", "CP932": "shift_jis", "EUC-KR": "euc-kr", "CP949": "euc-kr",
	"EUC-JP": "euc-jp",
	"IBM866": "cp866", "IBM855": "cp855", "Windows-1251": "cp1251", "KOI8-R": "koi8-r", "MacCyrillic": "x-mac-cyrillic",
	"ISO-8859-5": "iso-8859-5", "Windows-1253": "cp1253", "ISO-8859-7": "cp1253", "Windows-1255": "cp1255", "TIS-620": "windows-874",
}

// likelyEncodings lists the encodings considered for names. Of two with the same score, the first wins.
var likelyEncodings = []string{
	"gbk", "gb18030", "big5", "shift_jis", "euc-kr", "cp1251", "cp866", "cp437", "cp850", "cp1252", "cp852",
	"cp1250",
}

// Detect returns the common encoding of several texts, such as the names in an archive and the
// content of its text files. If the texts do not determine the encoding, Detect uses hint, the name
// of an encoding or empty, provided that all texts can be decoded with it. Its time is bounded: it
// examines at most 24 KiB.
func Detect(texts [][]byte, hint string) Guess {
	return detect(texts, hint, likelyEncodings, "cp437", false)
}

// detect implements Detect. It chooses the encoding with the best score from likely, or otherwise
// if none fits. If doubted is true, it ignores a hint that gives an implausible text while another
// encoding has a much better score.
func detect(texts [][]byte, hint string, likely []string, otherwise string, doubted bool) Guess {
	odd := distinct(texts)
	if len(odd) == 0 {
		return Guess{Sure: true}
	}
	joined := bytes.Join(odd, []byte("\n"))
	tells := len(odd) > 1 || countNonASCII(joined) >= longEnough
	if tells {
		for i, r := range chardet.DetectAll(joined) {
			name := detectorNames[r.Encoding]
			if i > 0 || name == "" || r.Confidence < minConfidenceWide || r.Confidence < minConfidence && !wide(name) {
				break
			}
			if name == "gbk" && !Fits(name, odd) {
				name = "gb18030"
			}
			if Fits(name, odd) {
				return Guess{name, true}
			}
		}
	}
	best, most := otherwise, -1<<62
	for _, name := range likely {
		if score, fits := scoreOf(name, odd); fits && score > most {
			best, most = name, score
		}
	}
	if hint != "" && Fits(hint, odd) {
		e, _ := Find(hint)
		if score, _ := scoreOf(e.Name, odd); !doubted || score > -implausibleScore || most-score < 2*implausibleScore {
			return Guess{Name: e.Name}
		}
	}
	return Guess{Name: best, Sure: tells && most > 2*len(odd)}
}

// scoreOf rates how plausible the texts are when decoded with the named encoding. fits is false if
// they cannot be decoded.
func scoreOf(name string, texts [][]byte) (score int, fits bool) {
	e, _ := Find(name)
	for _, t := range texts {
		text, err := e.Decode(t)
		if err != nil {
			return 0, false
		}
		score += e.likely(text)
	}
	return score, true
}

// Fits reports whether all texts can be decoded with the named encoding.
func Fits(name string, texts [][]byte) bool {
	e, ok := Find(name)
	if !ok {
		return false
	}
	for _, t := range texts {
		text, err := e.Decode(t)
		if err != nil || strings.ContainsFunc(text, implausible) {
			return false
		}
	}
	return true
}

// wide reports whether the encoding has multi-byte characters.
func wide(name string) bool {
	switch name {
	case "gbk", "gb18030", "big5", "shift_jis", "euc-kr", "euc-jp":
		return true
	}
	return false
}

// implausible reports whether a character never occurs in real texts.
func implausible(r rune) bool {
	return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r >= 0x7f && r < 0xa0 || r >= 0xe000 && r <= 0xf8ff
}

// distinct returns the texts that are not UTF-8, without duplicates, up to the examined size.
func distinct(texts [][]byte) (odd [][]byte) {
	seen, size := map[string]bool{}, 0
	for _, t := range texts {
		if utf8.Valid(t) || seen[string(t)] {
			continue
		}
		if t = t[:cutPoint(t)]; len(t) == 0 {
			continue
		}
		seen[string(t)] = true
		odd = append(odd, t)
		if size += len(t); size > maxDetect {
			break
		}
	}
	return odd
}

// cutPoint returns the length to which a long text can be shortened: the end of a line.
func cutPoint(t []byte) int {
	if len(t) <= maxDetect {
		return len(t)
	}
	if n := bytes.LastIndexByte(t[:maxDetect], '\n'); n > 0 {
		return n
	}
	return 0
}

// countNonASCII counts the non-ASCII bytes.
func countNonASCII(b []byte) (n int) {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			n++
		}
	}
	return n
}

// likely rates how plausible a name is: words of one script, in lower case or with one leading
// capital, without symbols in between.
func (e Encoding) likely(s string) (score int) {
	before := rune(0)
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf:
			if unicode.IsLetter(r) {
				score -= mixed(before)
			}
		case unicode.Is(unicode.Han, r):
			score += e.han(r)
		case r >= 0xff61 && r <= 0xff9f: // half-width forms: typical for text in another encoding
			score -= 4
		case unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Hangul):
			score += 4
		case unicode.Is(unicode.Cyrillic, r):
			score += cyrillic(before, r)
		case unicode.IsLetter(r):
			score += latin(before, r)
		case r >= 0xff01 && r <= 0xff5e || r >= 0x3000 && r <= 0x3017: // full-width symbols, used in Chinese names
			score++
		default:
			score -= 4
		}
		if before < utf8.RuneSelf && unicode.IsLetter(before) {
			score -= mixed(r)
		}
		before = r
	}
	return score
}

// mixed returns the score of a character next to an ASCII letter. Words rarely mix these scripts
// with Latin letters.
func mixed(r rune) int {
	switch {
	case unicode.In(r, unicode.Cyrillic, unicode.Hangul):
		return 6
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana):
		return 4
	}
	return 0
}

// han rates a character of two bytes. The standards list the common characters first; the others
// are rare in names.
func (e Encoding) han(r rune) int {
	b, err := e.Encode(string(r))
	if err != nil || len(b) != 2 {
		return -4
	}
	usual := false
	switch e.Name {
	case "gbk", "gb18030":
		usual = b[0] >= 0xb0 && b[0] <= 0xd7 && b[1] >= 0xa1
	case "big5":
		usual = b[0] >= 0xa4 && b[0] <= 0xc6
	case "shift_jis":
		usual = b[0] >= 0x88 && b[0] <= 0x97
	}
	if usual {
		return 4
	}
	return -3
}

// common holds the non-ASCII lower-case letters of western and central European languages.
const common = "äöüßàâçèéêëîïôùûœæáíóúñåøãõìòąćęłńśźżčďěňřšťůžýőűăşţș"

// latin rates a letter that follows another. In western names, most letters are ASCII.
func latin(before, r rune) int {
	score := -3
	if before < utf8.RuneSelf && unicode.IsLetter(before) || before == 0 {
		score = 1
	}
	if !strings.ContainsRune(common, unicode.ToLower(r)) {
		return score - 3
	}
	if unicode.IsUpper(r) && unicode.IsLower(before) {
		return score - 2 // capital within a word
	}
	return score
}

// cyrillic rates a letter that follows another.
func cyrillic(before, r rune) int {
	score := -3
	switch r {
	case 'о', 'е', 'а', 'и', 'н', 'т', 'с', 'р', 'в', 'л', 'к', 'м', 'д', 'п', 'у', 'я', 'ы', 'ь', 'г', 'з', 'б', 'ч', 'й', 'х', 'ж', 'ш',
		'ю', 'ц', 'щ', 'э', 'ф', 'ё', 'і', 'ї', 'є':
		score = 2
	default:
		if unicode.IsUpper(r) && r >= 'А' && r <= 'Я' {
			score = 2
			if unicode.IsLower(before) {
				score = -3 // capital within a word
			}
		}
	}
	return score
}

// languages maps the primary subtag of a language to the encoding in which archivers on Windows
// write names. For zh, the rest of the tag decides.
var languages = map[string]string{
	"ja": "shift_jis", "ko": "euc-kr", "ru": "cp866", "uk": "cp866", "be": "cp866", "bg": "cp866", "th": "windows-874", "el": "cp1253",
	"tr": "cp1254", "he": "cp862",
	"pl": "cp852", "cs": "cp852", "sk": "cp852", "hu": "cp852", "ro": "cp852", "hr": "cp852", "sl": "cp852",
	"de": "cp850", "fr": "cp850", "es": "cp850", "it": "cp850", "pt": "cp850", "nl": "cp850", "sv": "cp850", "da": "cp850", "nb": "cp850",
	"no": "cp850", "fi": "cp850",
}

// ForLanguages returns the encoding for the first language of a list, as sent by browsers (RFC
// 9110, 12.5.4: zh-TW,zh;q=0.9) or set in LANG (zh_TW.UTF-8). It returns an empty string for
// English and for unknown languages.
func ForLanguages(list string) string {
	first, _, _ := strings.Cut(list, ",")
	first, _, _ = strings.Cut(first, ";")
	first, _, _ = strings.Cut(first, ".")
	tag := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(first), "_", "-"))
	language, rest, _ := strings.Cut(tag, "-")
	if language != "zh" {
		return languages[language]
	}
	if strings.Contains(rest, "tw") || strings.Contains(rest, "hk") || strings.Contains(rest, "mo") || strings.Contains(rest, "hant") {
		return "big5"
	}
	return "gbk"
}
