package left4me_test

import (
	"strings"
	"testing"

	"github.com/left4me/left4me"
)

func TestDiffOfLines(t *testing.T) {
	show := func(was, is string) string {
		var b strings.Builder
		for _, l := range left4me.DiffLines(was, is) {
			switch {
			case !l.Is:
				b.WriteByte('-')
			case !l.Was:
				b.WriteByte('+')
			}
			b.WriteString(l.Text + " ")
		}
		return strings.TrimSpace(b.String())
	}
	for _, c := range []struct{ was, is, want string }{
		{"", "", ""},
		{"a\n", "a\n", "a"},
		{"", "a\nb\n", "+a +b"},
		{"a\nb\n", "", "-a -b"},
		{"a\nb\nc\n", "a\nx\nc\n", "a -b +x c"},
		{"a\nb\nc\nd\n", "b\nd\ne\n", "-a b -c d +e"},
		{"a", "a\n", "a"},
	} {
		if got := show(c.was, c.is); got != c.want {
			t.Errorf("%q to %q: %s, want %s", c.was, c.is, got, c.want)
		}
	}
	// What is too long to compare is there whole.
	if got := left4me.DiffLines(strings.Repeat("a\n", 3000), strings.Repeat("b\n", 10)); len(got) != 3010 {
		t.Errorf("%d lines", len(got))
	}
}

// Whatever is compared: the lines that were are the old text, those that are the
// new one.
func FuzzDiffLines(f *testing.F) {
	f.Add("a\nb\nc", "a\nc\nd")
	f.Add("", "\n\n")
	f.Fuzz(func(t *testing.T, was, is string) {
		var a, b []string
		for _, l := range left4me.DiffLines(was, is) {
			if l.Was {
				a = append(a, l.Text)
			}
			if l.Is {
				b = append(b, l.Text)
			}
		}
		if strings.Join(a, "\n") != strings.TrimSuffix(was, "\n") || strings.Join(b, "\n") != strings.TrimSuffix(is, "\n") {
			t.Errorf("%q, %q: %q, %q", was, is, a, b)
		}
	})
}

func TestPasswordsAreHidden(t *testing.T) {
	for text, want := range map[string]string{
		`sv_password "zoey"`:                      `sv_password "(hidden)"`,
		"a 1\nrcon_password \"x y\"\nb 2":         "a 1\nrcon_password \"(hidden)\"\nb 2",
		`say hi; SV_Password zoey; x`:             `say hi; SV_Password "(hidden)"; x`,
		`"tv_password" zoey`:                      `"tv_password" "(hidden)"`,
		`sv_password "not closed`:                 `sv_password "(hidden)"`,
		"hostname \"no password\"\nsv_password\n": "hostname \"no password\"\nsv_password\n",
	} {
		if got := left4me.HidePasswords(text); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
	was, will := left4me.HideBoth("sv_password \"a\"\nrcon_password \"1\"\n", "sv_password \"b\"\nrcon_password \"2\"\n")
	if was == will || strings.ContainsAny(was+will, "12") || strings.Contains(will, `"b"`) || !strings.Contains(will, "another one") {
		t.Errorf("%q, %q", was, will)
	}
	if was, will := left4me.HideBoth("rcon_password \"1\"\n", "rcon_password \"2\"\n"); was != will {
		t.Errorf("%q, %q", was, will)
	}
	s := left4me.Settings{Password: "zoey", Cfg: []string{"sv_password zoey"}, Args: []string{"+sv_password", "zoey", "-x"}}
	if p := s.Public(); strings.Contains(strings.Join(append(p.Cfg, append(p.Args, p.Password)...), " "), "zoey") || s.Args[1] != "zoey" {
		t.Errorf("%+v, %+v", p, s)
	}
}
