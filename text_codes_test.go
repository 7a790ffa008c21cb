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

// codeKinds lists the types whose texts are rendered from a code: their constructors, and where their texts
// are. Errors have a test of their own, because of their kinds and their document.
var codeKinds = []struct {
	name   string // of the type in package left4me; its function is New + name
	before int    // arguments before the code
	prefix string // of the keys
	more   string // suffix of the key of the remedy; empty: no remedy
	field  string // a field with a text, which may not be set; empty: none
}{
	{"Check", 2, "check.", ".fix", "Mend"},
	{"Warning", 2, "warning.", ".hint", ""},
	{"Note", 0, "note.", "", ""},
}

// codesIn returns the calls of New + name in a file, and what in it makes such a text that is not in the
// catalogue. Codes and names of arguments must be literals.
func codesIn(s source, name string, before int, field string) (calls []errorCall, wrong []string) {
	if filepath.Dir(s.path) == "internal/left4me" {
		return nil, nil
	}
	blame := func(n ast.Node, text string) {
		wrong = append(wrong, fmt.Sprintf("%s: %s", s.fset.Position(n.Pos()), text))
	}
	isKind := func(x ast.Expr) bool { return isName(x, "left4me", name) }
	hasText := func(n *ast.CompositeLit) bool {
		// A note without a code is a text from elsewhere, such as a column of an earlier version.
		return name != "Note" || slices.ContainsFunc(n.Elts, func(x ast.Expr) bool {
			kv, ok := x.(*ast.KeyValueExpr)
			return !ok || isName(kv.Key, "", "Code") || hasWords(kv.Value)
		})
	}
	made := "use left4me.New" + name + ", which has a code"
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if n.Type != nil && isKind(n.Type) && len(n.Elts) > 0 && hasText(n) || hasBare(n, isKind) {
				blame(n, made)
			}
		case *ast.AssignStmt:
			for _, to := range n.Lhs {
				if x, ok := to.(*ast.SelectorExpr); ok && field != "" && x.Sel.Name == field {
					blame(n, made)
				}
			}
		case *ast.CallExpr:
			if !isName(n.Fun, "left4me", "New"+name) {
				return true
			}
			c, w := codeCallOf(s.fset.Position(n.Pos()).String(), n, before)
			calls, wrong = append(calls, c), append(wrong, w...)
			for i := before + 2; i < len(n.Args); i += 2 {
				if hasWords(n.Args[i]) {
					blame(n.Args[i], "this argument has words of ours, which nobody can translate; give it an error with a code")
				}
			}
		}
		return true
	})
	return calls, wrong
}

func codeCallOf(at string, n *ast.CallExpr, before int) (c errorCall, wrong []string) {
	c = errorCall{at: at}
	if n.Ellipsis.IsValid() || len(n.Args)%2 != (before+1)%2 {
		wrong = append(wrong, at+": after the code follow names and values in turn")
	}
	for i := before; i < len(n.Args); i++ {
		if i > before && (i-before)%2 == 0 { // a value
			continue
		}
		l, ok := n.Args[i].(*ast.BasicLit)
		if !ok || l.Kind != token.STRING {
			wrong = append(wrong, fmt.Sprintf("%s: argument %d is no literal", at, i+1))
			continue
		}
		s, _ := strconv.Unquote(l.Value)
		if i == before {
			c.code = s
		} else {
			c.names = append(c.names, s)
		}
	}
	slices.Sort(c.names)
	return c, wrong
}

// Each code must have a text and each text a code, and a call must have the arguments for the
// placeholders of its texts.
func TestCodesAndTextsAgree(t *testing.T) {
	for _, k := range codeKinds {
		names, used := map[string][]string{}, map[string]bool{}
		for key, forms := range locale.English.All(k.prefix) {
			code := strings.TrimPrefix(key, k.prefix)
			if k.more != "" {
				code = strings.TrimSuffix(code, k.more)
			}
			if !errorCode.MatchString(code) {
				t.Errorf("%q is no code", code)
			}
			names[code] = append(names[code], namesIn(forms)...)
		}
		for code := range names {
			if !locale.English.Has(k.prefix + code) {
				t.Errorf("the code %s has %s but no text %s", code, k.prefix+code+k.more, k.prefix+code)
			}
			slices.Sort(names[code])
			names[code] = slices.Compact(names[code])
		}
		for _, s := range sources(t) {
			if s.test() {
				continue
			}
			calls, wrong := codesIn(s, k.name, k.before, k.field)
			for _, w := range wrong {
				t.Error(w)
			}
			for _, c := range calls {
				want, ok := names[c.code]
				used[c.code] = true
				switch {
				case !ok:
					t.Errorf("%s: the code %q has no text %s in the catalogue", c.at, c.code, k.prefix+c.code)
				case !slices.Equal(c.names, want):
					t.Errorf("%s: the arguments of %s are %v, its texts have %v", c.at, c.code, c.names, want)
				}
			}
		}
		for code := range names {
			if !used[code] {
				t.Errorf("no left4me.New%s has the code %s of the catalogue", k.name, code)
			}
		}
	}
}

// TestCodesAndTextsAgree would accept anything if codesIn found nothing.
func TestTextsWithoutCodeAreFound(t *testing.T) {
	for _, k := range codeKinds {
		before := strings.Repeat("x, ", k.before)
		of := strings.NewReplacer("KIND", k.name, "BEFORE, ", before).Replace
		position := func(n int) string { return fmt.Sprintf("argument %d is no literal", k.before+n) }
		for code, want := range map[string]string{
			`return left4me.NewKIND(BEFORE, "a.b", "x", 1)`:                       "",
			`return left4me.NewKIND(BEFORE, "a.b", "x", left4me.Commands("a b"))`: "",
			`return left4me.KIND{}`:                                               "",
			`return left4me.KIND{Text: "it is broken"}`:                           "use left4me.NewKIND",
			`return []left4me.KIND{{Text: "it is broken"}}`:                       "use left4me.NewKIND",
			`return left4me.NewKIND(BEFORE, code)`:                                position(1),
			`return left4me.NewKIND(BEFORE, "a.b", n, 1)`:                         position(2),
			`return left4me.NewKIND(BEFORE, "a.b", "x")`:                          "names and values in turn",
			`return left4me.NewKIND(BEFORE, "a.b", all...)`:                       "names and values in turn",
			`return left4me.NewKIND(BEFORE, "a.b", "x", p+" is missing")`:         "words of ours",
			`c.` + k.field + ` = "restart the server"`:                            map[bool]string{true: "use left4me.NewKIND"}[k.field != ""],
			`return left4me.KIND{Text: column}`:                                   map[bool]string{true: "use left4me.NewKIND"}[k.name != "Note"],
			`return left4me.KIND{Code: code, Text: column}`:                       "use left4me.NewKIND",
		} {
			code, want = of(code), of(want)
			s := source{path: "internal/x/x.go", fset: token.NewFileSet()}
			var err error
			s.file, err = parser.ParseFile(s.fset, s.path, "package x\n\nfunc f() { "+strings.ReplaceAll(code, "c. =", "c.x =")+" }\n", 0)
			if err != nil {
				t.Fatal(err)
			}
			_, wrong := codesIn(s, k.name, k.before, k.field)
			if got := strings.Join(wrong, "\n"); want == "" && got != "" || !strings.Contains(got, want) {
				t.Errorf("%s: got %q, want %q", code, got, want)
			}
		}
	}
}
