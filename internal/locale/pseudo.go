package locale

import (
	"strings"
	"sync"
)

// accents has a letter for each from a to z and from A to Z that looks like it. It is static data, so
// that programs without texts don't pay for it.
var accents = [2][26]rune{
	{'á', 'ƀ', 'ç', 'ð', 'é', 'ƒ', 'ĝ', 'ĥ', 'î', 'ĵ', 'ķ', 'ļ', 'ɱ', 'ñ', 'ö', 'þ', 'ǫ', 'ŕ', 'š', 'ţ', 'û', 'ṽ', 'ŵ', 'ẋ', 'ý', 'ž'},
	{'Á', 'Ɓ', 'Ç', 'Ð', 'É', 'Ƒ', 'Ĝ', 'Ĥ', 'Î', 'Ĵ', 'Ķ', 'Ļ', 'Ṁ', 'Ñ', 'Ö', 'Þ', 'Ǫ', 'Ŕ', 'Š', 'Ţ', 'Û', 'Ṽ', 'Ŵ', 'Ẋ', 'Ý', 'Ž'},
}

// accent returns text with each letter replaced by one that looks like it.
func accent(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return accents[0][r-'a']
		case r >= 'A' && r <= 'Z':
			return accents[1][r-'A']
		}
		return r
	}, text)
}

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
		b.WriteString(accent(rest[:i]))
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
