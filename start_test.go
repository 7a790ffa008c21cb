package left4me_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Every process of left4me, including shims and short commands, initialises all packages and keeps what
// this allocates. An expression that is compiled on first use (sync.OnceValue) costs nothing in
// processes that never use it: a third of what a shim allocated before main were expressions for
// releases, Git and SteamCMD.
func TestNoRegexpIsCompiledAtStart(t *testing.T) {
	packages := map[string][]source{}
	for _, s := range sources(t) {
		if !s.test() && (strings.HasPrefix(s.path, "internal/") || strings.HasPrefix(s.path, "source/") ||
			strings.HasPrefix(s.path, "cmd/")) {
			dir := filepath.Dir(s.path)
			packages[dir] = append(packages[dir], s)
		}
	}
	if len(packages) == 0 {
		t.Fatal("found no package")
	}
	for _, files := range packages {
		for _, at := range compiledAtStart(files) {
			t.Errorf("%s: compiled when the program starts; wrap it in sync.OnceValue", at)
		}
	}
}

// compilers lists the functions of package regexp that compile an expression.
var compilers = []string{
	"Compile", "CompilePOSIX", "Match", "MatchReader", "MatchString", "MustCompile", "MustCompilePOSIX",
}

// compiledAtStart returns where a package compiles regular expressions before main begins: in the
// values of its variables, in init functions, and in what these call: function literals, and functions
// of the package by name. It does not follow methods, functions in variables, and functions of other
// packages.
// functions in variables, and functions of other packages.
func compiledAtStart(files []source) (at []token.Position) {
	functions := map[string]*start{}
	for _, s := range files {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name != "init" && f.Body != nil {
				functions[f.Name.Name] = &start{source: s, body: f.Body}
			}
		}
	}
	var run func(s source, n ast.Node)
	call := func(s source, fun ast.Expr) {
		fun = ast.Unparen(fun)
		if of, ok := fun.(*ast.IndexExpr); ok { // with a type argument
			fun = of.X
		}
		switch fun := fun.(type) {
		case *ast.FuncLit:
			run(s, fun.Body)
		case *ast.Ident:
			if f := functions[fun.Name]; f != nil && !f.seen {
				f.seen = true
				run(f.source, f.body)
			}
		}
	}
	run = func(s source, n ast.Node) {
		imported := regexpIn(s.file)
		ast.Inspect(n, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				call(s, n.Fun)
			case *ast.SelectorExpr:
				x, ok := n.X.(*ast.Ident)
				if n.Sel.Name == "MustCompile" || ok && x.Name == imported && slices.Contains(compilers, n.Sel.Name) {
					at = append(at, s.fset.Position(n.Pos()))
				}
			case *ast.FuncLit:
				return false // runs when it is called
			}
			return true
		})
	}
	for _, s := range files {
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.GenDecl:
				run(s, d)
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == "init" && d.Body != nil {
					run(s, d.Body)
				}
			}
		}
	}
	return at
}

// start is a function that a package may call before main.
type start struct {
	source source
	body   *ast.BlockStmt
	seen   bool
}

// regexpIn returns the name of package regexp in a file, or "" if the file does not import it.
func regexpIn(f *ast.File) string {
	for _, i := range f.Imports {
		if p, _ := strconv.Unquote(i.Path.Value); p == "regexp" {
			if i.Name != nil {
				return i.Name.Name
			}
			return path.Base(p)
		}
	}
	return ""
}

func TestCompiledAtStart(t *testing.T) {
	for text, want := range map[string]int{
		`var a, b = regexp.MustCompile("a"), regexp.MustCompilePOSIX("b")`:                                                             2,
		`var a, _ = regexp.Compile("a"); var b, _ = regexp.CompilePOSIX("b")`:                                                          2,
		`var is, _ = regexp.MatchString("a", "b")`:                                                                                     1,
		`var a = other.MustCompile("a")`:                                                                                               1,
		`var all = []any{regexp.MustCompile("a"), map[string]any{"b": regexp.MustCompile("b")}}`:                                       2,
		`var compile = regexp.MustCompile; var a = compile("a")`:                                                                       1,
		`var a any; func init() { a = regexp.MustCompile("a") }; func init() { regexp.Compile("b") }`:                                  2,
		`var a = func() any { return regexp.MustCompile("a") }()`:                                                                      1,
		`var a = (func() any { return func() any { return regexp.MustCompile("a") }() })()`:                                            1,
		`func init() { if true { func() { regexp.MustCompile("a") }() } }`:                                                             1,
		`func init() { defer func() { regexp.MustCompile("a") }(); go func() { regexp.MustCompile("b") }() }`:                          2,
		`var a = of("a"); func of(s string) any { return again(s) }; func again(s string) any { of(s); return regexp.MustCompile(s) }`: 1,
		`var a = of[int](); func of[T any]() any { return regexp.MustCompile("a") }`:                                                   1,

		`var a = sync.OnceValue(func() any { return regexp.MustCompile("a") })`: 0,
		`func of() any { return regexp.MustCompile("a") }`:                      0,
		`func init() { later = func() { regexp.MustCompile("a") } }`:            0,
		`var a = regexp.QuoteMeta("a"); var b *regexp.Regexp`:                   0,
		`type t int; func (t) init() { regexp.MustCompile("a") }`:               0,
		`var a = other.Compile("a")`:                                            0,
	} {
		for importing, called := range map[string]string{`import "regexp"`: "regexp.", `import re "regexp"`: "re."} {
			fset := token.NewFileSet()
			code := "package p\n" + importing + "\n" + strings.ReplaceAll(text, "regexp.", called)
			file, err := parser.ParseFile(fset, "p.go", code, parser.SkipObjectResolution)
			if err != nil {
				t.Fatalf("%s: %v", code, err)
			}
			if found := compiledAtStart([]source{{path: "p.go", file: file, fset: fset}}); len(found) != want {
				t.Errorf("%s\nfound at %v, want %d", code, found, want)
			}
		}
	}
}
