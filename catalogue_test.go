package left4me_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/locale"
)

// textCalls are the functions that take the key of a text, with the number of arguments
// before the key. Names and values of the text's arguments follow it.
var textCalls = []struct {
	pkg, name string
	before    int
}{
	{"locale", "T", 1}, {"locale", "M", 0}, {"page", "Text", 0},
}

// textUse is a place that uses a text, or all texts whose key begins with a prefix.
type textUse struct {
	at     string
	key    string
	prefix bool
	names  []string // of its arguments
}

// textsIn lists the texts that a file uses, and what is wrong with the calls.
func textsIn(path string, fset *token.FileSet, file *ast.File) (uses []textUse, wrong []string) {
	inside := filepath.Base(filepath.Dir(path))
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		for _, c := range textCalls {
			if !isName(call.Fun, c.pkg, c.name) && !(inside == c.pkg && isName(call.Fun, "", c.name)) || len(call.Args) <= c.before {
				continue
			}
			u := textUse{at: fset.Position(call.Pos()).String()}
			if u.key, u.prefix, ok = textKey(call.Args[c.before]); !ok {
				wrong = append(wrong, u.at+": the key is no literal, nor a literal prefix that ends with a dot")
			}
			for i := c.before + 1; i < len(call.Args); i += 2 {
				l, ok := call.Args[i].(*ast.BasicLit)
				if !ok || l.Kind != token.STRING || i+1 == len(call.Args) || call.Ellipsis.IsValid() {
					wrong = append(wrong, u.at+": names and values follow the key in turn, and names are literals")
					break
				}
				name, _ := strconv.Unquote(l.Value)
				u.names = append(u.names, name)
			}
			slices.Sort(u.names)
			uses = append(uses, u)
		}
		return true
	})
	return uses, wrong
}

func textKey(x ast.Expr) (key string, prefix, ok bool) {
	if b, isSum := x.(*ast.BinaryExpr); isSum {
		for left, more := b.X.(*ast.BinaryExpr); more; left, more = b.X.(*ast.BinaryExpr) {
			b = left
		}
		key, _, ok = textKey(b.X)
		return key, true, ok && strings.HasSuffix(key, ".")
	}
	l, isLiteral := x.(*ast.BasicLit)
	if !isLiteral || l.Kind != token.STRING {
		return "", false, false
	}
	key, err := strconv.Unquote(l.Value)
	return key, false, err == nil
}

var (
	scriptText = regexp.MustCompile("\\btext\\(\\s*[\"'`]([a-z0-9_.]+)[\"'`](?:,\\s*\\{([^{}]*)\\})?")
	scriptName = regexp.MustCompile(`(?:^|,)\s*(\w+)`)
)

// textUses lists the texts that programs and scripts use.
func textUses(t *testing.T) []textUse {
	t.Helper()
	var all []textUse
	for _, s := range append(sources(t), templates(t)...) {
		if s.test() {
			continue
		}
		uses, wrong := textsIn(s.path, s.fset, s.file)
		all = append(all, uses...)
		for _, w := range wrong {
			t.Error(w)
		}
	}
	scripts, _ := filepath.Glob("internal/web/assets/js/*.js")
	for _, path := range scripts {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range scriptText.FindAllStringSubmatch(string(data), -1) {
			u := textUse{at: path, key: m[1]}
			for _, n := range scriptName.FindAllStringSubmatch(m[2], -1) {
				u.names = append(u.names, n[1])
			}
			slices.Sort(u.names)
			all = append(all, u)
		}
	}
	if len(all) == 0 {
		t.Fatal("no use of a text was found: the test looks at nothing")
	}
	return all
}

var readTemplates []source

// templates are the Go files that templ generated.
func templates(t *testing.T) []source {
	t.Helper()
	if readTemplates != nil {
		return readTemplates
	}
	out, err := exec.Command("git", "ls-files", "-co", "--exclude-standard", "--", "internal/web/*_templ.go").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []source
	for _, path := range strings.Fields(string(out)) {
		text, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			continue // deleted and not committed yet
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, source{path, text, file, fset})
	}
	readTemplates = all
	return all
}

// ofOthers are the texts whose keys are made elsewhere: of errors, which
// TestErrorCodesAndTextsAgree compares, and of durations in package locale.
var ofOthers = regexp.MustCompile(`^(error|duration)\.`)

var tag = regexp.MustCompile(`</([a-z_]+)>`)

// Each text that is used exists, each text is used, and a call has the arguments that the
// text has places for.
func TestCatalogueAndItsUsesAgree(t *testing.T) {
	texts, used := map[string][]string{}, map[string]bool{}
	for key, forms := range locale.English.All("") {
		texts[key] = namesIn(forms)
	}
	for _, u := range textUses(t) {
		if u.prefix {
			found := false
			for key, names := range texts {
				if !strings.HasPrefix(key, u.key) {
					continue
				}
				found, used[key] = true, true
				for _, n := range names {
					if !slices.Contains(u.names, n) {
						t.Errorf("%s: %s has a place for %s, which the call does not have", u.at, key, n)
					}
				}
			}
			if !found {
				t.Errorf("%s: no text has a key that begins with %s", u.at, u.key)
			}
			continue
		}
		names, ok := texts[u.key]
		used[u.key] = true
		if !ok {
			t.Errorf("%s: the catalogue has no %s", u.at, u.key)
		} else if !slices.Equal(names, u.names) {
			t.Errorf("%s: the arguments of %s are %v, its text has %v", u.at, u.key, u.names, names)
		}
	}
	for key := range texts {
		if !used[key] && !ofOthers.MatchString(key) {
			t.Errorf("nothing uses the text %s", key)
		}
	}
}

// namesIn lists the arguments of a text. A plural form may leave out the count: "no players".
func namesIn(forms map[string]string) []string {
	var names []string
	for _, text := range forms {
		for _, m := range errorPlace.FindAllStringSubmatch(text, -1) {
			names = append(names, m[1])
		}
		for _, m := range tag.FindAllStringSubmatch(text, -1) {
			names = append(names, m[1])
		}
	}
	if len(forms) > 1 {
		names = append(names, "count")
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestPluralFormsHaveTheSamePlaces(t *testing.T) {
	for key, forms := range locale.English.All("") {
		for category, text := range forms {
			for _, n := range namesIn(forms) {
				if n != "count" && !strings.Contains(text, "{"+n) && !strings.Contains(text, "<"+n+">") {
					t.Errorf("%s: the plural form %s has no place for %s", key, category, n)
				}
			}
		}
	}
}

// The rule that a text is in the catalogue would hold of everything if it found nothing.
func TestCallsThatNameNoTextAreFound(t *testing.T) {
	for code, want := range map[string]string{
		`locale.T(ctx, "a.b", "x", 1)`:         "a.b [x]",
		`locale.M("a.b")`:                      "a.b []",
		`page.Text("a.b", "x", 1, "count", 2)`: "a.b [count x]",
		`locale.T(ctx, "a."+kind)`:             "a.* []",
		`locale.T(ctx, "a."+kind+".b")`:        "a.* []",
		`locale.T(ctx, "ab"+kind)`:             "wrong",
		`locale.T(ctx, key)`:                   "wrong",
		`locale.T(ctx, "a.b", name, 1)`:        "wrong",
		`locale.T(ctx, "a.b", "x")`:            "wrong",
		`locale.T(ctx, "a.b", args...)`:        "wrong",
	} {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, "x.go", "package x\n\nvar _ = "+code+"\n", 0)
		if err != nil {
			t.Fatal(err)
		}
		uses, wrong := textsIn("internal/x/x.go", fset, file)
		got := "wrong"
		if len(wrong) == 0 && len(uses) == 1 {
			got = fmt.Sprint(uses[0].key, map[bool]string{true: "*"}[uses[0].prefix], " ", uses[0].names)
			if uses[0].names == nil {
				got = strings.Replace(got, "<nil>", "[]", 1)
			}
		}
		if got != want {
			t.Errorf("%s: %s, want %s", code, got, want)
		}
	}
}

// notInCatalogue are the packages of the panel whose texts are not in the catalogue yet.
var notInCatalogue = []string{
	"internal/web",
	"internal/web/accounts",
	"internal/web/backups",
	"internal/web/blueprints",
	"internal/web/campaigns",
	"internal/web/doctor",
	"internal/web/filelist",
	"internal/web/game",
	"internal/web/jobs",
	"internal/web/overlays",
	"internal/web/overlays/files",
	"internal/web/overlays/overlay",
	"internal/web/overlays/revisions",
	"internal/web/overlays/uploads",
	"internal/web/overlays/workshop",
	"internal/web/rollouts",
	"internal/web/servers",
	"internal/web/settings",
}

// A text of the panel stands in the catalogue: neither a template nor a handler nor a
// script has words of its own.
func TestPanelHasNoTextOutsideOfTheCatalogue(t *testing.T) {
	for _, s := range append(sources(t), templates(t)...) {
		dir := filepath.Dir(s.path)
		if s.test() || !strings.HasPrefix(dir, "internal/web") || slices.Contains(notInCatalogue, dir) {
			continue
		}
		for _, w := range textsOutside(s.path, s.fset, s.file) {
			t.Error(w)
		}
	}
	for _, dir := range notInCatalogue {
		found := slices.ContainsFunc(append(sources(t), templates(t)...), func(s source) bool {
			return filepath.Dir(s.path) == dir && !s.test() && len(textsOutside(s.path, s.fset, s.file)) > 0
		})
		if !found {
			t.Errorf("%s has no text outside of the catalogue: remove it from notInCatalogue", dir)
		}
	}
	scripts, _ := filepath.Glob("internal/web/assets/js/*.js")
	for _, path := range scripts {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(data), "\n") {
			if code, _, _ := strings.Cut(line, "// "); scriptWords.MatchString(code) && !scriptsNotInCatalogue {
				t.Errorf("%s:%d: %s", path, i+1, strings.TrimSpace(line))
			}
		}
	}
}

// scriptsNotInCatalogue is true until the texts of scripts are in the catalogue.
const scriptsNotInCatalogue = true

var (
	// words of a string of a script: two words, or a word with a capital letter.
	scriptWords = regexp.MustCompile("[\"'`][^\"'`]*(?:[A-Za-z]{2,} [a-z]{2,}|^[A-Z][a-z]+[.!?]?$)[^\"'`]*[\"'`]")
	// a string of Go that is shown: two words with a space, or a capital and small letters.
	goWords = regexp.MustCompile(`[A-Za-z]{2,}[,;:]? [a-z]{2,}|^[A-Z][a-z]+[.…?]?$`)
	// what is no text though it looks like one: headers, and names of formats and methods.
	noText = regexp.MustCompile(`^(Accept|Location|Origin|Vary|Cookie|Host|Referer|Lines)$|^(GET|POST) /|^[a-z-]+/[a-z-]+; |; path=|^internal server error$|\x00$`)
	markup = regexp.MustCompile(`(?s)<code[^>]*>[^<]*</code>|<kbd[^>]*>[^<]*</kbd>|<[^<>]*>?`)
	shown  = regexp.MustCompile(`(?:aria-label|placeholder|title|alt|data-[a-z-]*text)="([^"]*[A-Za-z]{2,}[^"]*)"`)
	letter = regexp.MustCompile(`[A-Za-z]{2,}`)
)

// textsOutside lists the texts that a file of the panel has itself.
func textsOutside(path string, fset *token.FileSet, file *ast.File) (found []string) {
	if strings.HasSuffix(path, "_templ.go") {
		return append(htmlOutside(path, file), goTextsOutside(fset, file)...)
	}
	return goTextsOutside(fset, file)
}

// htmlOutside lists the words between and in the tags of a template.
func htmlOutside(path string, file *ast.File) (found []string) {
	for _, d := range file.Decls {
		var b strings.Builder
		ast.Inspect(d, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if ok && isName(call.Fun, "templruntime", "WriteString") && len(call.Args) == 3 {
				if l, ok := call.Args[2].(*ast.BasicLit); ok {
					s, _ := strconv.Unquote(l.Value)
					b.WriteString(s)
				}
			}
			return true
		})
		html := b.String()
		for _, m := range shown.FindAllStringSubmatch(html, -1) {
			found = append(found, fmt.Sprintf("%s: the attribute %s", path, m[0]))
		}
		for _, words := range strings.Split(markup.ReplaceAllString(html, "\x00"), "\x00") {
			if letter.MatchString(strings.ReplaceAll(words, "left4me", "")) {
				found = append(found, fmt.Sprintf("%s: %s", path, words))
			}
		}
	}
	return found
}

func goTextsOutside(fset *token.FileSet, file *ast.File) (found []string) {
	var skip []ast.Node
	ast.Inspect(file, func(n ast.Node) bool {
		if slices.Contains(skip, n) {
			return false
		}
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.CallExpr:
			if isName(n.Fun, "templruntime", "WriteString") || isName(n.Fun, "fmt", "Errorf") || isName(n.Fun, "errors", "New") ||
				isLog(n.Fun) || isName(n.Fun, "", "panic") {
				return false
			}
		case *ast.CompositeLit:
			if isName(n.Type, "templ", "Error") {
				return false
			}
		case *ast.Field:
			if n.Tag != nil {
				skip = append(skip, n.Tag)
			}
		case *ast.BasicLit:
			s, err := strconv.Unquote(n.Value)
			if err == nil && n.Kind == token.STRING && goWords.MatchString(s) && !noText.MatchString(s) {
				found = append(found, fmt.Sprintf("%s: %q", fset.Position(n.Pos()), s))
			}
		}
		return true
	})
	return found
}

// isLog reports whether a call writes to the log, which is English.
func isLog(fun ast.Expr) bool {
	s, ok := fun.(*ast.SelectorExpr)
	return ok && slices.Contains([]string{"InfoContext", "WarnContext", "ErrorContext", "DebugContext", "LogAttrs"}, s.Sel.Name)
}

func TestTextsOutsideOfTheCatalogueAreFound(t *testing.T) {
	for code, want := range map[string]bool{
		`var x = "nothing is here"`:    true,
		`var x = "Start"`:              true,
		`var x = "Start…"`:             true,
		`var x = "Content-Type"`:       false,
		`var x = "servers.list.empty"`: false,
		`func f() error { return fmt.Errorf("render %s: %w", a, b) }`:                                            false,
		`func f() { log.ErrorContext(ctx, "the page failed", "error", err) }`:                                    false,
		`func f() { templruntime.WriteString(b, 1, "<p class=\"wide card\">") }`:                                 false,
		`func f() { templruntime.WriteString(b, 1, "<p>Nothing</p>") }`:                                          true,
		`func f() { templruntime.WriteString(b, 1, "<p aria-label=\"Files\">") }`:                                true,
		`func f() { templruntime.WriteString(b, 1, "<code>status</code>") }`:                                     false,
		`func f() { templruntime.WriteString(b, 1, "<td"); templruntime.WriteString(b, 2, " class=\"wide\">") }`: false,
	} {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, "x_templ.go", "package x\n\n"+code+"\n", 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(textsOutside("x_templ.go", fset, file)) > 0; got != want {
			t.Errorf("%s: found %v, want %v", code, got, want)
		}
	}
}
