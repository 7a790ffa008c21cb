package locale

import (
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
	"unsafe"
)

// inEnglish has its own texts, so that the tests do not depend on the wording of pages.
var inEnglish = &Printer{tag: "en", parent: English, plural: englishPlural, number: englishNumber, decimal: ".", texts: &[]entry{
	{"after", "{name} stopped after {time:span}[[, because {reason}]]", nil},
	{"broken", "{name", nil},
	{"link", "Set it in the <settings>settings of {name}</settings> of {host}.", nil},
	{"plain", "5 < 6 <b>", nil},
	{"players", "{count} players", &forms{one: "1 player"}},
	{"port", "{players} on port {port}", nil},
	{"size", "{size:size}, {size:MB}, {size:binary}, {size:short}, {size:KiB}, {size:GiB}, {size}", nil},
	{"text", "{text:q} {text:.3q} {text:.3s}", nil},
}}

type name string

func TestTextFillsArguments(t *testing.T) {
	for _, c := range []struct {
		want, key string
		args      []any
	}{
		{"12,345 players", "players", []any{"count", 12345}},
		{"1 player", "players", []any{"count", int64(1)}},
		{"0 players", "players", []any{"count", uint8(0)}},
		{"-1,000 players", "players", []any{"count", -1000}},
		{"1 player on port 27015", "port", []any{"players", M("players", "count", 1), "port", uint16(27015)}},
		{"alpha stopped after 2 hours", "after", []any{"name", name("alpha"), "time", 2 * time.Hour}},
		{"alpha stopped after 30 minutes", "after", []any{"name", "alpha", "time", 30 * time.Minute, "reason", ""}},
		{"alpha stopped after 1m30s, because {x}", "after", []any{"name", "alpha", "time", 90 * time.Second, "reason", "{x}"}},
		{"1.50 GB, 1500.0 MB, 1.4 GiB, 1.5 GB, 1464843, 1, 1500000000", "size", []any{"size", Bytes(1.5e9)}},
		{`"a\"bcd" "a\"b" a"b`, "text", []any{"text", `a"bcd`}},
		{"5 < 6 <b>", "plain", nil},
		{"no.such.key", "no.such.key", []any{"a", 1}},
		{"{players} on port {port}", "port", []any{"port", 1}},
		{"{name", "broken", []any{"name", "x"}},
	} {
		if got := inEnglish.Text(c.key, c.args...); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.key, c.args, got, c.want)
		}
	}
}

func TestLookupRejectsUnsuitableArguments(t *testing.T) {
	for _, c := range []struct {
		key  string
		args map[string]any
	}{
		{"no.such.key", nil},
		{"port", map[string]any{"port": 1}},
		{"size", map[string]any{"size": "large"}},
		{"text", map[string]any{"text": 5}},
		{"after", map[string]any{"name": "a", "time": 5}},
		{"port", map[string]any{"players": []string{"a"}, "port": 1}},
		{"port", map[string]any{"players": nil, "port": 1}},
	} {
		if got, ok := inEnglish.Lookup(c.key, c.args); ok {
			t.Errorf("%s %v: %q", c.key, c.args, got)
		}
	}
}

type link string

func TestPiecesReturnMarkupAsPieces(t *testing.T) {
	for _, c := range []struct {
		key  string
		args []any
		want []Piece
	}{
		{
			"link",
			[]any{"settings", link.String, "name", "alpha", "host", []int{1}},
			[]Piece{{Text: "Set it in the "}, {"settings of alpha", nil}, {Text: " of "}, {"", []int{1}}, {Text: "."}},
		},
		{"plain", nil, []Piece{{Text: "5 < 6 <b>"}}},
		{"players", []any{"count", 1}, []Piece{{Text: "1 player"}}},
		{"no.such.key", nil, []Piece{{Text: "no.such.key"}}},
	} {
		got := inEnglish.Pieces(c.key, c.args...)
		for i := range got {
			if f := reflect.ValueOf(got[i].Value); f.IsValid() && f.Kind() == reflect.Func {
				got[i].Value = nil // functions cannot be compared
			}
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %q, want %q", c.key, got, c.want)
		}
	}
}

func (l link) String() string { return string(l) }

func TestDurationUsesTwoLargestUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second:                     "0 s",
		59900 * time.Millisecond:         "59 s",
		12*time.Minute + 59*time.Second:  "12 min",
		3*time.Hour + 5*time.Minute:      "3 h 05 min",
		52 * time.Hour:                   "2 d 4 h",
		1234*24*time.Hour + 23*time.Hour: "1,234 d 23 h",
	} {
		if got := English.Duration(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestElapsedIsMorePreciseBelowTenSeconds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second:            "0 ms",
		999 * time.Millisecond:  "999 ms",
		3440 * time.Millisecond: "3.4 s",
		10 * time.Second:        "10 s",
		3 * time.Hour:           "3 h 00 min",
	} {
		if got := English.Elapsed(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
	comma := *English
	comma.decimal = ","
	if got := comma.Elapsed(3440 * time.Millisecond); got != "3,4 s" {
		t.Errorf("with a decimal comma: got %q", got)
	}
}

func TestPseudoKeepsPlacesAndIsLonger(t *testing.T) {
	const text = "Set `sv_cheats 1` in the <settings>settings</settings> of {name:q}"
	got := pseudo(text)
	for _, part := range []string{"`sv_cheats 1`", "<settings>", "</settings>", "{name:q}", "šéţţîñĝš"} {
		if !strings.Contains(got, part) {
			t.Errorf("%q lacks %q", got, part)
		}
	}
	if n := utf8.RuneCountInString(pseudo(strings.Repeat("word ", 20))); n != 142 { // 100, 40 more, and two brackets
		t.Errorf("a text of 100 characters has %d", n)
	}
	for key := range English.All("") {
		if s := Pseudo.Text(key, "count", 1); !strings.HasPrefix(s, "⟦") {
			t.Errorf("%s is %q", key, s)
		}
	}
}

func FuzzText(f *testing.F) {
	for key, forms := range English.All("") {
		f.Add(forms["other"], key)
	}
	f.Fuzz(func(t *testing.T, text, arg string) {
		p := &Printer{texts: &[]entry{{"key", text, nil}}, plural: englishPlural, number: englishNumber, decimal: ","}
		_ = p.Text("key", arg, arg, "count", 3, "size", Bytes(5), "name", []int{1})
		_ = p.Pieces("key", arg, arg, "count", 3, "size", Bytes(5), "name", []int{1})
		_ = pseudo(text)
	})
}

func BenchmarkText(b *testing.B) {
	for b.Loop() {
		English.Text("error.port.in_use", "port", 27015, "server", "beta")
	}
}

// The texts of a language are part of the program, as strings and entries that refer to them.
func TestTextsAreSmallInProgram(t *testing.T) {
	size := 0
	for key, all := range English.All("") {
		size += len(key) + int(unsafe.Sizeof(entry{}))
		for _, text := range all {
			size += len(text)
		}
		if len(all) > 1 {
			size += int(unsafe.Sizeof(forms{}))
		}
	}
	t.Logf("the English texts take %d bytes", size)
	if size > 500_000 {
		t.Errorf("the English texts take %d bytes, want at most 500,000", size)
	}
}
