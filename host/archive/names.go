package archive

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/left4me/left4me"
)

// codePages are those that packers in use write names in without saying so, the
// likeliest first when two are as good.
var codePages = []struct {
	name  string
	table encoding.Encoding
}{
	{"gbk", simplifiedchinese.GBK},
	{"cp1251", charmap.Windows1251},
	{"cp866", charmap.CodePage866},
	{"cp437", charmap.CodePage437},
}

// codePage returns the table of a name; nil for UTF-8. Errors: left4me.Invalid.
func codePage(name string) (encoding.Encoding, error) {
	var known []string
	for _, p := range codePages {
		if strings.EqualFold(p.name, name) {
			return p.table, nil
		}
		known = append(known, p.name)
	}
	if strings.EqualFold(name, "utf-8") || strings.EqualFold(name, "utf8") {
		return nil, nil
	}
	return nil, &left4me.Error{Kind: left4me.Invalid, Field: "import.names", Text: "the code page isn't known", Hint: "use one of utf-8, " + strings.Join(known, ", ")}
}

// guess says which code page the names of an archive are in that doesn't say so;
// empty when all of them are UTF-8.
func guess(names [][]byte) string {
	var odd [][]byte
	for _, n := range names {
		if !utf8.Valid(n) {
			odd = append(odd, n)
		}
	}
	if len(odd) == 0 {
		return ""
	}
	best, most := "cp437", -1<<62
	for _, p := range codePages {
		score, fits := 0, true
		for _, n := range odd {
			text, err := p.table.NewDecoder().Bytes(n)
			if err != nil || strings.ContainsRune(string(text), utf8.RuneError) {
				fits = false
				break
			}
			score += likely(string(text))
		}
		if fits && score > most {
			best, most = p.name, score
		}
	}
	return best
}

// likely says how much a name looks like what somebody would write: words of one
// script, in lower case or with one capital in front, and no signs in between.
func likely(s string) (score int) {
	before := rune(0)
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf:
		case unicode.Is(unicode.Han, r):
			score += han(r)
		case unicode.Is(unicode.Cyrillic, r):
			score += cyrillic(before, r)
		case unicode.IsLetter(r):
			// Of western names most letters are ASCII.
			score -= 3
			if before < utf8.RuneSelf && unicode.IsLetter(before) || before == 0 {
				score += 4
			}
		case r >= 0xff01 && r <= 0xff5e || r >= 0x3000 && r <= 0x3017: // wide signs, as Chinese names have
			score++
		default:
			score -= 4
		}
		before = r
	}
	return score
}

// han counts for two bytes. GBK has the common characters first, by how they are
// spoken: what is behind 0xD7F9 is seldom in a name.
func han(r rune) int {
	b, err := simplifiedchinese.GBK.NewEncoder().Bytes([]byte(string(r)))
	if err != nil || len(b) != 2 {
		return -4
	}
	if b[0] >= 0xb0 && b[0] <= 0xd7 && b[1] >= 0xa1 {
		return 4
	}
	return -3
}

// cyrillic counts a letter behind another one.
func cyrillic(before, r rune) int {
	score := -3
	switch r {
	case 'о', 'е', 'а', 'и', 'н', 'т', 'с', 'р', 'в', 'л', 'к', 'м', 'д', 'п', 'у', 'я', 'ы', 'ь', 'г', 'з', 'б', 'ч', 'й', 'х', 'ж', 'ш', 'ю', 'ц', 'щ', 'э', 'ф', 'ё', 'і', 'ї', 'є':
		score = 2
	default:
		if unicode.IsUpper(r) && r >= 'А' && r <= 'Я' {
			score = 2
			if unicode.IsLower(before) {
				score = -3 // a capital in a word
			}
		}
	}
	if before < utf8.RuneSelf && unicode.IsLetter(before) {
		score -= 2
	}
	return score
}
