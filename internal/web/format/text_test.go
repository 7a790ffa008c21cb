package format

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/left4me/left4me/internal/left4me"
)

func TestVisibleShowsHiddenCharacters(t *testing.T) {
	for in, want := range map[string]string{
		"Coach":                     "Coach",
		"":                          "",
		"مرحبا":                     "مرحبا",
		"a\tb":                      "a\tb",
		"a\nb\r":                    "a␊b␍",
		"\x1b[31mred":               "␛[31mred",
		"\x00\x7f":                  "␀␡",
		"\u0085":                    "‹0085›",
		"\u202Egnp.exe":             "‹202E›gnp.exe",
		"\u2066x\u2069":             "‹2066›x‹2069›",
		"a\u200Bb\uFEFF":            "a‹200B›b‹FEFF›",
		"\U000E0041":                "‹E0041›",
		"\u3164":                    "‹3164›",
		"👩\u200D🚒":                  "👩\u200D🚒",
		"\xff\xfe":                  "‹FF›‹FE›",
		"\uFFFD":                    "\uFFFD",
		"<script>alert(1)</script>": "<script>alert(1)</script>", // escaping is the page's task
	} {
		if got := Visible(in); got != want {
			t.Errorf("Visible(%q) = %q, want %q", in, got, want)
		}
	}
}

// Arguments of errors may come from a plugin, a repository or an archive, with any content and length.
func TestErrorArgumentsAreVisibleAndBounded(t *testing.T) {
	for _, value := range []string{"\x1b]0;x\x07\u009b31m", "\u202Egnp.exe\u2066", "\xff\r\n", "{reason} [[{verb}]]", "<b>&amp;"} {
		for _, e := range []*left4me.Error{
			left4me.NewError(left4me.Unavailable, "git.failed", "verb", "fetch", "reason", value),
			left4me.NewError(left4me.Invalid, "archive.of_several", "archive", value, "error",
				left4me.NewError(left4me.Unavailable, "git.failed", "verb", "fetch", "reason", value)),
			left4me.Received(left4me.Busy, "port.of_tomorrow", nil, value, value),
		} {
			text, hint := Error(t.Context(), e)
			if strings.ContainsFunc(text+hint, func(r rune) bool { return left4me.Hidden(r) || r == '\n' || r == '\r' }) ||
				!strings.Contains(text+hint, Visible(value)) {
				t.Errorf("argument %q: got text %q, hint %q", value, text, hint)
			}
		}
	}
	long := left4me.NewError(left4me.Unavailable, "git.failed", "verb", "fetch", "reason", strings.Repeat("x", 1<<20))
	if text, hint := Error(t.Context(), long); len(text)+len(hint) > 10<<10 {
		t.Errorf("got %d bytes, want at most 10 KiB", len(text)+len(hint))
	}
}

func TestReasonUsesCodeOfState(t *testing.T) {
	crashed := left4me.Args{"exit": "\x1b[31mSIGSEGV"}
	for want, st := range map[string]left4me.Status{
		"": {},
		"the server crashed (␛[31mSIGSEGV) and is restarting": {
			Reason: "worded otherwise",
			Why:    left4me.Received(left4me.Unavailable, "state.crashed_and_starts", crashed, "worded otherwise", ""),
		},
		"newer␍":     {Reason: "not this", Why: left4me.Received(left4me.Unavailable, "state.of_tomorrow", nil, "newer\r", "")},
		"older␛[31m": {Reason: "older\x1b[31m"},
	} {
		if got := Reason(t.Context(), st); got != want {
			t.Errorf("got reason %q of %+v, want %q", got, st, want)
		}
	}
}

func FuzzVisible(f *testing.F) {
	for _, s := range []string{"Coach", "\x1b]0;x\x07", "\u202E\u2066", "\xff", "\uFFFD", "a\u200Db"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range Visible(s) {
			if left4me.Hidden(r) || unicode.IsControl(r) && r != '\t' || r == '\u202E' {
				t.Errorf("Visible(%q) contains %U", s, r)
			}
		}
		if again := Visible(Visible(s)); again != Visible(s) {
			t.Errorf("applying Visible twice changes %q to %q", Visible(s), again)
		}
		for _, l := range VisibleLines(s) {
			if strings.ContainsAny(l, "\r\n") {
				t.Errorf("a line of %q contains a line break", s)
			}
		}
	})
}

func TestSpanUsesTwoLargestUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 59 * time.Second: "59 s", 61 * time.Second: "1 min",
		125 * time.Minute: "2 h 05 min", 49 * time.Hour: "2 d 1 h",
	} {
		if got := Span(t.Context(), d); got != want {
			t.Errorf("Span(%s) = %q, want %q", d, got, want)
		}
	}
}
