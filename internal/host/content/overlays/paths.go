package overlays

import (
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/left4me/left4me/internal/left4me"
)

// Bounds of what can be a revision.
const (
	maxEntries = 1_000_000
	maxPath    = 1024 // bytes of a path in the layer
	maxName    = 255  // bytes of a part of it
	maxDepth   = 64
)

// CheckPath says why a path can't be in a layer: it must be relative and clean,
// without control characters, and not too long. Errors: left4me.Invalid.
func CheckPath(p string) error {
	why := ""
	switch {
	case len(p) > maxPath:
		why = fmt.Sprintf("is longer than %d bytes", maxPath)
	case p == "" || p == "." || path.Clean(p) != p || p[0] == '/' || p == ".." || strings.HasPrefix(p, "../"):
		why = "isn't a path within the layer"
	case !utf8.ValidString(p):
		why = "isn't UTF-8"
	case strings.ContainsFunc(p, unicode.IsControl):
		why = "has control characters"
	case strings.Count(p, "/") >= maxDepth:
		why = fmt.Sprintf("is deeper than %d directories", maxDepth)
	default:
		for part := range strings.SplitSeq(p, "/") {
			if len(part) > maxName {
				why = fmt.Sprintf("has a name of more than %d bytes", maxName)
			}
		}
	}
	if why == "" {
		return nil
	}
	return refuse(p, why)
}

// refuse names an entry that can't be in a layer.
func refuse(p, why string) error {
	if len(p) > 200 {
		p = strings.ToValidUTF8(p[:200], "") + "…"
	}
	return &left4me.Error{Kind: left4me.Invalid, Field: "files", Text: fmt.Sprintf("%q %s", p, why), Hint: "rename or remove it"}
}

// Fold is what two paths have in common if a file system that ignores
// case, as players have, takes them for the same: folded case, and one Unicode
// normalisation.
func Fold(p string) string {
	ascii, upper := true, false
	for i := range len(p) {
		ascii = ascii && p[i] < utf8.RuneSelf
		upper = upper || p[i] >= 'A' && p[i] <= 'Z'
	}
	switch {
	case ascii && !upper:
		return p
	case ascii:
		return strings.ToLower(p)
	}
	fold := func(r rune) rune {
		least := r
		for n := unicode.SimpleFold(r); n != r; n = unicode.SimpleFold(n) {
			least = min(least, n)
		}
		return unicode.ToLower(least)
	}
	return norm.NFC.String(strings.Map(fold, norm.NFD.String(p)))
}

// tidied checks what a revision will hold as a whole, and drops the directories
// that aren't empty after all. m is sorted. Errors: left4me.Invalid.
func tidied(m Manifest) (Manifest, error) {
	if len(m) > maxEntries {
		return nil, left4me.NewError(left4me.Invalid, "overlay.too_many_entries", "limit", maxEntries)
	}
	seen := make(map[string]string, len(m)+len(m)/8) // by what they fold to
	dirs := make(map[string]bool, len(m)/8)
	clash := func(p string) error {
		key := Fold(p)
		if other, ok := seen[key]; ok && other != p {
			return refuse(p, fmt.Sprintf("differs from %q by case or form only", other))
		}
		seen[key] = p
		return nil
	}
	for _, e := range m {
		if e.Odd {
			return nil, refuse(e.Path, "is neither a file nor a directory")
		}
		for d := path.Dir(e.Path); d != "." && !dirs[d]; d = path.Dir(d) {
			dirs[d] = true
			if err := clash(d); err != nil {
				return nil, err
			}
		}
		if err := clash(e.Path); err != nil {
			return nil, err
		}
	}
	out := m[:0]
	for _, e := range m {
		switch {
		case !dirs[e.Path]:
			out = append(out, e)
		case !e.Dir:
			return nil, refuse(e.Path, "is a file, and a directory for others")
		}
	}
	return out, nil
}
