package left4me

import (
	"encoding/json"
	"strconv"
	"strings"
)

// MaxName is the maximum length of a name in bytes.
const MaxName = 64

// LocalHost is the name of the host on the machine of the database. Only cmd/left4me uses this
// name; all other code takes the host from the object it works on or from the list of hosts.
const LocalHost Name = "local"

// Name is the name of a server, an overlay, a blueprint or a host. It matches
// [a-z0-9][a-z0-9_-]{0,63}, so it is safe as a file name, a part of a unit name and a token of a
// bus subject without quoting. A string never becomes a path; a Name may.
type Name string

// ParseName checks s and returns it as a Name. The error is an *Error of kind
// Invalid for the field "name".
func ParseName(s string) (Name, error) {
	if !validName(s) {
		return "", NewError(Invalid, "name.invalid", "name", truncate(s, 80)).InField("name")
	}
	return Name(s), nil
}

// JoinNames returns names separated by commas.
func JoinNames(all []Name) string {
	texts := make([]string, len(all))
	for i, n := range all {
		texts[i] = string(n)
	}
	return strings.Join(texts, ", ")
}

// Valid reports whether ParseName accepts n.
func (n Name) Valid() bool { return validName(string(n)) }

func (n Name) String() string { return string(n) }

// UnmarshalJSON rejects everything that ParseName rejects, so a message from outside cannot smuggle
// a path into a Name. The empty string is allowed: it represents an absent field.
func (n *Name) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if s == "" {
		*n = ""
		return nil
	}
	name, err := ParseName(s)
	if err != nil {
		return err
	}
	*n = name
	return nil
}

func validName(s string) bool {
	if len(s) == 0 || len(s) > MaxName {
		return false
	}
	for i := range len(s) {
		c := s[i]
		alnum := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !alnum && (i == 0 || c != '_' && c != '-') {
			return false
		}
	}
	return true
}

// truncate shortens s to n bytes to keep error texts readable.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}

// ProposeName returns a name derived from a title, such as newcomer-harbour from "Newcomer Harbour". If
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
