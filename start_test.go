package left4me_test

import (
	"go/ast"
	"strings"
	"testing"
)

// Every process of left4me initialises all packages, shims and short commands too, and
// keeps what it made. An expression that is compiled when it is first used
// (sync.OnceValue) costs nothing in those that never use it: of what a shim allocated
// before it began, a third were expressions for releases, Git and SteamCMD.
func TestNoRegexpIsCompiledAtStart(t *testing.T) {
	checked := 0
	for _, s := range sources(t) {
		if s.test() || !strings.HasPrefix(s.path, "internal/") && !strings.HasPrefix(s.path, "source/") &&
			!strings.HasPrefix(s.path, "cmd/") {
			continue
		}
		for _, d := range s.file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			checked++
			ast.Inspect(g, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "MustCompile" {
					t.Errorf("%s: compiled when the program starts; wrap it in sync.OnceValue", s.fset.Position(n.Pos()))
				}
				_, later := n.(*ast.FuncLit)
				return !later
			})
		}
	}
	if checked == 0 {
		t.Fatal("no declaration was found")
	}
}
