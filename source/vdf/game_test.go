package vdf_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/left4me/left4me/source/vdf"
)

// game parses a file of testdata with ParseGame.
func game(t *testing.T, name string) *vdf.Node {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	n, problems := vdf.ParseGame(b, vdf.Options{})
	for _, p := range problems {
		if p.Kind != vdf.LineBreak && p.Kind != vdf.Unclosed {
			t.Errorf("%s: unexpected problem %+v", name, p)
		}
	}
	return n
}

// drawTree writes a tree in the format of testdata/keyvalues/README.md.
func drawTree(b *bytes.Buffer, n *vdf.Node, depth int) {
	for _, c := range n.Children {
		b.WriteString(strings.Repeat("\t", depth))
		drawText(b, c.Key, true)
		if c.Block {
			b.WriteString(" {\n")
			drawTree(b, c, depth+1)
			b.WriteString(strings.Repeat("\t", depth) + "}\n")
			continue
		}
		b.WriteByte(' ')
		drawText(b, c.Value, false)
		b.WriteByte('\n')
	}
}

func drawText(b *bytes.Buffer, s string, small bool) {
	b.WriteByte('"')
	for _, c := range []byte(s) {
		if small && c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c < ' ' || c == '"' || c == '\\' || c == 0x7f {
			fmt.Fprintf(b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
}

func TestParseGameMatchesRecordedTrees(t *testing.T) {
	files, err := filepath.Glob("testdata/keyvalues/*.txt")
	if err != nil || len(files) < 40 {
		t.Fatalf("got %d files, %v, want at least 40", len(files), err)
	}
	for _, name := range files {
		in, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(strings.TrimSuffix(name, ".txt") + ".tree")
		if err != nil {
			t.Fatal(err)
		}
		_, want, _ = bytes.Cut(want, []byte("\n"))
		root, _ := vdf.ParseGame(in, vdf.Options{})
		var got bytes.Buffer
		drawTree(&got, root, 0)
		if !bytes.Equal(bytes.TrimSpace(got.Bytes()), bytes.TrimSpace(want)) {
			t.Errorf("%s: got\n%swant\n%s", name, got.Bytes(), want)
		}
	}
}

// Cases that the recorded trees do not cover. Each was compared with the game's own parser when it was
// written.
func TestParseGameReproducesEngineQuirks(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"the first key remains if its condition does not hold", "a [$X360] { b c }", "a{}"},
		{"the next key replaces it", "a [$X360] { b c } d { e f }", "d{e=f}"},
		{"a later condition also omits all following keys", "a { b c } d [$X360] { e f } g { h i } j { k l }", "a{b=c}"},
		{"the condition after a value is used, not one before it", "a { b [$X360] c [$WIN32] d [$WIN32] e [$X360] }", "a{b=c[$WIN32]}"},
		{"two conditions close the block", "a { b { c [$X360] [$WIN32] d } e f", "a{b{c{}} d{}} e{}"},
		{"an unclosed quote as a key", "a { b c \"d", "a{b=c d{}}"},
		{"an unclosed quote outside of blocks", "a { } \"d", "a{}"},
		{"DEL ends a quoted text", "a { \"b\x7fc\" \"d\x7fe\" f\x7fg h\x7f }", "a{b=d f\x7fg=h\x7f}"},
		{"a quoted brace is a text", `a { "{" "}" }`, "a{{=}}"},
		{"a lone slash at the end", "a { b c } /", "a{b=c} /{}"},
		{"control bytes are text", "a { \x01 \x02 }", "a{\x01=\x02}"},
		{"vertical tabs are white space", "a\v{\fb\vc\f}", "a{b=c}"},
		{"text after a condition makes it no condition", "a { b c [$WIN32]x d e [x]$WIN32] }", "a{}"},
	} {
		root, _ := vdf.ParseGame([]byte(c.in), vdf.Options{})
		if got := show(root); got != c.want {
			t.Errorf("%s: %q: got %q, want %q", c.name, c.in, got, c.want)
		}
	}
	root, _ := vdf.ParseGame([]byte(`a { b "\"\\\n\t\v\b\r\f\a\?\'" c "x\yz" }`), vdf.Options{Escapes: true})
	if got := show(root); got != "a{b=\"\\\n\t\v\b\r\f\a?' c=x}" {
		t.Errorf("escapes: got %q", got)
	}
}

func problems(all []vdf.Problem) string {
	var lines []string
	for _, p := range all {
		lines = append(lines, strings.TrimPrefix(fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text), ":"))
	}
	return strings.Join(lines, "\n")
}

func TestParseGameReportsProblems(t *testing.T) {
	const tree = "mission\n{\n\tmodes\n\t{\n\t\tcoop\n\t\t{\n\t\t\tMap a\n\t\t}\n\t}\n}\n"
	for _, c := range []struct{ name, in, want string }{
		{"nothing", tree, ""},
		{"no indentation", strings.ReplaceAll(tree, "\t", ""), ""},
		{"one line", `a{"b"{"c""1"}"d"{}}`, ""},
		{"a key and its value on two lines", "a\n{\n b\n\n 1\n}", ""},
		{"a condition that holds nowhere on a server", "a { b c [$X360] d [$PS3] e }", ""},
		{"DOS end-of-file character", "a { }\r\n\x1a", ""},
		{"comments", "// }\na { // {\n b c // \"\n}", ""},
		{
			"a block that is not closed", strings.Replace(tree, "\t\t}\n", "", 1),
			"8: } is missing in front of this line: it closes the block \"coop\" of line 5",
		},
		{
			"a block too deep", strings.Replace(tree, "\t\t}\n", "\t\tversus\n\t\t{\n\t\t}\n", 1),
			"8: } is missing in front of this line: \"versus\" stands in the block \"coop\" of line 5",
		},
		{"the same without indentation", "a {\nb {\nc d\n", "2: the block \"b\" is not closed: } is missing"},
		{"the same with equal indentation of all lines", " a {\n b {\n c d\n e f\n", "2: the block \"b\" is not closed: } is missing"},
		{
			"a brace too many", strings.Replace(tree, "\t\t}\n", "\t\t}\n\t\t}\n", 1),
			"9: } too many: this one closes the block \"modes\" of line 3\n11: } closes nothing",
		},
		{"the same without indentation", "a {\nb c\n}\n}", "4: } closes nothing"},
		{
			"no value", "a\n{\n b\n}\nc { d",
			"3: the key \"b\" has no value\n5: the key \"d\" has no value\n5: the block \"c\" is not closed: } is missing",
		},
		{
			"a value on the next line, and it was none", "a\n{\n b\n c d\n e {\n}\n}",
			"3: the key \"b\" has no value or { on its line\n5: { without a key: the game takes it for one\n" +
				"5: the key \"{\" has no value\n7: } closes nothing",
		},
		{"a title in front", "The campaign\nmission { }", "1: \"The\" is not followed by {"},
		{"a brace without a key", "{ a b }", "1: { without a key\n1: \"b\" is not followed by {"},
		{
			"an empty key", "a {\n\"\" b\n}\n\"\" c",
			"2: an empty key: the game takes the block \"a\" for closed here\n2: \"b\" is not followed by {\n" +
				"4: an empty key: the game reads no further",
		},
		{
			"two conditions", "a {\nb [$X360] [$X360] c\n}",
			"2: two conditions: the game takes the block \"a\" for closed here\n2: \"c\" is not followed by {",
		},
		{
			"a mark too many", "a {\n\"b\" \"c\"\"\n\"d\" \"e\"\n\"f\" \"g\"\n}",
			"2: a quotation mark is missing or too many: a key would go over the end of the line",
		},
		{
			"a mark is missing at the end", "a {\n\"b\" \"c\n\"d\" \"e\"\n}",
			"2: a quotation mark is missing or too many: \"c\" would go over the end of the line",
		},
		{
			"a mark is missing at the beginning", "a {\n\"b\" c\"\n\"d\" \"e\"\n}",
			"2: a quotation mark is missing or too many: a key would go over the end of the line",
		},
		{
			"quotation marks within a value", "a {\n\"b\" \"c \"d\" e\"\n}",
			"2: a quotation mark is missing or too many: no blank is in front of \"d\"",
		},
		{"a quotation mark without an end", "a {\n\"b\" c\n\"d e\n}", "3: the quotation mark that begins here is not closed"},
		{"a value of two lines", "a {\n\"b\" \"c\nd\"\ne f }", "2: the text that begins here goes over the end of its line"},
		{
			"a condition of other branches", "a {\nb c [$LINUX]\nd [!$X360] {}\ne f [$X360||$WIN32] }",
			"2: the condition \"[$LINUX]\" does not hold in this game, but in newer ones: \"b\" is left out\n" +
				"3: the condition \"[!$X360]\" does not hold in this game, but in newer ones: \"d\" is left out\n" +
				"4: the condition \"[$X360||$WIN32]\" does not hold in this game, but in newer ones: \"e\" is left out",
		},
		{
			"a condition that was not meant as one", "a {\nb [x] c d }",
			"2: the game takes \"[x]\" for a condition and leaves out \"b\": put it in quotation marks\n2: the key \"d\" has no value",
		},
		{
			"the same before the next line", "a\n{\nb [x]\nc d\n}",
			"3: the game takes \"[x]\" for a condition and leaves out \"b\": put it in quotation marks\n4: the key \"d\" has no value",
		},
		{
			"content of an omitted key", "a { }\nb [$X360] { }\nc { }",
			"3: the game does not see \"c\": a condition in front of it does not hold",
		},
		{"a zero byte", "a {\n b c\n\x00\n}", "3: a zero byte: the game reads the file up to here only"},
		{"a DEL", "a { b \"c\x7fd\" }", "1: the game reads only the first 1 bytes of this value: \"c\""},
		{
			"a long value", "a { b " + strings.Repeat("x", 1024) + " c " + strings.Repeat("x", 1023) + " }",
			"1: the game reads only the first 1023 bytes of this value: \"" + strings.Repeat("x", 40) + "…\"",
		},
		{"UTF-16", "\xff\xfea\x00\n\x00}\x00", "1: it is UTF-16 (little-endian)"},
		{"big-endian", "\xfe\xff\x00a\x00\n\x00}", "1: it is UTF-16 (big-endian)"},
		{"UTF-16 without a mark", "a\x00\n\x00}\x00", "1: it is UTF-16 (little-endian)"},
		{"big-endian without a mark", "\x00a\x00\n\x00}", "1: it is UTF-16 (big-endian)"},
		{"UTF-8 with a mark", "\xef\xbb\xbf\"a\" {\n}\n}", "1: it begins with a byte order mark"},
	} {
		_, got := vdf.ParseGame([]byte(c.in), vdf.Options{})
		if problems(got) != c.want {
			t.Errorf("%s: %q: got\n%s\nwant\n%s", c.name, c.in, problems(got), c.want)
		}
	}
}

func TestParseGameLimitsSizeAndDepth(t *testing.T) {
	root, got := vdf.ParseGame(bytes.Repeat([]byte(" "), vdf.MaxSize+1), vdf.Options{})
	if root == nil || len(got) != 1 || got[0].Kind != vdf.Limit {
		t.Errorf("too large: got %+v", got)
	}
	// The game continues after blocks that are too deep, and so must the parser.
	deep := strings.Repeat("a\n{\n", 200) + strings.Repeat("}\n", 200) + "b { c d }"
	root, got = vdf.ParseGame([]byte(deep), vdf.Options{})
	depth := 0
	for n := root; len(n.Children) > 0; n = n.Children[0] {
		depth++
	}
	if depth != vdf.MaxDepth+2 || root.Text("b", "c") != "d" || len(got) != 1 || got[0].Kind != vdf.Limit ||
		got[0].Line != 2*vdf.MaxDepth+3 {
		t.Errorf("too deep: got depth %d, %+v", depth, got)
	}
	_, got = vdf.ParseGame([]byte(strings.Repeat("a {\nb\n}\n", 1000)), vdf.Options{})
	if len(got) != 100 || got[99].Line != 299 {
		t.Errorf("got %d problems, want 100", len(got))
	}
	// The problem that explains the others must not be cut off.
	_, got = vdf.ParseGame([]byte("a {\nb\nc d\n"+strings.Repeat("{ e }\n", 1000)), vdf.Options{})
	if len(got) != 100 || got[0].Line != 2 || !strings.HasPrefix(got[0].Text, `the key "b" has no value or {`) {
		t.Errorf("got %d problems: %+v", len(got), got[:min(len(got), 3)])
	}
}

func TestParseGameIncludes(t *testing.T) {
	files := map[string]string{
		"more.txt": "x { y 1 } z { }",
		"base.txt": "anything { a base b base sub { c base } } other { d base }",
		"loop.txt": `#include "loop.txt"`,
		"bad.txt":  "a {\n}\n}",
	}
	o := vdf.Options{Include: func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, os.ErrNotExist
	}}
	for _, c := range []struct{ in, tree, problems string }{
		// The first key of a #base file, whatever its name, fills in the first key of this file.
		{
			"#BASE \"base.txt\"\n#include more.txt\nroot { a own sub { e own } } second { }",
			"root{a=own sub{e=own c=base} b=base} second{} x{y=1} z{}", "",
		},
		{"#include gone.txt\na { b c }", "a{b=c}", `1: #include "gone.txt": file does not exist`},
		{"#include bad.txt", "a{} }{}", "bad.txt:3: } closes nothing"},
		{"a { #include more.txt b c }", "a{#include=more.txt b=c}", ""},
	} {
		root, got := vdf.ParseGame([]byte(c.in), o)
		if show(root) != c.tree || problems(got) != c.problems {
			t.Errorf("%q: got %q, %s, want %q, %s", c.in, show(root), problems(got), c.tree, c.problems)
		}
	}
	if _, got := vdf.ParseGame([]byte(`#include "loop.txt"`), o); len(got) != 1 || got[0].Kind != vdf.Limit ||
		got[0].Text != "included too deep" {
		t.Errorf("include loop: got %+v", got)
	}
	if root, got := vdf.ParseGame([]byte("#include \"/etc/passwd\"\na { }"), vdf.Options{}); show(root) != "a{}" || len(got) > 0 {
		t.Errorf("without Include: got %q, %v", show(root), got)
	}
}

// plain reports whether a tree can be written with all tokens quoted: top-level nodes are blocks and
// not directives, and no text contains DEL.
func plain(root *vdf.Node) bool {
	for _, c := range root.Children {
		if !c.Block || strings.HasPrefix(c.Key, "#") {
			return false
		}
	}
	return !strings.Contains(show(root), "\x7f")
}

func FuzzParseGame(f *testing.F) {
	files, err := filepath.Glob("testdata/keyvalues/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range append(files, "testdata/addoninfo.txt", "testdata/mission.txt") {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, false)
	}
	f.Add([]byte(`a { b "\"\\\q" c "`), true)
	f.Add([]byte("#include x\n#base y\na [$X360] { }"), true)
	f.Fuzz(func(t *testing.T, b []byte, escapes bool) {
		o := vdf.Options{Escapes: escapes, Include: func(string) ([]byte, error) { return b, nil }}
		root, found := vdf.ParseGame(b, o)
		if root == nil || len(found) > 100 {
			t.Fatalf("got root %v, %d problems", root, len(found))
		}
		lines := bytes.Count(b, []byte("\n")) + 1
		for _, p := range found {
			if p.Line < 1 || p.Line > lines || p.Kind == 0 || p.Text == "" || len(p.Text) > 400 {
				t.Errorf("invalid problem %+v", p)
			}
		}
		var check func(n *vdf.Node, depth int)
		check = func(n *vdf.Node, depth int) {
			if len(n.Key) > 1023 || len(n.Value) > 1023 || depth > vdf.MaxDepth+2 || n.Line > lines {
				t.Errorf("invalid node at depth %d: %+v", depth, n)
			}
			for _, c := range n.Children {
				check(c, depth+1)
			}
		}
		check(root, 0)
		// The formatted tree must be parsed as the same tree.
		if escapes || !plain(root) {
			return
		}
		text, err := vdf.Append(nil, root, vdf.Options{})
		if err != nil || len(text) > vdf.MaxSize {
			return
		}
		if again, _ := vdf.ParseGame(text, vdf.Options{}); show(again) != show(root) {
			t.Errorf("%q became %q", show(root), show(again))
		}
	})
}
