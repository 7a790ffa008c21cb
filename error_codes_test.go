package left4me_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

var (
	errorPlace = regexp.MustCompile(`\{([^{}:]*)(?::[^{}]*)?\}`)
	errorCode  = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$|^internal$`)
)

// errorCall is a call of left4me.NewError.
type errorCall struct {
	at    string // file and line
	kind  string // a constant of left4me, or empty
	code  string
	names []string
}

// errorCalls lists the calls of left4me.NewError in the program and says what is
// wrong with their shape: codes and names must be literals.
func errorCalls(t *testing.T) []errorCall {
	t.Helper()
	var all []errorCall
	for _, s := range sources(t) {
		if s.test() {
			continue
		}
		ours := filepath.Dir(s.path) == "internal/left4me"
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if n.Type != nil && !ours && isName(n.Type, "left4me", "Error") {
					t.Errorf("%s: use left4me.NewError, which has a code", s.fset.Position(n.Pos()))
				}
			case *ast.CallExpr:
				if isName(n.Fun, "left4me", "NewError") || ours && isName(n.Fun, "", "NewError") {
					all = append(all, errorCallOf(t, s.fset.Position(n.Pos()).String(), n))
				}
			}
			return true
		})
	}
	return all
}

// isName reports whether x is pkg.name, or name when pkg is empty.
func isName(x ast.Expr, pkg, name string) bool {
	switch x := x.(type) {
	case *ast.Ident:
		return pkg == "" && x.Name == name
	case *ast.SelectorExpr:
		id, ok := x.X.(*ast.Ident)
		return ok && id.Name == pkg && x.Sel.Name == name
	}
	return false
}

func errorCallOf(t *testing.T, at string, n *ast.CallExpr) errorCall {
	t.Helper()
	c := errorCall{at: at}
	if n.Ellipsis.IsValid() || len(n.Args)%2 != 0 {
		t.Errorf("%s: after kind and code come names and values in turn", at)
	}
	if s, ok := n.Args[0].(*ast.SelectorExpr); ok {
		c.kind = s.Sel.Name
	}
	if id, ok := n.Args[0].(*ast.Ident); ok && ast.IsExported(id.Name) {
		c.kind = id.Name
	}
	for i := 1; i < len(n.Args); i++ {
		if i%2 == 1 && i > 1 { // a value
			continue
		}
		l, ok := n.Args[i].(*ast.BasicLit)
		if !ok || l.Kind != token.STRING {
			t.Errorf("%s: argument %d is no literal", at, i+1)
			continue
		}
		s, _ := strconv.Unquote(l.Value)
		if i == 1 {
			c.code = s
		} else {
			c.names = append(c.names, s)
		}
	}
	slices.Sort(c.names)
	return c
}

// placesOf are the names of the arguments in a text of an error.
func placesOf(text left4me.ErrorText) []string {
	var names []string
	for _, m := range errorPlace.FindAllStringSubmatch(text.Text+text.Hint, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func errorTexts() map[string]left4me.ErrorText {
	texts := map[string]left4me.ErrorText{}
	for _, v := range left4me.ErrorTexts() {
		texts[v.Code] = v
	}
	return texts
}

// Each code in the sources has its text and each text its code, and arguments are
// those that the text has places for.
func TestErrorCodesAndTextsAgree(t *testing.T) {
	texts, used := errorTexts(), map[string]bool{}
	for _, c := range errorCalls(t) {
		text, ok := texts[c.code]
		used[c.code] = true
		switch {
		case !ok:
			t.Errorf("%s: the code %q has no text in error_texts.go", c.at, c.code)
		case !slices.Equal(c.names, placesOf(text)):
			t.Errorf("%s: the arguments of %s are %v, its text has %v", c.at, c.code, c.names, placesOf(text))
		}
	}
	for code := range texts {
		if !used[code] {
			t.Errorf("nothing makes an error with the code %s of error_texts.go", code)
		}
	}
}

// Texts are sorted by code, which the look-up relies on, and have the shape that
// ErrorText says.
func TestErrorTextsAreWellFormed(t *testing.T) {
	all := left4me.ErrorTexts()
	for i, v := range all {
		if i > 0 && all[i-1].Code >= v.Code {
			t.Errorf("%s stands behind %s", v.Code, all[i-1].Code)
		}
		if !errorCode.MatchString(v.Code) {
			t.Errorf("%s is no code", v.Code)
		}
		rest := errorPlace.ReplaceAllString(v.Text+v.Hint, "")
		if v.Text == "" || strings.ContainsAny(rest, "{}") || strings.Count(rest, "[[") != strings.Count(rest, "]]") {
			t.Errorf("%s: %+v", v.Code, v)
		}
	}
}

// docs/errors.md lists all codes as the program has them.
func TestErrorDocument(t *testing.T) { tableInDocument(t, "docs/errors.md", errorTable(t)) }

func errorTable(t *testing.T) string {
	t.Helper()
	kinds := map[string][]string{}
	for _, c := range errorCalls(t) {
		kind := cmp.Or(string(kindNames[c.kind]), "that of its cause")
		if !slices.Contains(kinds[c.code], kind) {
			kinds[c.code] = append(kinds[c.code], kind)
		}
	}
	var b strings.Builder
	b.WriteString("| code | kind | arguments | text |\n|---|---|---|---|\n")
	cell := strings.NewReplacer("|", `\|`, "<", "&lt;")
	for _, v := range left4me.ErrorTexts() {
		slices.Sort(kinds[v.Code])
		text := v.Text
		if v.Hint != "" {
			text += "; " + v.Hint
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", v.Code, strings.Join(kinds[v.Code], ", "),
			strings.Join(placesOf(v), ", "), cell.Replace(text))
	}
	return b.String()
}

var kindNames = map[string]left4me.Kind{
	"NotFound": left4me.NotFound, "Conflict": left4me.Conflict, "Invalid": left4me.Invalid, "Denied": left4me.Denied,
	"Busy": left4me.Busy, "Unavailable": left4me.Unavailable, "DiskFull": left4me.DiskFull, "Internal": left4me.Internal,
}
