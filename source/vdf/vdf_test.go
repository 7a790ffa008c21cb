package vdf_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/left4me/left4me/source/vdf"
	"golang.org/x/sys/unix"
)

// show formats a tree on one line: key=value, key{children}, followed by the [condition].
func show(n *vdf.Node) string {
	var parts []string
	for _, c := range n.Children {
		s := c.Key
		if c.Block {
			s += "{" + show(c) + "}"
		} else {
			s += "=" + c.Value
		}
		parts = append(parts, s+c.Condition)
	}
	return strings.Join(parts, " ")
}

func TestParseAcceptsAllForms(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"quoted pair", `"a" "b"`, "a=b"},
		{"bare tokens", "a b c d", "a=b c=d"},
		{"block", `"a" { "b" "c" }`, "a{b=c}"},
		{"no blanks at all", `"AddonInfo"{addontitle x}`, "AddonInfo{addontitle=x}"},
		{"a bare token ends at a brace and at a quote", `a{b"c"}d e`, "a{b=c} d=e"},
		{"control characters belong to a bare token", "a\x01b\x0bc\fd", "a=b c=d"},
		{"comments", "// first\na b // behind a value\n// last", "a=b"},
		{"a comment between key and block", "a // why\n{ b c }", "a{b=c}"},
		{"an address is no comment", "url http://x/y", "url=http://x/y"},
		{"a quoted slash is no comment", `a "//b"`, "a=//b"},
		{"an empty value", `a ""`, "a="},
		{"an empty key", `"" b`, "=b"},
		{"a value over lines", "a \"b\nc\"", "a=b\nc"},
		{"duplicates keep their order", "a 1 b 2 A 3", "a=1 b=2 A=3"},
		{"nothing", "", ""},
		{"only a comment", "// nothing here", ""},
		{"old Mac line ends", "a b\rc d", "a=b c=d"},
		{"a carriage return stays in a quoted token", "a \"b\r\nc\"", "a=b\r\nc"},
		{"a vector is no condition", "origin [0 1 2", "origin=[0 1=2"},
		{"backslashes are text", `path "a\b\n"`, `path=a\b\n`},
		{"a backslash does not keep a quote open", `a "b\" c d`, `a=b\ c=d`},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := vdf.Parse([]byte(c.in), vdf.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := show(n); got != c.want {
				t.Errorf("%q: got %q, want %q", c.in, got, c.want)
			}
		})
	}
}

func TestConditionsSelectPairs(t *testing.T) {
	for in, want := range map[string]string{
		"a b [$WIN32]":           "a=b[$WIN32]",
		"a b [$win32]":           "a=b[$win32]",
		"a b [$LINUX] c d":       "c=d",
		"a b [!$X360]":           "",
		"a b [$WIN32||$X360]":    "",
		"a b [ $WIN32 ]":         "a=b [=$WIN32 ]=",
		`a [$X360] { b c } d e`:  "d=e",
		`a [$WIN32] { b c } d e`: "a{b=c}[$WIN32] d=e",
		`a { b c } [$X360] d e`:  "a{b=c} d=e",
	} {
		n, err := vdf.Parse([]byte(in), vdf.Options{})
		if strings.Contains(want, "]=") {
			if err == nil {
				t.Errorf("%q: got %q, want an error", in, show(n))
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if got := show(n); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestEscapesAreOptional(t *testing.T) {
	const in = `a "b\"c\\d\te\nf\x" g h`
	n, err := vdf.Parse([]byte(in), vdf.Options{Escapes: true})
	if err != nil || n.Text("a") != "b\"c\\d\te\nf\\x" || n.Text("g") != "h" {
		t.Errorf("got %q, %v", show(n), err)
	}
	// Without escapes the quotation mark after the backslash ends the token.
	n, err = vdf.Parse([]byte(`a "b\" c d`), vdf.Options{})
	if err != nil || n.Text("a") != `b\` {
		t.Errorf("got %q, %v", show(n), err)
	}
}

func TestParseReadsRealFiles(t *testing.T) {
	addon := game(t, "addoninfo.txt").Get("addoninfo")
	for key, want := range map[string]string{
		"addonsteamappid": "550", "ADDONTITLE": `Night \\ Shift`, "addonversion": "1.2", "addonauthor": `B. Franklin \`,
		"addonurl0": "https://example.org/a?b=c", "addondescription": "All players' health\r\nis full again.",
		"addoncontent_script": "1", "addoncontent_campaign": "0",
	} {
		if got := addon.Text(key); got != want {
			t.Errorf("addoninfo: %s: got %q, want %q", key, got, want)
		}
	}
	mission := game(t, "mission.txt").Get("mission")
	var maps []string
	for _, chapter := range mission.Get("modes", "coop").Children {
		maps = append(maps, chapter.Key+" "+chapter.Text("map"))
	}
	if got := strings.Join(maps, ","); got != "1 ns_m1_yard,2 NS_m2_Docks" {
		t.Errorf("got chapters %s", got)
	}
	if got := mission.Text("Image"); got != `vgui\outroTitle_nightshift` {
		t.Errorf("got image %q", got)
	}
	if n := mission.Get("modes", "coop", "2", "displayname"); n == nil || n.Line != 28 {
		t.Errorf("line of a key: got %+v", n)
	}
	app := read(t, "appmanifest.acf", vdf.Options{Escapes: true}).Get("AppState")
	if app.Text("buildid") != "20581643" || app.Text("installdir") != `C:\games\"l4d2"` ||
		app.Text("InstalledDepots", "222861", "size") != "9163546820" {
		t.Errorf("got manifest %s", show(app))
	}
}

func read(t *testing.T, name string, o vdf.Options) *vdf.Node {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	n, err := vdf.Parse(b, o)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

func TestDecodeRecognizesEncodings(t *testing.T) {
	const text = `"a" "Überfall 洛琪希 🧟"`
	unit := utf16.Encode([]rune(text))
	little, big := []byte{0xff, 0xfe}, []byte{0xfe, 0xff}
	for _, u := range unit {
		little = binary.LittleEndian.AppendUint16(little, u)
		big = binary.BigEndian.AppendUint16(big, u)
	}
	for name, b := range map[string][]byte{
		"UTF-8": []byte(text), "UTF-8 with a mark": []byte("\xef\xbb\xbf" + text), "UTF-16LE": little, "UTF-16BE": big,
		"UTF-16 with half a unit": append(slices.Clone(little), 'x'),
	} {
		n, err := vdf.Parse(b, vdf.Options{})
		if err != nil || n.Text("a") != "Überfall 洛琪希 🧟" {
			t.Errorf("%s: got %q, %v", name, show(n), err)
		}
	}
	n, err := vdf.Parse([]byte("\"a\" \"\xdcber\""), vdf.Options{})
	if err != nil || n.Text("a") != "Über" {
		t.Errorf("Latin-1: got %q, %v", show(n), err)
	}
}

func TestLookupIgnoresCase(t *testing.T) {
	n, err := vdf.Parse([]byte("A { B 1 b 2 } a { b 3 } c {} d 4"), vdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := n.Text("a", "b"); got != "1" {
		t.Errorf("first of duplicates: got %q", got)
	}
	var all []string
	for c := range n.Get("a").All("b") {
		all = append(all, c.Value)
	}
	if strings.Join(all, ",") != "1,2" {
		t.Errorf("all values of a key: got %v", all)
	}
	if n.Text("c") != "" || n.Text("x", "y") != "" || n.Get("d", "e") != nil || n.Get("nothing").Get("at all") != nil {
		t.Error("a missing key was found")
	}
	for range n.Get("nothing").All("x") {
		t.Error("All on nil yielded a node")
	}
}

func TestErrorsContainLine(t *testing.T) {
	for _, c := range []struct {
		in   string
		line int
		is   error
	}{
		{"a b\n}\n", 2, vdf.ErrSyntax},
		{"a {\n{ }\n}", 2, vdf.ErrSyntax},
		{"a b\nc {\n d { e f }\n", 2, vdf.ErrSyntax},
		{"a b\nc", 2, vdf.ErrSyntax},
		{"a \"b\nc d\n", 1, vdf.ErrSyntax},
		{"a { b \"c\n}\n", 1, vdf.ErrSyntax},
		{"a {\n b }\n", 2, vdf.ErrSyntax},
		{"a [$LINUX] [$POSIX]", 1, vdf.ErrSyntax},
		{"\n\n" + strings.Repeat("a{", vdf.MaxDepth+1), 3, vdf.ErrTooLarge},
		{strings.Repeat(" ", vdf.MaxSize+1), 1, vdf.ErrTooLarge},
	} {
		n, err := vdf.Parse([]byte(c.in), vdf.Options{})
		var at *vdf.Error
		if !errors.As(err, &at) || !errors.Is(err, c.is) || at.Line != c.line {
			t.Errorf("%.20q: got %v, want line %d, %v", c.in, err, c.line, c.is)
		}
		if n == nil {
			t.Errorf("%.20q: got no tree", c.in)
		}
	}
	n, err := vdf.Parse([]byte("a b\nc { d e\n{"), vdf.Options{})
	if err == nil || show(n) != "a=b c{d=e}" {
		t.Errorf("tree before the error: got %q, %v", show(n), err)
	}
}

func TestParseAcceptsMaximumSizeAndDepth(t *testing.T) {
	if _, err := vdf.Parse([]byte(strings.Repeat("a{", vdf.MaxDepth)+strings.Repeat("}", vdf.MaxDepth)), vdf.Options{}); err != nil {
		t.Errorf("%d blocks: %v", vdf.MaxDepth, err)
	}
	full := "a \"" + strings.Repeat("x", vdf.MaxSize-4) + `"`
	if n, err := vdf.Parse([]byte(full), vdf.Options{}); err != nil || len(n.Text("a")) != vdf.MaxSize-4 {
		t.Errorf("%d bytes: %v", len(full), err)
	}
}

// Files are untrusted input: no file of an allowed size may take excessive time.
func TestParsingTakesLinearTime(t *testing.T) {
	for _, pattern := range []string{
		"[$ ", "a [$ ", "a\"", "a{}", "\\\"", "//\n", "#base x\n", "a b [$", "{", "\xff", "a [$X360] {",
		"a {\n", "}", "\"\n", "\\",
	} {
		linear(t, pattern, func(scale int) {
			b := []byte(strings.Repeat(pattern, vdf.MaxSize/32*scale/len(pattern)))
			_, _ = vdf.Parse(b, vdf.Options{})
			if _, p := vdf.ParseGame(b, vdf.Options{}); len(p) > 100 {
				t.Errorf("%q: got %d problems, want at most 100", pattern, len(p))
			}
		})
	}
}

// The same holds for files that include each other, and for files with much to merge.
func TestIncludesTakeLinearTime(t *testing.T) {
	for what, text := range map[string]func(scale int) string{
		"files that include each other": func(int) string { return "#include x\n#include y\n#base z\n" },
		"one file included often":       func(int) string { return strings.Repeat("#include x\n", 100) },
		"many #base files":              func(scale int) string { return strings.Repeat("#base x\n", vdf.MaxSize/8/8*scale) },
		"keys": func(scale int) string {
			var keys strings.Builder
			keys.WriteString("#base x\na {")
			for i := range 3_000 * scale {
				fmt.Fprintf(&keys, " k%d {}", i)
			}
			return keys.String() + "}"
		},
	} {
		linear(t, what, func(scale int) {
			calls, text := 0, text(scale)
			o := vdf.Options{Include: func(string) ([]byte, error) {
				if calls++; strings.Contains(text, "{") { // return as many keys with other names
					return []byte(strings.ReplaceAll(strings.TrimPrefix(text, "#base x\n"), "k", "l")), nil
				}
				return []byte(text), nil
			}}
			_, _ = vdf.Parse([]byte(text), o)
			vdf.ParseGame([]byte(text), o)
			if calls > 600 {
				t.Errorf("%s: read %d files, want at most 600", what, calls)
			}
		})
	}
}

// linear checks that f takes about four times as long at scale 4 as at scale 1; quadratic time would be
// sixteen times as long. It measures the processor time of the thread, so load on the machine does not
// matter.
func linear(t *testing.T, what string, f func(scale int)) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	took := func(scale int) time.Duration {
		begun := threadTime(t)
		f(scale)
		return threadTime(t) - begun
	}
	const noise = 10 * time.Millisecond // work limited elsewhere takes less time than the clock can measure
	one, four := took(1), took(4)
	for range 2 { // the garbage collector may have run on this thread
		if four <= 10*one+noise {
			return
		}
		one, four = max(one, took(1)), min(four, took(4))
	}
	if four > 10*one+noise {
		t.Fatalf("%q: %s at scale 1, %s at scale 4", what, one, four)
	}
}

// threadTime returns the processor time of this thread.
func threadTime(t *testing.T) time.Duration {
	t.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		t.Fatal(err)
	}
	return time.Duration(ts.Nano())
}

func TestIncludeAppendsAndBaseFillsIn(t *testing.T) {
	files := map[string]string{
		"more.txt": "x 1",
		"base.txt": "root { a base b base sub { c base } } other { d base }",
		"loop.txt": `#include "loop.txt"`,
		"bad.txt":  "\n}",
		"big.txt":  strings.Repeat(" ", vdf.MaxSize),
	}
	include := func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, os.ErrNotExist
	}
	parse := func(in string) (*vdf.Node, error) { return vdf.Parse([]byte(in), vdf.Options{Include: include}) }

	n, err := parse("#base \"base.txt\"\n#include \"more.txt\"\nroot { a own sub { e own } }")
	if err != nil || show(n) != "root{a=own sub{e=own c=base} b=base} x=1 other{d=base}" {
		t.Errorf("got %q, %v", show(n), err)
	}
	for in, is := range map[string]error{
		`#include "loop.txt"`:    vdf.ErrTooLarge,
		`#include "big.txt" a b`: vdf.ErrTooLarge,
		`#base "nothing.txt"`:    os.ErrNotExist,
		"#include \"bad.txt\" ":  vdf.ErrSyntax,
	} {
		var at *vdf.Error
		if _, err := parse(in); !errors.Is(err, is) || !errors.As(err, &at) {
			t.Errorf("%s: got error %v, want %v", in, err, is)
		}
	}
	if _, err := parse(`#include "bad.txt"`); err == nil || !strings.Contains(err.Error(), "bad.txt line 2") {
		t.Errorf("error in an included file: %v", err)
	}
	// Without Include other files are not read, and the directives do not become keys.
	if n, err := vdf.Parse([]byte("#include \"/etc/passwd\"\na b"), vdf.Options{}); err != nil || show(n) != "a=b" {
		t.Errorf("without Include: got %q, %v", show(n), err)
	}
}

func TestFormatWritesIndentedText(t *testing.T) {
	root := &vdf.Node{Block: true}
	b := root.AddBlock("AddonInfo")
	b.Add("addontitle", "Night Shift")
	b.AddBlock("empty")
	b.Add("x", "1").Condition = "[$WIN32]"
	got, err := vdf.Format(root, vdf.Options{})
	want := "\"AddonInfo\"\n{\n\t\"addontitle\"\t\t\"Night Shift\"\n\t\"empty\"\n\t{\n\t}\n\t\"x\"\t\t\"1\"\t[$WIN32]\n}\n"
	if err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	b.Add("quote", `say "hi"`)
	if _, err := vdf.Format(root, vdf.Options{}); !errors.Is(err, vdf.ErrQuote) {
		t.Errorf("quotation mark without escapes: got error %v, want ErrQuote", err)
	}
	got, err = vdf.Format(root, vdf.Options{Escapes: true})
	if n, _ := vdf.Parse([]byte(got), vdf.Options{Escapes: true}); err != nil || n.Text("AddonInfo", "quote") != `say "hi"` {
		t.Errorf("quotation mark with escapes: got %q, %v", got, err)
	}
	deep := &vdf.Node{Block: true}
	for n, i := deep, 0; i < vdf.MaxDepth+2; i++ {
		n = n.AddBlock(fmt.Sprint(i))
	}
	if _, err := vdf.Format(deep, vdf.Options{}); !errors.Is(err, vdf.ErrTooLarge) {
		t.Errorf("too deep: got error %v, want ErrTooLarge", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"addoninfo.txt", "mission.txt", "appmanifest.acf"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, true)
		f.Add(b, false)
		f.Add(b[:len(b)/2], false)
	}
	for _, s := range []string{
		`a { b "c`, "a b [$WIN32] c [$win32] { d e }", "a b [$X360||!$LINUX&&$POSIX]", "#base x\n#include y", strings.Repeat("a{", 70),
		"\xff\xfea\x00 \x00b\x00", "a \xff", `a "\" b`, "a [!",
	} {
		f.Add([]byte(s), strings.Contains(s, `\`))
	}
	f.Fuzz(func(t *testing.T, b []byte, escapes bool) {
		o := vdf.Options{Escapes: escapes}
		root, err := vdf.Parse(b, o)
		if root == nil {
			t.Fatal("got no tree")
		}
		if err != nil {
			return
		}
		text, err := vdf.Format(root, o)
		if errors.Is(err, vdf.ErrQuote) {
			return // only a bare token can contain one, and without escapes a quoted one cannot
		}
		if err != nil {
			t.Fatalf("%q cannot be formatted: %v", show(root), err)
		}
		again, err := vdf.Parse([]byte(text), o)
		if errors.Is(err, vdf.ErrTooLarge) {
			return // quotes and tabs exceeded MaxSize
		}
		if err != nil || show(again) != show(root) {
			t.Errorf("%q became %q, %v", show(root), show(again), err)
		}
	})
}
