package inspect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// list collects warnings and limits their number per kind.
type list struct {
	all   []left4me.Warning
	count map[string]int
}

func (l *list) add(kind, path, text, hint string) { l.fixable(kind, path, text, hint, false) }

// fixable adds a warning. fix means that left4me can repair its cause.
func (l *list) fixable(kind, path, text, hint string, fix bool) {
	if l.count == nil {
		l.count = map[string]int{}
	}
	if l.count[kind]++; l.count[kind] <= maxPerKind {
		l.all = append(l.all, left4me.Warning{Kind: kind, Path: path, Text: clip(text), Hint: hint, Fix: fix})
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
			l.all = append(l.all, left4me.Warning{Kind: kind, Text: fmt.Sprintf("and %d more of this kind", n-maxPerKind)})
		}
	}
	slices.SortStableFunc(l.all, func(a, b left4me.Warning) int { return strings.Compare(a.Kind, b.Kind) })
	return l.all
}

// some lists the first names and counts the others.
func some(names []string) string {
	if len(names) <= maxSuspects {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxSuspects], ", "), len(names)-maxSuspects)
}
