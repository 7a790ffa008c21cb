package left4me

import (
	"strconv"
	"strings"
)

// ProposeName returns a name made from a title, such as newcomer-harbour from "Newcomer Harbour". If
// taken reports that the name is in use, a number is appended: newcomer-harbour-2. It returns "" for
// a title without ASCII letters and digits.
func ProposeName(title string, taken func(Name) bool) Name {
	base := strings.TrimRight(slug(title), "-")
	if base == "" {
		return ""
	}
	return numbered(base, 1, taken)
}

// NextName returns the name of a copy: the next free number after that of name, such as alpha-3 for
// alpha-2, and alpha-2 for alpha.
func NextName(name Name, taken func(Name) bool) Name {
	base, number := string(name), 1
	if i := strings.LastIndexByte(base, '-'); i > 0 {
		if n, err := strconv.Atoi(base[i+1:]); err == nil && n > 0 && n < 1_000_000 && base[i+1] != '0' {
			base, number = base[:i], n
		}
	}
	return numbered(base, number+1, taken)
}

// numbered returns base with the lowest number from first that is not taken. The number 1 is not
// written.
func numbered(base string, first int, taken func(Name) bool) Name {
	for n := first; ; n++ {
		end := ""
		if n > 1 {
			end = "-" + strconv.Itoa(n)
		}
		name := Name(base[:min(len(base), MaxName-len(end))] + end)
		if !taken(name) {
			return name
		}
	}
}

// slug returns the ASCII letters and digits of a title in lower case, with a hyphen between words.
// It removes apostrophes and the accents of Latin letters.
func slug(title string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(title) {
		switch {
		case b.Len() >= MaxName:
			return b.String()
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			b.WriteRune(c)
		case c == '\'' || c == '’':
		case plain[c] != "":
			b.WriteString(plain[c])
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return b.String()[:min(b.Len(), MaxName)]
}

// plain maps lower-case Latin letters with accents to ASCII.
var plain = map[rune]string{
	'à': "a", 'á': "a", 'â': "a", 'ã': "a", 'ä': "ae", 'å': "a", 'æ': "ae", 'ç': "c", 'č': "c", 'ć': "c", 'è': "e", 'é': "e", 'ê': "e",
	'ë': "e", 'ę': "e", 'ě': "e", 'ą': "a", 'ì': "i", 'í': "i", 'î': "i", 'ï': "i", 'ł': "l", 'ñ': "n", 'ń': "n", 'ò': "o", 'ó': "o",
	'ô': "o", 'õ': "o", 'ö': "oe", 'ø': "o", 'ř': "r", 'š': "s", 'ś': "s", 'ß': "ss", 'ù': "u", 'ú': "u", 'û': "u", 'ü': "ue", 'ý': "y",
	'ž': "z", 'ź': "z", 'ż': "z",
}
