package left4me_test

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// withContext maps the methods of a logger that ignore the context to those to use instead.
var withContext = map[string]string{"Debug": "DebugContext", "Info": "InfoContext", "Warn": "WarnContext", "Error": "ErrorContext"}

// TestLogCallsUseContext finds log calls that do not pass the available context: a search for the
// request's ID would miss their lines.
func TestLogCallsUseContext(t *testing.T) {
	found := 0
	for _, s := range sources(t) {
		if top, _, _ := strings.Cut(s.path, "/"); s.test() || slices.Contains([]string{"source", "sim", "test"}, top) {
			continue
		}
		var around []ast.Node
		ast.Inspect(s.file, func(n ast.Node) bool {
			if n == nil {
				around = around[:len(around)-1]
				return true
			}
			around = append(around, n)
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || len(call.Args) == 0 || !isLogger(method.X) {
				return true
			}
			if strings.HasSuffix(method.Sel.Name, "Context") {
				found++
			}
			if better := withContext[method.Sel.Name]; better != "" && hasContext(around) {
				t.Errorf("%s: use %s", s.fset.Position(method.Sel.Pos()), better)
			}
			return true
		})
	}
	if found < 50 {
		t.Errorf("found only %d log calls with a context: does isLogger still match?", found)
	}
}

// isLogger reports whether an expression is named like a logger: log, x.Log, x.core.log.
func isLogger(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.Ident:
		return strings.EqualFold(x.Name, "log") || x.Name == "slog"
	case *ast.SelectorExpr:
		return strings.EqualFold(x.Sel.Name, "log")
	case *ast.CallExpr: // log.With(…), logOf(…)
		switch f := x.Fun.(type) {
		case *ast.Ident:
			return strings.HasPrefix(f.Name, "log")
		case *ast.SelectorExpr:
			return f.Sel.Name == "With" && isLogger(f.X)
		}
	}
	return false
}

// hasContext reports whether a function around a call has a parameter of type context.Context or
// http.Request.
func hasContext(around []ast.Node) bool {
	for _, n := range around {
		var t *ast.FuncType
		switch f := n.(type) {
		case *ast.FuncDecl:
			t = f.Type
		case *ast.FuncLit:
			t = f.Type
		default:
			continue
		}
		for _, p := range t.Params.List {
			x := p.Type
			if star, ok := x.(*ast.StarExpr); ok {
				x = star.X
			}
			if s, ok := x.(*ast.SelectorExpr); ok && len(p.Names) > 0 && p.Names[0].Name != "_" &&
				(s.Sel.Name == "Context" || s.Sel.Name == "Request") {
				return true
			}
		}
	}
	return false
}
