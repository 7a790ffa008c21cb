package left4me_test

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each line of the walks through the program in docs/architecture.md must name an existing function:
// package.Func or package.Type.Method.
func TestWalksNameExistingFunctions(t *testing.T) {
	text, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "## Four walks\n")
	walks, _, ok2 := strings.Cut(rest, "\n## ")
	if !ok || !ok2 {
		t.Fatal("found no section of walks in docs/architecture.md")
	}
	existing := map[string]bool{}
	for _, s := range sources(t) {
		if s.test() {
			continue
		}
		dir := strings.TrimPrefix(filepath.Dir(s.path), "internal/")
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			name := dir + "."
			if f.Recv != nil {
				name += typeName(f.Recv.List[0].Type) + "."
			}
			existing[name+f.Name.Name] = true
		}
	}
	lines := regexp.MustCompile(`(?m)^    (\S+)`).FindAllStringSubmatch(walks, -1)
	if len(lines) < 40 {
		t.Errorf("found only %d lines in the walks", len(lines))
	}
	for _, l := range lines {
		if !existing[l[1]] {
			t.Errorf("function %s does not exist", l[1])
		}
	}
}
