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

	"github.com/left4me/left4me/internal/left4me"
)

// checksIn returns the calls of left4me.NewCheck in a file, and what in it makes a check whose text
// is not in the catalogue. Codes and names of arguments must be literals.
func checksIn(s source) (calls []errorCall, wrong []string) {
	if filepath.Dir(s.path) == "internal/left4me" {
		return nil, nil
	}
	blame := func(n ast.Node, text string) {
		wrong = append(wrong, fmt.Sprintf("%s: %s", s.fset.Position(n.Pos()), text))
	}
	isCheck := func(x ast.Expr) bool { return isName(x, "left4me", "Check") }
	const made = "use left4me.NewCheck, which has a code"
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if n.Type != nil && isCheck(n.Type) && len(n.Elts) > 0 || hasBare(n, isCheck) {
				blame(n, made)
			}
		case *ast.AssignStmt:
			for _, to := range n.Lhs {
				if x, ok := to.(*ast.SelectorExpr); ok && x.Sel.Name == "Mend" {
					blame(n, made)
				}
			}
		case *ast.CallExpr:
			if !isName(n.Fun, "left4me", "NewCheck") {
				return true
			}
			c, w := checkCallOf(s.fset.Position(n.Pos()).String(), n)
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

func checkCallOf(at string, n *ast.CallExpr) (c errorCall, wrong []string) {
	c = errorCall{at: at}
	if n.Ellipsis.IsValid() || len(n.Args)%2 != 1 {
		wrong = append(wrong, at+": after state, name and code follow names and values in turn")
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

// Each code of a check has its text and each text its code, and a call has the arguments that
// the text has places for.
func TestCheckCodesAndTextsAgree(t *testing.T) {
	places, used := map[string][]string{}, map[string]bool{}
	for _, v := range left4me.CheckTexts() {
		places[v.Code] = placesOf(left4me.ErrorText{Text: v.Text, Hint: v.Fix})
		if !errorCode.MatchString(v.Code) || v.Text == "" {
			t.Errorf("%q is no code or has no text: %q", v.Code, v.Text)
		}
	}
	for _, s := range sources(t) {
		if s.test() {
			continue
		}
		calls, wrong := checksIn(s)
		for _, w := range wrong {
			t.Error(w)
		}
		for _, c := range calls {
			names, ok := places[c.code]
			used[c.code] = true
			switch {
			case !ok:
				t.Errorf("%s: the code %q has no text check.%s in the catalogue", c.at, c.code, c.code)
			case !slices.Equal(c.names, names):
				t.Errorf("%s: the arguments of %s are %v, its texts have %v", c.at, c.code, c.names, names)
			}
		}
	}
	for code := range places {
		if !used[code] {
			t.Errorf("nothing makes a check with the code %s of the catalogue", code)
		}
	}
}

// TestCheckCodesAndTextsAgree would accept anything if checksIn found nothing.
func TestChecksWithoutCodeAreFound(t *testing.T) {
	for code, want := range map[string]string{
		`return left4me.NewCheck(left4me.CheckOK, "a", "a.b", "x", 1)`:                             "",
		`return left4me.NewCheck(left4me.CheckOK, "unit "+u, "a.b", "x", left4me.Commands("a b"))`: "",
		`return left4me.Check{}`:                                                     "",
		`return left4me.Check{Name: "a", Text: "it is broken"}`:                      "use left4me.NewCheck",
		`return []left4me.Check{{Name: "a", Text: "it is broken"}}`:                  "use left4me.NewCheck",
		`c.Mend = "restart the server"`:                                              "use left4me.NewCheck",
		`return left4me.NewCheck(left4me.CheckOK, "a", code)`:                        "argument 3 is no literal",
		`return left4me.NewCheck(left4me.CheckOK, "a", "a.b", n, 1)`:                 "argument 4 is no literal",
		`return left4me.NewCheck(left4me.CheckOK, "a", "a.b", "x")`:                  "names and values in turn",
		`return left4me.NewCheck(left4me.CheckOK, "a", "a.b", all...)`:               "names and values in turn",
		`return left4me.NewCheck(left4me.CheckOK, "a", "a.b", "x", p+" is missing")`: "words of ours",
	} {
		s := source{path: "internal/x/x.go", fset: token.NewFileSet()}
		var err error
		s.file, err = parser.ParseFile(s.fset, s.path, "package x\n\nfunc f() { "+code+" }\n", 0)
		if err != nil {
			t.Fatal(err)
		}
		_, wrong := checksIn(s)
		if got := strings.Join(wrong, "\n"); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", code, got, want)
		}
	}
}
