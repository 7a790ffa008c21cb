package inspect

import (
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// list collects warnings and limits their number per kind.
type list struct {
	all   []left4me.Warning
	count map[string]int
}

func (l *list) add(w left4me.Warning) {
	if l.count == nil {
		l.count = map[string]int{}
	}
	if l.count[w.Kind]++; l.count[w.Kind] <= maxPerKind {
		w.Text = clip(w.Text)
		l.all = append(l.all, w)
	}
}

// clip truncates a text, which may contain names from untrusted files.
func clip(s string) string {
	if r := []rune(s); len(r) > 600 {
		return string(r[:600]) + "…"
	}
	return s
}

// result returns the warnings sorted by kind, and within a kind in the order of the checks.
func (l *list) result() []left4me.Warning {
	for kind, n := range l.count {
		if n > maxPerKind {
			l.all = append(l.all, left4me.NewWarning(kind, "", "list.more_of_kind", "count", n-maxPerKind))
		}
	}
	slices.SortStableFunc(l.all, func(a, b left4me.Warning) int { return strings.Compare(a.Kind, b.Kind) })
	return l.all
}

// maxListed bounds a name in a list of names, in bytes of JSON.
const maxListed = 200

// some returns the first names as a list, and the number of the others, or nil if there are none.
func some(names []string) (list string, more any) {
	if n := len(names) - maxSuspects; n > 0 {
		names, more = names[:maxSuspects], n
	}
	short := make([]string, len(names))
	for i, name := range names {
		short[i] = left4me.Clip(name, maxListed)
	}
	return strings.Join(short, ", "), more
}

// optional returns an argument of a warning that is left out if it is empty.
func optional(s string) any {
	if s == "" {
		return nil
	}
	return s
}
