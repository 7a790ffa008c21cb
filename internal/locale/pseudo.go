package locale

import (
	"strings"
	"sync"
)

// accents replaces each letter by a similar one.
var accents = strings.NewReplacer(
	"a", "á", "b", "ƀ", "c", "ç", "d", "ð", "e", "é", "f", "ƒ", "g", "ĝ", "h", "ĥ", "i", "î", "j", "ĵ", "k", "ķ", "l", "ļ",
	"m", "ɱ", "n", "ñ", "o", "ö", "p", "þ", "q", "ǫ", "r", "ŕ", "s", "š", "t", "ţ", "u", "û", "v", "ṽ", "w", "ŵ", "x", "ẋ",
	"y", "ý", "z", "ž", "A", "Á", "B", "Ɓ", "C", "Ç", "D", "Ð", "E", "É", "F", "Ƒ", "G", "Ĝ", "H", "Ĥ", "I", "Î", "J", "Ĵ",
	"K", "Ķ", "L", "Ļ", "M", "Ṁ", "N", "Ñ", "O", "Ö", "P", "Þ", "Q", "Ǫ", "R", "Ŕ", "S", "Š", "T", "Ţ", "U", "Û", "V", "Ṽ",
	"W", "Ŵ", "X", "Ẋ", "Y", "Ý", "Z", "Ž")

// pseudoTexts caches generated entries by key.
var pseudoTexts sync.Map

func findPseudo(key string) (entry, bool) {
	if e, ok := pseudoTexts.Load(key); ok {
		return e.(entry), true
	}
	e, ok := English.find(key)
	if !ok {
		return entry{}, false
	}
	e.text = pseudo(e.text)
	if f := e.forms; f != nil {
		e.forms = &forms{one: pseudo(f.one)}
	}
	pseudoTexts.Store(key, e)
	return e, true
}

// pseudo returns an English text with accents, in brackets and 40 % longer. Places and tags are
// unchanged.
func pseudo(text string) string {
	if text == "" {
		return ""
	}
	var b strings.Builder
	b.WriteString("⟦")
	letters := 0
	for rest := text; rest != ""; {
		i := strings.IndexAny(rest, "{<`")
		if i < 0 {
			i = len(rest)
		}
		b.WriteString(accents.Replace(rest[:i]))
		letters += len([]rune(rest[:i]))
		rest = rest[i:]
		if rest == "" {
			break
		}
		closing := map[byte]string{'{': "}", '<': ">", '`': "`"}[rest[0]]
		n := strings.Index(rest[1:], closing)
		if n < 0 {
			b.WriteString(rest)
			break
		}
		b.WriteString(rest[:n+2])
		rest = rest[n+2:]
	}
	const more = " öñé ţŵö ţĥŕéé ƒöûŕ ƒîṽé šîẋ šéṽéñ éîĝĥţ ñîñé ţéñ éļéṽéñ ţŵéļṽé"
	pad := []rune(more)
	for n := letters * 2 / 5; n > 0; n -= len(pad) {
		b.WriteString(string(pad[:min(n, len(pad))]))
	}
	b.WriteString("⟧")
	return b.String()
}
