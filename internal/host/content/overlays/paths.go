package overlays

import (
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/left4me/left4me/internal/left4me"
)

// Bounds on revisions.
const (
	maxEntries = 1_000_000
	maxPath    = 1024 // bytes of a path relative to the layer
	maxName    = 255  // bytes of a path component
	maxDepth   = 64
)

// CheckPath returns left4me.Invalid with the reason if a path is not allowed in a layer. Paths must
// be relative, clean, valid UTF-8, free of control characters and within the limits above.
func CheckPath(p string) error {
	shown := short(p)
	var why *left4me.Error
	switch {
	case len(p) > maxPath:
		why = left4me.NewError(left4me.Invalid, "overlay.path_too_long", "path", shown, "limit", maxPath)
	case p == "" || p == "." || path.Clean(p) != p || p[0] == '/' || p == ".." || strings.HasPrefix(p, "../"):
		why = left4me.NewError(left4me.Invalid, "overlay.path_outside", "path", shown)
	case !utf8.ValidString(p):
		why = left4me.NewError(left4me.Invalid, "overlay.path_not_utf8", "path", shown)
	case strings.ContainsFunc(p, unicode.IsControl):
		why = left4me.NewError(left4me.Invalid, "overlay.path_control_characters", "path", shown)
	case strings.Count(p, "/") >= maxDepth:
		why = left4me.NewError(left4me.Invalid, "overlay.path_too_deep", "path", shown, "limit", maxDepth)
	case slices.ContainsFunc(strings.Split(p, "/"), func(part string) bool { return len(part) > maxName }):
		why = left4me.NewError(left4me.Invalid, "overlay.path_name_too_long", "path", shown, "limit", maxName)
	default:
		return nil
	}
	return why.InField("files")
}

// short returns a path truncated for messages.
func short(p string) string {
	if len(p) > 200 {
		p = strings.ToValidUTF8(p[:200], "") + "…"
	}
	return p
}

// Fold returns the same string for all paths that a case-insensitive file system, as players use,
// treats as equal. It folds case and normalises Unicode.
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

// validated checks the manifest of a new revision and returns it without directories that are not
// empty. m must be sorted. Errors: left4me.Invalid.
func validated(m Manifest) (Manifest, error) {
	if len(m) > maxEntries {
		return nil, left4me.NewError(left4me.Invalid, "overlay.too_many_entries", "limit", maxEntries)
	}
	seen := make(map[string]string, len(m)+len(m)/8) // paths by folded path
	dirs := make(map[string]bool, len(m)/8)
	checkConflict := func(p string) error {
		key := Fold(p)
		if other, ok := seen[key]; ok && other != p {
			return left4me.NewError(left4me.Invalid, "overlay.path_differs_by_case", "path", short(p), "other", other).InField("files")
		}
		seen[key] = p
		return nil
	}
	for _, e := range m {
		if e.Odd {
			return nil, left4me.NewError(left4me.Invalid, "overlay.path_no_file", "path", short(e.Path)).InField("files")
		}
		for d := path.Dir(e.Path); d != "." && !dirs[d]; d = path.Dir(d) {
			dirs[d] = true
			if err := checkConflict(d); err != nil {
				return nil, err
			}
		}
		if err := checkConflict(e.Path); err != nil {
			return nil, err
		}
	}
	out := m[:0]
	for _, e := range m {
		switch {
		case !dirs[e.Path]:
			out = append(out, e)
		case !e.Dir:
			return nil, left4me.NewError(left4me.Invalid, "overlay.path_file_and_directory", "path", short(e.Path)).InField("files")
		}
	}
	return out, nil
}
