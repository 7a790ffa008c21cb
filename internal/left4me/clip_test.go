package left4me_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/left4me"
)

// jsonLen returns the length of s as a JSON string in bytes, without its quotes.
func jsonLen(t testing.TB, s string) int {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		t.Fatal(err)
	}
	return b.Len() - len("\"\"\n")
}

func TestClipLimitsJSONBytes(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"", 0, ""},
		{"short", 5, "short"},
		{strings.Repeat("<", 100), 100, strings.Repeat("<", 100)},
		{strings.Repeat("x", 101), 100, strings.Repeat("x", 65) + "… (36 bytes cut)"},
		{strings.Repeat("\x1b", 20), 119, strings.Repeat("\x1b", 14) + "… (6 bytes cut)"},
		{strings.Repeat("ü", 60), 100, strings.Repeat("ü", 32) + "… (56 bytes cut)"},
		{"a\xffb\xfe\xfd", 100, "a\ufffdb\ufffd\ufffd"},
		{"too long", 7, ""},
	} {
		if got := left4me.Clip(c.in, c.limit); got != c.want {
			t.Errorf("Clip(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

func FuzzClip(f *testing.F) {
	for _, s := range []string{
		"plain", "<&>\u2028\u2029\"\\\b\f\n\r\t\x00\x1f\x7f", "\xff\xc3", strings.Repeat("\xe2\x80", 90),
		strings.Repeat("語", 99),
	} {
		f.Add(s, 64)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = min(max(limit, 0), 1<<16)
		got := left4me.Clip(s, limit)
		if !utf8.ValidString(got) {
			t.Errorf("%q is not UTF-8", got)
		}
		n := jsonLen(t, got)
		if n > limit || n != left4me.TextLen(got) {
			t.Errorf("%d bytes, counted as %d, of at most %d: %q", n, left4me.TextLen(got), limit, got)
		}
		if left4me.TextLen(s) <= limit && got != string([]rune(s)) {
			t.Errorf("%q fits and became %q", s, got)
		}
		if left4me.Clip(got, limit) != got {
			t.Errorf("%q is cut a second time", got)
		}
	})
}

func TestClipLogKeepsTheLastLinesThatFit(t *testing.T) {
	if got := left4me.ClipLog(nil); got == nil || len(got) != 0 {
		t.Errorf("no log became %#v", got)
	}
	var many []string
	for i := range 300 {
		many = append(many, strings.Repeat("x", i))
	}
	if got := left4me.ClipLog(many); !slices.Equal(got, many[100:]) {
		t.Errorf("%d lines of 300 are kept", len(got))
	}
	for _, worst := range []string{"<", "\x01", "\xff", "\u2028", "語", `"`} {
		got := left4me.ClipLog(append(slices.Repeat([]string{strings.Repeat(worst, 64<<10)}, 300), "the end"))
		data, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, l := range got {
			n += jsonLen(t, l) + len(`"",`)
		}
		if n > left4me.MaxJobLogBytes || n < left4me.MaxJobLogBytes-left4me.MaxJobLogLine-100 || got[len(got)-1] != "the end" ||
			!strings.HasSuffix(got[0], " bytes cut)") {
			t.Errorf("lines of %q: %d lines, %d bytes, %d with HTML escapes, the last is %.20q", worst, len(got), n, len(data),
				got[len(got)-1])
		}
	}
}

// severalErrors is an error type that == cannot compare, like the errors of D-Bus.
type severalErrors []string

func (e severalErrors) Error() string { return strings.Join(e, "; ") }

func TestClippedErrorKeepsIncomparableCause(t *testing.T) {
	short := &left4me.Error{Kind: left4me.Denied, Text: "short", Err: severalErrors{"one"}}
	if got := short.Clipped(); got != short {
		t.Errorf("%+v became %+v", short, got)
	}
	long := &left4me.Error{Kind: left4me.Denied, Text: strings.Repeat("x", 64<<10), Err: severalErrors{"one"}}
	if got := long.Clipped(); len(got.Text) >= len(long.Text) || got.Err == nil {
		t.Errorf("%d bytes of %d are kept, the cause is %v", len(got.Text), len(long.Text), got.Err)
	}
}
