package left4me_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// whole are the folders that the map of docs/architecture.md names for all that is in
// them.
var whole = []string{"deploy", "script", "sim", "source", "test", "tools"}

// The map in docs/architecture.md has each package once, and no other.
func TestMapHasEachPackageOnce(t *testing.T) {
	text, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "| folder | contents |\n")
	table, _, ok2 := strings.Cut(rest, "\n\n")
	if !ok || !ok2 {
		t.Fatal("docs/architecture.md has no map")
	}
	named := map[string]int{}
	for line := range strings.Lines(table) {
		first, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(first, -1) {
			if m[1] != "internal/" { // a heading
				named[strings.TrimSuffix(m[1], "/*")]++
			}
		}
	}
	there := map[string]bool{}
	for _, s := range sources(t) {
		dir := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(s.path)), "internal/")
		if top, _, _ := strings.Cut(dir, "/"); slices.Contains(whole, top) {
			dir = top
		}
		if dir != "." {
			there[dir] = true
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(there)) {
		if n := named[dir]; n != 1 {
			t.Errorf("the map names %s %d times", dir, n)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(named)) {
		if !there[dir] && !slices.Contains(whole, dir) {
			t.Errorf("the map names %s, which has no Go files", dir)
		}
	}
}
