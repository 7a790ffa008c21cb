package legacyimport

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// table is a table with the set of columns that were understood.
type table struct {
	store.Table
	used map[string]bool
}

// database holds all tables, and the names of those that were understood.
type database struct {
	tables []*table
	used   map[string]bool
}

func newDatabase(all []store.Table) *database {
	d := &database{used: map[string]bool{}}
	for _, t := range all {
		d.tables = append(d.tables, &table{Table: t, used: map[string]bool{}})
	}
	return d
}

// find returns the first table with one of the names, or an empty table. It ignores case and
// underscores: blueprint_overlays matches BlueprintOverlays.
func (d *database) find(names ...string) *table {
	for _, name := range names {
		for _, t := range d.tables {
			if fold(t.Name) == fold(name) {
				d.used[t.Name] = true
				return t
			}
		}
	}
	return &table{used: map[string]bool{}}
}

func fold(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// get returns the value of the first column with one of the names.
func (t *table) get(row map[string]any, names ...string) any {
	for _, name := range names {
		for _, c := range t.Columns {
			if fold(c) == fold(name) {
				t.used[c] = true
				return row[c]
			}
		}
	}
	return nil
}

func (t *table) has(names ...string) bool {
	return slices.ContainsFunc(t.Columns, func(c string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return fold(c) == fold(n) })
	})
}

// ignoredColumns lists columns that need not be imported.
var ignoredColumns = []string{
	"id", "created_at", "updated_at", "created", "updated", "modified_at", "last_login", "last_login_at",
	"last_seen",
}

// rest lists the non-empty columns that were not read.
func (t *table) rest() []string {
	var all []string
	for _, c := range t.Columns {
		if t.used[c] || slices.ContainsFunc(ignoredColumns, func(n string) bool { return fold(n) == fold(c) }) {
			continue
		}
		n := 0
		for _, row := range t.Rows {
			if text(row[c]) != "" {
				n++
			}
		}
		if n > 0 {
			all = append(all, fmt.Sprintf("%s, which holds something in %d of %d rows", c, n, len(t.Rows)))
		}
	}
	return all
}

// text returns a value as text; nil is empty.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return strings.TrimSpace(v)
	case []byte:
		return strings.TrimSpace(string(v))
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	}
	return fmt.Sprint(v)
}

func number(v any) int {
	n, err := strconv.Atoi(text(v))
	if err != nil {
		return 0
	}
	return n
}

func truth(v any) bool {
	switch strings.ToLower(text(v)) {
	case "", "0", "false", "no", "f", "n", "off":
		return false
	}
	return true
}

// lines splits a list: a JSON array, or one entry per line.
func lines(s string) []string {
	var list []any
	if json.Unmarshal([]byte(s), &list) == nil {
		all := make([]string, 0, len(list))
		for _, v := range list {
			all = append(all, text(v))
		}
		return all
	}
	var all []string
	for l := range strings.Lines(s) {
		if l = strings.TrimSpace(l); l != "" {
			all = append(all, l)
		}
	}
	return all
}

// words splits a command line: a JSON array, or words separated by spaces, with quotation marks
// around words that contain spaces.
func words(s string) []string {
	if strings.HasPrefix(s, "[") {
		return lines(s)
	}
	var all []string
	var word strings.Builder
	inside, quoted := false, rune(0)
	end := func() {
		if inside {
			all = append(all, word.String())
		}
		word.Reset()
		inside = false
	}
	for _, c := range s {
		switch {
		case quoted != 0 && c == quoted:
			quoted = 0
		case quoted == 0 && (c == '"' || c == '\''):
			quoted, inside = c, true
		case quoted == 0 && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			end()
		default:
			inside = true
			word.WriteRune(c)
		}
	}
	end()
	return all
}

// name converts a title to a Name. The result is empty if no character can be used.
func name(s string) left4me.Name {
	var b strings.Builder
	for _, c := range strings.ToLower(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', b.Len() > 0 && (c == '_' || c == '-'):
			b.WriteRune(c)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	made := b.String()
	made = strings.TrimRight(made[:min(len(made), left4me.MaxName)], "-_")
	return left4me.Name(made)
}

// names holds the names in use.
type names map[left4me.Name]bool

// unique returns an unused name, with a suffix such as -2 if necessary.
func (n names) unique(called, fallback string) left4me.Name {
	base := name(called)
	if base == "" {
		base = name(fallback)
	}
	made := base
	for i := 2; n[made] || !made.Valid(); i++ {
		suffix := fmt.Sprintf("-%d", i)
		made = base[:min(len(base), left4me.MaxName-len(suffix))] + left4me.Name(suffix)
	}
	n[made] = true
	return made
}
