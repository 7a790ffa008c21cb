package left4me_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
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
	kind  string // constant of package left4me, or empty
	code  string
	names []string
}

// received lists the files that may construct an Error from data of another left4me or from a
// stored one. All other files must use left4me.NewError.
var received = []string{
	"internal/cli/apiclient/problem.go", "internal/store/job.go", "internal/host/content/archive/decode.go",
}

// errorCalls lists the calls of left4me.NewError in the program and reports malformed ones: codes
// and names must be literals.
func errorCalls(t *testing.T) []errorCall {
	t.Helper()
	var all []errorCall
	for _, s := range sources(t) {
		if s.test() {
			continue
		}
		calls, wrong := errorsIn(s)
		all = append(all, calls...)
		for _, w := range wrong {
			t.Error(w)
		}
	}
	return all
}

// errorsIn lists the calls of left4me.NewError in a file, and the places that construct an error
// that may have no code.
func errorsIn(s source) (calls []errorCall, wrong []string) {
	ours := filepath.Dir(s.path) == "internal/left4me"
	kept, reasons := slices.Contains(received, s.path), strings.HasPrefix(s.path, "internal/host/")
	blame := func(n ast.Node, text string) {
		wrong = append(wrong, fmt.Sprintf("%s: %s", s.fset.Position(n.Pos()), text))
	}
	isError := func(x ast.Expr) bool { return !ours && isName(x, "left4me", "Error") }
	const made = "use left4me.NewError, which has a code"
	for _, imported := range s.file.Imports {
		if imported.Name != nil && strings.HasSuffix(imported.Path.Value, `/internal/left4me"`) {
			blame(imported, "import it by its name, so that tests find its errors")
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if n.Type != nil && isError(n.Type) || hasBare(n, isError) {
				blame(n, made)
			}
		case *ast.AssignStmt:
			for i, to := range n.Lhs {
				if x, ok := to.(*ast.SelectorExpr); ok && reasons && x.Sel.Name == "Reason" && len(n.Rhs) == len(n.Lhs) &&
					hasWords(n.Rhs[i]) {
					blame(n, "say why a server is in its state by a code: Explain")
				}
			}
		case *ast.KeyValueExpr:
			if id, ok := n.Key.(*ast.Ident); ok && reasons && id.Name == "Reason" && hasWords(n.Value) {
				blame(n, "say why a server is in its state by a code: Explain")
			}
		case *ast.ValueSpec:
			if n.Type != nil && isError(n.Type) && !kept {
				blame(n, made)
			}
		case *ast.TypeSpec: // an alias, or a type with the same fields
			if isError(n.Type) {
				blame(n, made)
			}
		case *ast.CallExpr:
			id, builtin := n.Fun.(*ast.Ident)
			switch {
			case isName(n.Fun, "left4me", "NewError") || ours && isName(n.Fun, "", "NewError"):
				c, w := errorCallOf(s.fset.Position(n.Pos()).String(), n)
				calls, wrong = append(calls, c), append(wrong, w...)
				for i := 3; i < len(n.Args); i += 2 {
					if hasWords(n.Args[i]) && !english(s.path) {
						blame(n.Args[i], "this argument has words of ours, which nobody can translate; give it an error with a code")
					}
				}
			case builtin && id.Name == "new" && isError(n.Args[0]) && !kept, isName(n.Fun, "left4me", "Received") && !kept:
				blame(n, made)
			}
		}
		return true
	})
	return calls, wrong
}

// english reports whether a file belongs to the command line, which is in English only.
func english(path string) bool {
	return strings.HasPrefix(path, "internal/cli/") || strings.HasPrefix(path, "cmd/")
}

// hasWords reports whether an expression contains literal words, not only text from elsewhere.
func hasWords(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(x.Value)
		return err == nil && x.Kind == token.STRING && words.MatchString(text)
	case *ast.BinaryExpr:
		return hasWords(x.X) || hasWords(x.Y)
	case *ast.ParenExpr:
		return hasWords(x.X)
	case *ast.CallExpr:
		return isName(x.Fun, "fmt", "Sprintf") && hasWords(x.Args[0]) || isName(x.Fun, "cmp", "Or") && slices.ContainsFunc(x.Args, hasWords)
	}
	return false
}

var words = regexp.MustCompile(`[a-z]{2,} |^ ?[a-z]{2,} | [a-z]{2,}`)

// hasBare reports whether a list or map contains errors with an omitted type.
func hasBare(n *ast.CompositeLit, isError func(ast.Expr) bool) bool {
	var of ast.Expr
	switch x := n.Type.(type) {
	case *ast.ArrayType:
		of = x.Elt
	case *ast.MapType:
		of = x.Value
	default:
		return false
	}
	if p, ok := of.(*ast.StarExpr); ok {
		of = p.X
	}
	return isError(of) && slices.ContainsFunc(n.Elts, func(x ast.Expr) bool {
		if kv, ok := x.(*ast.KeyValueExpr); ok {
			x = kv.Value
		}
		l, ok := x.(*ast.CompositeLit)
		return ok && l.Type == nil
	})
}

// This test makes sure that the rule above finds violations at all.
func TestErrorsWithoutCodeAreFound(t *testing.T) {
	for code, want := range map[string]string{
		`func f() error { return left4me.NewError(left4me.Busy, "a.b", "x", 1) }`:                                 "",
		`func f() error { return &left4me.Error{Kind: left4me.Busy, Text: "it fell" } }`:                          "use left4me.NewError",
		`var all = map[int]*left4me.Error{1: {Text: "it fell"}}`:                                                  "use left4me.NewError",
		`var all = []*left4me.Error{left4me.NewError(left4me.Busy, "a.b")}`:                                       "",
		`var all = []left4me.Error{{Text: "it fell"}}`:                                                            "use left4me.NewError",
		`func f() error { var e left4me.Error; e.Text = "it fell"; return &e }`:                                   "use left4me.NewError",
		`func f() error { e := new(left4me.Error); e.Text = "it fell"; return e }`:                                "use left4me.NewError",
		`type failure left4me.Error`:                                                                              "use left4me.NewError",
		`type failure = left4me.Error`:                                                                            "use left4me.NewError",
		`func f() error { return left4me.Received(left4me.Busy, "", nil, "it fell", "") }`:                        "use left4me.NewError",
		`func f(c string) error { return left4me.NewError(left4me.Busy, c) }`:                                     "argument 2 is no literal",
		`func f(n string) error { return left4me.NewError(left4me.Busy, "a.b", n, 1) }`:                           "argument 3 is no literal",
		`func f() error { return left4me.NewError(left4me.Busy, "a.b", "x") }`:                                    "names and values in turn",
		`func f() error { return left4me.NewError(left4me.Busy, "a.b", "x", "it fell over") }`:                    "words of ours",
		`func f(s string) error { return left4me.NewError(left4me.Busy, "a.b", "x", s+" is not a directory") }`:   "words of ours",
		`func f(n int) error { return left4me.NewError(left4me.Busy, "a.b", "x", fmt.Sprintf("code %d of", n)) }`: "words of ours",
		`func f(n int) error { return left4me.NewError(left4me.Busy, "a.b", "x", fmt.Sprintf("app_%d.acf", n)) }`: "",
		`func f(a []any) error { return left4me.NewError(left4me.Busy, "a.b", a...) }`:                            "names and values in turn",
	} {
		s := source{path: "internal/x/x.go", fset: token.NewFileSet()}
		var err error
		s.file, err = parser.ParseFile(s.fset, s.path, "package x\n\nimport \"github.com/left4me/left4me/internal/left4me\"\n\n"+code+"\n",
			0)
		if err != nil {
			t.Fatal(err)
		}
		_, wrong := errorsIn(s)
		if got := strings.Join(wrong, "\n"); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
	for _, code := range []string{`st.Reason = "it fell over"`, `st = left4me.Status{Reason: "it fell over"}`} {
		s := source{path: "internal/host/x/x.go", fset: token.NewFileSet()}
		s.file, _ = parser.ParseFile(s.fset, s.path, "package x\n\nfunc f() { "+code+" }\n", 0)
		if _, wrong := errorsIn(s); len(wrong) != 1 {
			t.Errorf("%s: %q", code, wrong)
		}
	}
	s := source{path: "internal/x/x.go", fset: token.NewFileSet()}
	s.file, _ = parser.ParseFile(s.fset, s.path,
		"package x\n\nimport l \"github.com/left4me/left4me/internal/left4me\"\n\nvar e = l.Error{}\n", 0)
	if _, wrong := errorsIn(s); len(wrong) != 1 {
		t.Errorf("under another name: %q", wrong)
	}
}

// isName reports whether x is pkg.name, or name if pkg is empty.
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

func errorCallOf(at string, n *ast.CallExpr) (c errorCall, wrong []string) {
	c = errorCall{at: at}
	if n.Ellipsis.IsValid() || len(n.Args)%2 != 0 {
		wrong = append(wrong, at+": after kind and code come names and values in turn")
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
			wrong = append(wrong, fmt.Sprintf("%s: argument %d is no literal", at, i+1))
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
	return c, wrong
}

// placesOf returns the names of the arguments in an error's text.
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

// Each code in the sources must have a text and each text a code, and the arguments must match the
// text's places.
func TestErrorCodesAndTextsAgree(t *testing.T) {
	texts, used := errorTexts(), map[string]bool{}
	for _, c := range errorCalls(t) {
		text, ok := texts[c.code]
		used[c.code] = true
		switch {
		case !ok:
			t.Errorf("%s: the code %q has no text in the catalogue", c.at, c.code)
		case !slices.Equal(c.names, placesOf(text)):
			t.Errorf("%s: the arguments of %s are %v, its text has %v", c.at, c.code, c.names, placesOf(text))
		}
	}
	for code := range texts {
		if !used[code] {
			t.Errorf("the code %s of the catalogue is unused", code)
		}
	}
}

// Texts must be sorted by code, for the binary search, and have the form that ErrorText documents.
func TestErrorTextsAreWellFormed(t *testing.T) {
	all := left4me.ErrorTexts()
	for i, v := range all {
		if i > 0 && all[i-1].Code >= v.Code {
			t.Errorf("%s is after %s", v.Code, all[i-1].Code)
		}
		if !errorCode.MatchString(v.Code) {
			t.Errorf("%s is not a valid code", v.Code)
		}
		rest := errorPlace.ReplaceAllString(v.Text+v.Hint, "")
		if v.Text == "" || strings.ContainsAny(rest, "{}") || strings.Count(rest, "[[") != strings.Count(rest, "]]") {
			t.Errorf("%s: %+v", v.Code, v)
		}
	}
}

// docs/errors.md must list all codes.
func TestErrorDocumentListsAllCodes(t *testing.T) {
	tableInDocument(t, "docs/errors.md", errorTable(t))
}

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
