package left4me_test

import (
	"bufio"
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// Limits that keep packages, types and functions readable. Generated files are not counted; in tests
// only functions and lines are checked.
const (
	maxFiles   = 30  // files per package
	maxMethods = 40  // methods per type, including those of embedded types
	maxLines   = 100 // lines per function
	maxColumns = 140 // columns per line, with a tab counted as four
)

// source is a hand-written Go file.
type source struct {
	path string
	text []byte
	file *ast.File
	fset *token.FileSet
}

var readSources []source

// sources returns the Go files of the repository that are not generated.
func sources(t *testing.T) []source {
	t.Helper()
	if readSources != nil {
		return readSources
	}
	out, err := exec.Command("git", "ls-files", "-co", "--exclude-standard", "-z", "--", "*.go").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []source
	for path := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		text, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			continue // deleted but not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		fset := token.NewFileSet()
		head, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ParseComments|parser.PackageClauseOnly)
		if err == nil && ast.IsGenerated(head) {
			continue // generated files are a sixth of all text
		}
		file, err := parser.ParseFile(fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, source{path, text, file, fset})
	}
	if len(all) == 0 {
		t.Fatal("found no file: the test checks nothing")
	}
	readSources = all
	return all
}

func (s source) test() bool { return strings.HasSuffix(s.path, "_test.go") }

func TestSizes(t *testing.T) {
	all := sources(t)
	var found []string
	files := map[string]int{}
	for _, s := range all {
		if !s.test() {
			files[filepath.Dir(s.path)]++
		}
		found = append(found, longFunctions(s)...)
		found = append(found, longLines(s)...)
	}
	for dir, n := range files {
		if n > maxFiles {
			found = append(found, fmt.Sprintf("package %s: %d files, at most %d", dir, n, maxFiles))
		}
	}
	for name, n := range methods(all) {
		if n > maxMethods {
			found = append(found, fmt.Sprintf("type %s: %d methods, at most %d", name, n, maxMethods))
		}
	}
	slices.Sort(found)
	for _, f := range found {
		t.Error(f)
	}
}

func longFunctions(s source) []string {
	var found []string
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if n := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1; n > maxLines {
			found = append(found, fmt.Sprintf("func %s.%s: %d lines, at most %d", filepath.Dir(s.path), f.Name.Name, n, maxLines))
		}
	}
	return found
}

// longLines ignores lines of raw strings in tests, which are data and cannot be wrapped.
func longLines(s source) []string {
	raw := map[int]bool{}
	if s.test() {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if b, ok := n.(*ast.BasicLit); ok && b.Kind == token.STRING && b.Value[0] == '`' {
				for i := s.fset.Position(b.Pos()).Line; i <= s.fset.Position(b.End()).Line; i++ {
					raw[i] = true
				}
			}
			return true
		})
	}
	var found []string
	lines := bufio.NewScanner(bytes.NewReader(s.text))
	lines.Buffer(nil, 1<<20)
	for i := 1; lines.Scan(); i++ {
		columns := utf8.RuneCount(lines.Bytes()) + 3*bytes.Count(lines.Bytes(), []byte("\t"))
		if columns > maxColumns && !raw[i] {
			found = append(found, fmt.Sprintf("line %s: %d columns in line %d, at most %d", s.path, columns, i, maxColumns))
		}
	}
	return found
}

// methods counts the methods of each type, including those of embedded types of the same package.
func methods(all []source) map[string]int {
	own, embeds := map[string]int{}, map[string][]string{}
	for _, s := range all {
		if s.test() {
			continue
		}
		dir := filepath.Dir(s.path) + "."
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv != nil {
					own[dir+typeName(d.Recv.List[0].Type)]++
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					ts, ok := spec.(*ast.TypeSpec)
					if !ok {
						continue
					}
					if st, ok := ts.Type.(*ast.StructType); ok {
						for _, f := range st.Fields.List {
							if len(f.Names) == 0 && typeName(f.Type) != "" {
								embeds[dir+ts.Name.Name] = append(embeds[dir+ts.Name.Name], dir+typeName(f.Type))
							}
						}
					}
				}
			}
		}
	}
	total := map[string]int{}
	var count func(name string, within []string) int
	count = func(name string, within []string) int {
		n := own[name]
		for _, e := range embeds[name] {
			if !slices.Contains(within, e) {
				n += count(e, append(within, e))
			}
		}
		return n
	}
	for name := range own {
		total[name] = count(name, []string{name})
	}
	for name := range embeds {
		total[name] = count(name, []string{name})
	}
	return total
}

// typeName returns the name of a type of this package, without pointer and type parameters.
func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.IndexExpr:
		return typeName(e.X)
	case *ast.IndexListExpr:
		return typeName(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}
