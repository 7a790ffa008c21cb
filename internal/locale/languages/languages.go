// Package languages chooses the language of a reader. It is apart from package locale
// because CLDR's data, which it links, has no business in the root helper and the shims.
package languages

import (
	"strings"

	"golang.org/x/text/language"

	"github.com/left4me/left4me/internal/locale"
)

// all are the languages that readers can have, the default first.
var all = []*locale.Printer{locale.English}

var matcher = language.NewMatcher(tags(all))

func tags(all []*locale.Printer) []language.Tag {
	tags := make([]language.Tag, len(all))
	for i, p := range all {
		tags[i] = language.MustParse(p.Tag())
	}
	return tags
}

// maxAccept bounds the Accept-Language header that is read, in bytes.
const maxAccept = 1000

// Preferred returns the language that suits an Accept-Language header best, and English
// when none does or the header is malformed. A header that begins with en-XA selects
// locale.Pseudo.
func Preferred(accept string) *locale.Printer {
	if strings.HasPrefix(accept, locale.Pseudo.Tag()) {
		return locale.Pseudo
	}
	if accept == "" || len(accept) > maxAccept {
		return all[0]
	}
	wanted, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(wanted) == 0 {
		return all[0]
	}
	_, i, _ := matcher.Match(wanted...)
	return all[i]
}
