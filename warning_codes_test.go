package left4me_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/locale"
)

// warningsIn returns the calls of left4me.NewWarning in a file, and what in it makes a warning whose
// text is not in the catalogue. Codes and names of arguments must be literals.
func warningsIn(s source) (calls []errorCall, wrong []string) {
	if filepath.Dir(s.path) == "internal/left4me" {
		return nil, nil
	}
	blame := func(n ast.Node, text string) {
		wrong = append(wrong, fmt.Sprintf("%s: %s", s.fset.Position(n.Pos()), text))
	}
	isWarning := func(x ast.Expr) bool { return isName(x, "left4me", "Warning") }
	const made = "use left4me.NewWarning, which has a code"
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if n.Type != nil && isWarning(n.Type) && len(n.Elts) > 0 || hasBare(n, isWarning) {
				blame(n, made)
			}
		case *ast.CallExpr:
			if !isName(n.Fun, "left4me", "NewWarning") {
				return true
			}
			c, w := warningCallOf(s.fset.Position(n.Pos()).String(), n)
			calls, wrong = append(calls, c), append(wrong, w...)
			for i := 4; i < len(n.Args); i += 2 {
				if hasWords(n.Args[i]) {
					blame(n.Args[i], "this argument has words of ours, which nobody can translate; give it an error with a code")
				}
			}
		}
		return true
	})
	return calls, wrong
}

func warningCallOf(at string, n *ast.CallExpr) (c errorCall, wrong []string) {
	c = errorCall{at: at}
	if n.Ellipsis.IsValid() || len(n.Args)%2 != 1 {
		wrong = append(wrong, at+": after kind, path and code follow names and values in turn")
	}
	for i := 2; i < len(n.Args); i++ {
		if i%2 == 0 && i > 2 { // a value
			continue
		}
		l, ok := n.Args[i].(*ast.BasicLit)
		if !ok || l.Kind != token.STRING {
			wrong = append(wrong, fmt.Sprintf("%s: argument %d is no literal", at, i+1))
			continue
		}
		s, _ := strconv.Unquote(l.Value)
		if i == 2 {
			c.code = s
		} else {
			c.names = append(c.names, s)
		}
	}
	slices.Sort(c.names)
	return c, wrong
}

// Each code of a warning must have a text and each text a code, and a call must have the arguments
// for the placeholders of its text and hint.
func TestWarningCodesAndTextsAgree(t *testing.T) {
	names, used := map[string][]string{}, map[string]bool{}
	for key, forms := range locale.English.All("warning.") {
		code := strings.TrimSuffix(strings.TrimPrefix(key, "warning."), ".hint")
		if !errorCode.MatchString(code) {
			t.Errorf("%q is no code", code)
		}
		names[code] = append(names[code], namesIn(forms)...)
	}
	for code := range names {
		if !locale.English.Has("warning." + code) {
			t.Errorf("the code %s has a hint but no text", code)
		}
		slices.Sort(names[code])
		names[code] = slices.Compact(names[code])
	}
	for _, s := range sources(t) {
		if s.test() {
			continue
		}
		calls, wrong := warningsIn(s)
		for _, w := range wrong {
			t.Error(w)
		}
		for _, c := range calls {
			want, ok := names[c.code]
			used[c.code] = true
			switch {
			case !ok:
				t.Errorf("%s: the code %q has no text warning.%s in the catalogue", c.at, c.code, c.code)
			case !slices.Equal(c.names, want):
				t.Errorf("%s: the arguments of %s are %v, its texts have %v", c.at, c.code, c.names, want)
			}
		}
	}
	for code := range names {
		if !used[code] {
			t.Errorf("nothing makes a warning with the code %s of the catalogue", code)
		}
	}
}

// TestWarningCodesAndTextsAgree would accept anything if warningsIn found nothing.
func TestWarningsWithoutCodeAreFound(t *testing.T) {
	for code, want := range map[string]string{
		`return left4me.NewWarning(left4me.WarnBroken, f, "a.b", "x", 1)`: "",
		`return left4me.Warning{}`:                                                     "",
		`return left4me.Warning{Kind: "a", Text: "it is broken"}`:                      "use left4me.NewWarning",
		`return []left4me.Warning{{Kind: "a", Text: "it is broken"}}`:                  "use left4me.NewWarning",
		`return left4me.NewWarning(left4me.WarnBroken, f, code)`:                       "argument 3 is no literal",
		`return left4me.NewWarning(left4me.WarnBroken, f, "a.b", n, 1)`:                "argument 4 is no literal",
		`return left4me.NewWarning(left4me.WarnBroken, f, "a.b", "x")`:                 "names and values in turn",
		`return left4me.NewWarning(left4me.WarnBroken, f, "a.b", all...)`:              "names and values in turn",
		`return left4me.NewWarning(left4me.WarnBroken, f, "a.b", "x", p+" is broken")`: "words of ours",
	} {
		s := source{path: "internal/x/x.go", fset: token.NewFileSet()}
		var err error
		s.file, err = parser.ParseFile(s.fset, s.path, "package x\n\nfunc f() { "+code+" }\n", 0)
		if err != nil {
			t.Fatal(err)
		}
		_, wrong := warningsIn(s)
		if got := strings.Join(wrong, "\n"); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", code, got, want)
		}
	}
}
