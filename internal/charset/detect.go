package charset

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wlynxg/chardet"
)

// Guess is what Detect found.
type Guess struct {
	Name string // of an encoding; empty when all is UTF-8
	// Sure says that the texts tell. Else it is the likeliest, and people may know
	// better: a name of a few letters is a word in several encodings.
	Sure bool
}

const (
	maxDetect  = 24 << 10 // bytes that are looked at; more of them say nothing new
	sureBeyond = 0.9      // of what the detector gives
	wideBeyond = 0.5      // the same, where characters have several bytes
	longEnough = 24       // bytes that aren't ASCII, of a single text that tells
	strange    = 6        // below zero, of a text that nobody would write
)

// byDetector are the names that the detector has for what it is right about, given
// two texts or more. Of western encodings it is not.
var byDetector = map[string]string{
	"GB2312": "gbk", "Big5": "big5", "SHIFT_JIS": "shift_jis", "CP932": "shift_jis", "EUC-KR": "euc-kr", "CP949": "euc-kr",
	"EUC-JP": "euc-jp",
	"IBM866": "cp866", "IBM855": "cp855", "Windows-1251": "cp1251", "KOI8-R": "koi8-r", "MacCyrillic": "x-mac-cyrillic",
	"ISO-8859-5": "iso-8859-5", "Windows-1253": "cp1253", "ISO-8859-7": "cp1253", "Windows-1255": "cp1255", "TIS-620": "windows-874",
}

// likelyOnes are those that a single name may be in, the likeliest first when two
// are as good.
var likelyOnes = []string{"gbk", "gb18030", "big5", "shift_jis", "euc-kr", "cp1251", "cp866", "cp437", "cp850", "cp1252", "cp852", "cp1250"}

// Detect says which encoding texts are in, all of them in the same one: names in an
// archive and what is in its texts. hint is taken when they don't tell, if they can
// be read in it; empty is none. It takes no longer for more than 24 KiB.
func Detect(texts [][]byte, hint string) Guess {
	return detect(texts, hint, likelyOnes, "cp437", false)
}

// detect is Detect, which takes the best of likely, or else otherwise. With doubted,
// the hint isn't taken for what nobody would write, where something better is there.
func detect(texts [][]byte, hint string, likely []string, otherwise string, doubted bool) Guess {
	odd := distinct(texts)
	if len(odd) == 0 {
		return Guess{Sure: true}
	}
	joined := bytes.Join(odd, []byte("\n"))
	tells := len(odd) > 1 || high(joined) >= longEnough
	if tells {
		for i, r := range chardet.DetectAll(joined) {
			name := byDetector[r.Encoding]
			if i > 0 || name == "" || r.Confidence < wideBeyond || r.Confidence < sureBeyond && !wide(name) {
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
		if score, _ := scoreOf(e.Name, odd); !doubted || score > -strange || most-score < 2*strange {
			return Guess{Name: e.Name}
		}
	}
	return Guess{Name: best, Sure: tells && most > 2*len(odd)}
}

// scoreOf says how much texts look like what somebody would write, if they are in an
// encoding; fits is false when they can't be.
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

// Fits reports whether texts can be read in an encoding.
func Fits(name string, texts [][]byte) bool {
	e, ok := Find(name)
	if !ok {
		return false
	}
	for _, t := range texts {
		text, err := e.Decode(t)
		if err != nil || strings.ContainsFunc(text, unwritten) {
			return false
		}
	}
	return true
}

// wide reports whether characters have several bytes in an encoding.
func wide(name string) bool {
	switch name {
	case "gbk", "gb18030", "big5", "shift_jis", "euc-kr", "euc-jp":
		return true
	}
	return false
}

// unwritten reports whether nobody writes a character.
func unwritten(r rune) bool {
	return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r >= 0x7f && r < 0xa0 || r >= 0xe000 && r <= 0xf8ff
}

// distinct are the texts that aren't UTF-8, each once, as many as are looked at.
func distinct(texts [][]byte) (odd [][]byte) {
	seen, size := map[string]bool{}, 0
	for _, t := range texts {
		if utf8.Valid(t) || seen[string(t)] {
			continue
		}
		if t = t[:whole(t)]; len(t) == 0 {
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

// whole is where a text that is long can be cut: behind a line.
func whole(t []byte) int {
	if len(t) <= maxDetect {
		return len(t)
	}
	if n := bytes.LastIndexByte(t[:maxDetect], '\n'); n > 0 {
		return n
	}
	return 0
}

// high counts bytes that aren't ASCII.
func high(b []byte) (n int) {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			n++
		}
	}
	return n
}

// likely says how much a name looks like what somebody would write: words of one
// script, in lower case or with one capital in front, and no signs in between.
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
		case r >= 0xff61 && r <= 0xff9f: // half as wide: what other encodings look like
			score -= 4
		case unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Hangul):
			score += 4
		case unicode.Is(unicode.Cyrillic, r):
			score += cyrillic(before, r)
		case unicode.IsLetter(r):
			score += latin(before, r)
		case r >= 0xff01 && r <= 0xff5e || r >= 0x3000 && r <= 0x3017: // wide signs, as Chinese names have
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

// mixed is what a character costs beside an ASCII letter: nobody writes these
// scripts and Latin in one word, or seldom.
func mixed(r rune) int {
	switch {
	case unicode.In(r, unicode.Cyrillic, unicode.Hangul):
		return 6
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana):
		return 4
	}
	return 0
}

// han counts for two bytes. The standards have the common characters first; what
// is behind them is seldom in a name.
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

// common are the letters of western and central European languages that aren't
// ASCII, in small letters.
const common = "äöüßàâçèéêëîïôùûœæáíóúñåøãõìòąćęłńśźżčďěňřšťůžýőűăşţș"

// latin counts a letter behind another one. Of western names most letters are
// ASCII.
func latin(before, r rune) int {
	score := -3
	if before < utf8.RuneSelf && unicode.IsLetter(before) || before == 0 {
		score = 1
	}
	if !strings.ContainsRune(common, unicode.ToLower(r)) {
		return score - 3
	}
	if unicode.IsUpper(r) && unicode.IsLower(before) {
		return score - 2 // a capital in a word
	}
	return score
}

// cyrillic counts a letter behind another one.
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
				score = -3 // a capital in a word
			}
		}
	}
	return score
}

// languages are the encodings in which packers on Windows write names, by the
// first part of a language; zh is told apart by what follows.
var languages = map[string]string{
	"ja": "shift_jis", "ko": "euc-kr", "ru": "cp866", "uk": "cp866", "be": "cp866", "bg": "cp866", "th": "windows-874", "el": "cp1253",
	"tr": "cp1254", "he": "cp862",
	"pl": "cp852", "cs": "cp852", "sk": "cp852", "hu": "cp852", "ro": "cp852", "hr": "cp852", "sl": "cp852",
	"de": "cp850", "fr": "cp850", "es": "cp850", "it": "cp850", "pt": "cp850", "nl": "cp850", "sv": "cp850", "da": "cp850", "nb": "cp850",
	"no": "cp850", "fi": "cp850",
}

// ForLanguages returns the encoding of the first language of a list, as browsers
// send it (RFC 9110, 12.5.4: zh-TW,zh;q=0.9) or as LANG has it (zh_TW.UTF-8); empty
// for English and what isn't known.
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
