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

// wholeFolders lists the folders for which the map in docs/architecture.md has a single entry.
var wholeFolders = []string{"deploy", "script", "sim", "source", "test", "tools"}

// The map in docs/architecture.md must list each package exactly once, and no others.
func TestMapListsEachPackageOnce(t *testing.T) {
	text, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "| folder | contents |\n")
	table, _, ok2 := strings.Cut(rest, "\n\n")
	if !ok || !ok2 {
		t.Fatal("found no map in docs/architecture.md")
	}
	named := map[string]int{}
	for line := range strings.Lines(table) {
		first, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(first, -1) {
			if m[1] != "internal/" { // a heading, not a package
				named[strings.TrimSuffix(m[1], "/*")]++
			}
		}
	}
	existing := map[string]bool{}
	for _, s := range sources(t) {
		dir := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(s.path)), "internal/")
		if top, _, _ := strings.Cut(dir, "/"); slices.Contains(wholeFolders, top) {
			dir = top
		}
		if dir != "." {
			existing[dir] = true
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(existing)) {
		if n := named[dir]; n != 1 {
			t.Errorf("the map lists %s %d times, want once", dir, n)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(named)) {
		if !existing[dir] && !slices.Contains(wholeFolders, dir) {
			t.Errorf("the map lists %s, which has no Go files", dir)
		}
	}
}

// The table "What you see and where it is" in docs/development.md must name existing files and folders:
// in internal/web in the column for templates and handlers, in internal in the column for the work. A
// name without a folder is in the folder of the name before it, and a name without an extension is the
// beginning of a file name.
func TestTableOfPagesNamesExistingFiles(t *testing.T) {
	text, err := os.ReadFile("docs/development.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "| you see | template and handler in `web` | what does the work |\n| --- | --- | --- |\n")
	table, _, ok2 := strings.Cut(table, "\n\n")
	if !ok || !ok2 {
		t.Fatal("found no table of pages in docs/development.md")
	}
	name := regexp.MustCompile("`([^`]+)`")
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 {
			t.Errorf("%s: got %d cells, want 3", line, len(cells))
			continue
		}
		for i, root := range []string{"internal/web", "internal"} {
			beside := root
			for _, m := range name.FindAllStringSubmatch(cells[i+1], -1) {
				pattern := strings.ReplaceAll(m[1], "…", "*")
				if strings.Contains(pattern, "/") {
					beside = filepath.Join(root, filepath.Dir(pattern))
				}
				existing, err := filepath.Glob(filepath.Join(beside, filepath.Base(pattern)) + "*")
				if err != nil || len(existing) == 0 {
					t.Errorf("%s: found no %s in %s (%v)", strings.TrimSpace(cells[0]), m[1], beside, err)
				}
			}
		}
	}
}
